//! The options that name keys.

use std::ffi::OsString;
use std::path::PathBuf;

use failure::Failure;
use openpgp::{Cert, Decryption, PassphraseOptions, find_signers, read_secret_key};

use crate::protection::Protection;

/// What opens the files, and who must have signed them.
#[derive(clap::Args, Debug)]
pub(crate) struct Keys {
    /// Decrypt with the secret key in FILE instead of GnuPG's keyring
    #[arg(long, value_name = "FILE")]
    secret_key: Vec<PathBuf>,
    /// Require that the certificate KEY has signed each file inside its message
    #[arg(long, value_name = "KEY")]
    sign_key: Vec<OsString>,
    /// Require that the certificate KEY has signed the seal of each set
    #[arg(long, value_name = "KEY")]
    seal_key: Vec<OsString>,
    /// Accept messages without integrity protection, as old programs wrote them, and unencrypted
    /// files among encrypted ones
    #[arg(long)]
    allow_unprotected: bool,
    #[command(flatten)]
    passphrase: PassphraseOptions,
}

impl Keys {
    pub(crate) fn decryption(&self) -> Result<Decryption, Failure> {
        let mut decryption = Decryption::new(self.passphrase.source());
        for path in &self.secret_key {
            decryption.keys.secrets.push(read_secret_key(path)?);
        }
        decryption.keys.gnupg = self.secret_key.is_empty();
        decryption.signers_wanted = find_signers(&self.sign_key)?;
        decryption.allow_unprotected = self.allow_unprotected;
        Ok(decryption)
    }

    /// What files that are not encrypted mean, in the files of one chain or of a whole store.
    pub(crate) fn protection(&self, one_chain: bool) -> Protection {
        Protection {
            demanded: !self.secret_key.is_empty() || self.has_passphrase(),
            waived: self.allow_unprotected || !self.seal_key.is_empty(),
            one_chain,
            plain: None,
            encrypted: false,
        }
    }

    /// Whether a passphrase was given, and not only a terminal to ask for one.
    fn has_passphrase(&self) -> bool {
        let PassphraseOptions { passphrase_file, passphrase_fd } = &self.passphrase;
        let variable = std::env::var_os("PASSPHRASE").is_some_and(|text| !text.is_empty());
        passphrase_file.is_some() || passphrase_fd.is_some() || variable
    }

    /// Who may have signed a seal; nobody where it need not be signed.
    pub(crate) fn seal_certificates(&self) -> Result<Vec<Cert>, Failure> {
        find_signers(&self.seal_key)
    }
}
