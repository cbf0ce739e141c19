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

/// Make a key pair to encrypt backups or to sign them
///
/// moo-keygen writes the certificate OUTPUT.cert.pgp, the secret key OUTPUT.secret.pgp, and the
/// revocation certificate OUTPUT.revocation.pgp, which makes the key invalid when it is imported.
/// It refuses to overwrite a file. `gpg --import` reads each of them. The fingerprint of the key
/// goes to standard output.
///
/// The secret key is locked with a passphrase from a file, a file descriptor, the variable
/// PASSPHRASE, or the terminal.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-keygen", version, after_help = EXAMPLES)]
pub struct Keygen {
    /// Beginning of the names of the files
    output: PathBuf,
    /// Set the user ID of the key [default: moobacker on this host]
    #[arg(long, value_name = "TEXT")]
    user_id: Option<String>,
    /// Make a key that only signs, for a host that signs its seals. Lock it only if
    /// --passphrase-file or --passphrase-fd is given
    #[arg(long)]
    sign_only: bool,
    /// Do not lock the secret key
    #[arg(long, conflicts_with_all = ["passphrase_file", "passphrase_fd"])]
    no_passphrase: bool,
    #[command(flatten)]
    passphrase: PassphraseOptions,
    /// Make a key that expires after AGE, such as 2Y or 6M
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
