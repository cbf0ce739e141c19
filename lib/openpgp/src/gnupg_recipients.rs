//! Encryption by gpg, to keys that are too weak for anything else.

use std::ffi::OsString;
use std::fs;
use std::io::Write;

use failure::{Failure, OrFail, Status};
use sequoia_openpgp::serialize::SerializeInto;
use stream::TemporaryFile;
use tempfile::TempDir;

use crate::encrypt::Encryption;
use crate::gpg::{Feed, Gpg};
use crate::protect::CIPHER;
use crate::trouble::failure;

/// Whom gpg encrypts to. It reads their certificates from files, in a home of its own, where no setting and
/// no key of the user has a say.
pub(crate) struct GnuPGRecipients {
    home: TempDir,
    arguments: Vec<OsString>,
}

impl GnuPGRecipients {
    /// All recipients, weak or not: a message has one session key, and only gpg knows it.
    pub(crate) fn of(encryption: &Encryption) -> Result<GnuPGRecipients, Failure> {
        let home = tempfile::tempdir().or_fail(Status::Failed, TemporaryFile)?;
        let named = encryption.recipients.iter().map(|cert| ("--recipient-file", cert));
        let hidden = encryption.hidden_recipients.iter();
        let hidden = hidden.map(|cert| ("--hidden-recipient-file", cert));
        let mut arguments = Vec::new();
        for (option, cert) in named.chain(hidden) {
            let id = cert.fingerprint().to_hex();
            let bytes = cert.export_to_vec();
            let bytes = bytes.map_err(|error| failure(error, Status::Failed, &id))?;
            let file = home.path().join(id);
            fs::write(&file, bytes).or_fail(Status::Failed, TemporaryFile)?;
            arguments.extend([option.into(), file.into_os_string()]);
        }
        Ok(GnuPGRecipients { home, arguments })
    }

    /// Writes one message, whose content is the packets that a function writes.
    pub(crate) fn encrypt(
        &self,
        to: impl Write + Send,
        content: impl FnOnce(&mut Feed) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let cipher = CIPHER.to_string();
        let mut arguments: Vec<OsString> =
            ["--no-options", "--no-autostart", "--homedir"].map(OsString::from).to_vec();
        arguments.push(self.home.path().into());
        // The content is packets already, compressed and signed as in all other messages.
        arguments.extend(
            [
                "--trust-model",
                "always",
                "--allow-weak-digest-algos",
                "--allow-weak-key-signatures",
                "--no-literal",
                "--compress-algo",
                "none",
                "--cipher-algo",
                &cipher,
            ]
            .map(OsString::from),
        );
        arguments.extend(self.arguments.iter().cloned());
        arguments.push("--encrypt".into());
        let outcome = Gpg::start(arguments, None)?.filter(to, content)?;
        if outcome.success {
            return Ok(());
        }
        let message = format!("encryption: gpg: {}", outcome.reason());
        Err(Failure::new(Status::Key, message).into())
    }
}
