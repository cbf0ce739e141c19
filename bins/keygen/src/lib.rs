//! `moo-keygen` makes a key pair, in files that GnuPG and the other programs take.

mod expiry;
mod papers;

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use cli::{Common, Program};
use failure::{Failure, Status};
use openpgp::{Passphrase, PassphraseOptions, generate};
use stream::Totals;

use crate::papers::Papers;

/// Make a key pair to encrypt backups to, or to sign them with
///
/// Writes OUTPUT.cert.pgp, the certificate; OUTPUT.secret.pgp, the secret key; and
/// OUTPUT.revocation.pgp, which declares the key void once it is imported. None of them may be
/// there already. `gpg --import` takes each of them. The key's fingerprint goes to standard
/// output.
///
/// The secret key is locked with a passphrase: from a file, a file descriptor, the variable
/// PASSPHRASE, or the terminal.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-keygen", version, after_help = EXAMPLES)]
pub struct Keygen {
    /// What the names of the files begin with
    output: PathBuf,
    /// Whom or what the key stands for [default: moobacker on this host]
    #[arg(long, value_name = "TEXT")]
    user_id: Option<String>,
    /// Make a key that only signs, for a host that seals its backups; it is not locked, unless a
    /// passphrase is given by one of the options
    #[arg(long)]
    sign_only: bool,
    /// Do not lock the secret key
    #[arg(long, conflicts_with_all = ["passphrase_file", "passphrase_fd"])]
    no_passphrase: bool,
    #[command(flatten)]
    passphrase: PassphraseOptions,
    /// Let the key expire after this time, such as 2Y or 6M
    #[arg(long, value_name = "AGE", value_parser = expiry::parse)]
    expires: Option<Duration>,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  moo-keygen --user-id 'backups of home' ~/backup
  moo-scan /etc | moo-sign | moo-delta | moo-pack |
      moo-encrypt --encrypt-key ~/backup.cert.pgp | moo-upload file:///srv/backup
  moo-fetch file:///srv/backup | moo-decrypt --secret-key ~/backup.secret.pgp | moo-patch /tmp/etc
  moo-keygen --sign-only ~/host
  gpg --import ~/backup.secret.pgp";

impl Program for Keygen {
    const NAME: &'static str = "moo-keygen";
    type Outlet = ();

    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, (): &mut ()) -> Result<Totals, Failure> {
        let papers = Papers::at(&self.output)?;
        let passphrase = self.passphrase()?;
        let user_id = self.user_id.clone().unwrap_or_else(default_user_id);
        let key = generate(&user_id, !self.sign_only, passphrase.as_ref(), self.expires)?;
        papers.write(&key)?;
        writeln!(std::io::stdout(), "{:X}", key.fingerprint)
            .map_err(|error| Failure::of_output(&error))?;
        Ok(Totals::default())
    }
}

impl Keygen {
    fn passphrase(&self) -> Result<Option<Passphrase>, Failure> {
        let given =
            self.passphrase.passphrase_file.is_some() || self.passphrase.passphrase_fd.is_some();
        if self.no_passphrase || (self.sign_only && !given) {
            return Ok(None);
        }
        match self.passphrase.source().get_new("Passphrase of the new key: ")? {
            Some(passphrase) => Ok(Some(passphrase)),
            None => {
                let why = "no passphrase is given; a key without one needs --no-passphrase";
                Err(Failure::new(Status::Key, format!("new key: {why}")))
            }
        }
    }
}

fn default_user_id() -> String {
    format!("moobacker on {}", rustix::system::uname().nodename().to_string_lossy())
}
