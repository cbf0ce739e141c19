//! The options that name keys.

use std::ffi::{OsStr, OsString};

use deflate::Effort;
use failure::{Failure, Status};
use openpgp::{
    Cert, Compression, Encryption, PassphraseOptions, PassphraseSource, Signer, WeakKeys,
    find_certificate,
};

/// Whom to encrypt to, and who signs. A KEY is a fingerprint, key ID or user ID in GnuPG's
/// keyring, or a file.
#[derive(clap::Args, Debug)]
pub(crate) struct Keys {
    /// Encrypt to the certificate KEY: a file, or a fingerprint or key ID in GnuPG's keyring
    #[arg(long, value_name = "KEY")]
    encrypt_key: Vec<OsString>,
    /// Encrypt to the certificate KEY without naming it in the message
    #[arg(long, value_name = "KEY")]
    hidden_encrypt_key: Vec<OsString>,
    /// Sign each file inside its message with the secret key KEY, as duplicity does
    #[arg(long, value_name = "KEY")]
    sign_key: Option<OsString>,
    /// Sign the seal of the set with the secret key KEY
    #[arg(long, value_name = "KEY")]
    seal_key: Option<OsString>,
    /// Do not encrypt: compress volumes and signature files with gzip, leave the manifest plain
    #[arg(long, conflicts_with_all = ["encrypt_key", "hidden_encrypt_key", "sign_key"])]
    no_encryption: bool,
    /// Let gpg encrypt to and sign with keys of old GnuPG that are too weak; a secret key must be
    /// in GnuPG
    #[arg(long)]
    allow_weak_keys: bool,
    #[command(flatten)]
    passphrase: PassphraseOptions,
}

impl Keys {
    /// How messages are made; none where nothing is to be encrypted.
    ///
    /// `passphrase` is where [`Keys::passphrase`] says.
    pub(crate) fn encryption(
        &self,
        effort: Option<Effort>,
        passphrase: &PassphraseSource,
    ) -> Result<Option<Encryption>, Failure> {
        if self.no_encryption {
            return Ok(None);
        }
        let recipients = certificates(&self.encrypt_key)?;
        let hidden_recipients = certificates(&self.hidden_encrypt_key)?;
        let mut passphrases = Vec::new();
        if recipients.is_empty() && hidden_recipients.is_empty() {
            let given = passphrase.get_new("Passphrase of the backup: ")?;
            passphrases.push(given.ok_or_else(nothing_to_encrypt_to)?);
        }
        let weak_keys = if self.allow_weak_keys { WeakKeys::ByGpg } else { WeakKeys::Refused };
        let signer = signer(self.sign_key.as_deref(), passphrase, weak_keys)?;
        let compression = effort.map_or(Compression::None, Compression::Zlib);
        let encryption = Encryption {
            recipients,
            hidden_recipients,
            passphrases,
            signer,
            compression,
            weak_keys,
        };
        encryption.check()?;
        Ok(Some(encryption))
    }

    /// Who signs the seal, if somebody does. A seal by a weak key would prove nothing.
    pub(crate) fn seal_signer(
        &self,
        passphrase: &PassphraseSource,
    ) -> Result<Option<Signer>, Failure> {
        signer(self.seal_key.as_deref(), passphrase, WeakKeys::Never)
    }

    /// Where the passphrases are. A file descriptor can be read only once, so this is asked for
    /// only once too.
    pub(crate) fn passphrase(&self) -> PassphraseSource {
        self.passphrase.source()
    }
}

fn signer(
    key: Option<&OsStr>,
    passphrase: &PassphraseSource,
    weak: WeakKeys,
) -> Result<Option<Signer>, Failure> {
    key.map(|key| Signer::find(key, &passphrase.for_signing(), weak)).transpose()
}

/// The certificates to encrypt to. A machine that makes backups needs no secret key to read them.
fn certificates(keys: &[OsString]) -> Result<Vec<Cert>, Failure> {
    let certificate = |key: &OsString| {
        let cert = find_certificate(key)?;
        if cert.is_tsk() {
            let why = "holds the secret key too, which should not be on the machine that is backed up; \
                       give a file with the certificate only";
            log::warn!("{}: {why}", failure::shown(key));
        }
        Ok(cert.strip_secret_key_material())
    };
    keys.iter().map(certificate).collect()
}

fn nothing_to_encrypt_to() -> Failure {
    let hint =
        "give --encrypt-key, --passphrase-file, --passphrase-fd, PASSPHRASE or --no-encryption";
    Failure::new(Status::Key, format!("no key and no passphrase to encrypt with ({hint})"))
}
