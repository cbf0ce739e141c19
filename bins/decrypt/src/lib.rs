//! `moo-decrypt` checks the files of a store and decrypts them.

mod ahead;
mod belonging;
mod gaps;
mod hold;
mod keys;
mod losses;
mod manifest;
mod pieces;
mod protection;
mod sets;
mod spool;
mod transit;
mod unwrap;
mod vouched;

use std::ffi::OsString;
use std::fs::File;
use std::io::{IsTerminal, Write};
use std::sync::Arc;

use cli::{Common, Program};
use failure::{Failure, Status};
use stream::{FilesInput, Output, Totals, pipe};

use crate::ahead::Ahead;
use crate::keys::Keys;
use crate::losses::Losses;
use crate::sets::Sets;
use crate::transit::Transit;
use crate::unwrap::Unwrap;

/// Verify and decrypt the files of a store
///
/// moo-decrypt compares the hash of each file with the manifest and the seal of the set before it
/// decrypts the file; of a large volume, piece by piece. A file that is missing, or that belongs to
/// no set, is an error. Secret keys come from GnuPG and its agent, or from files.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-decrypt", version, after_help = EXAMPLES)]
pub struct Decrypt {
    #[command(flatten)]
    keys: Keys,
    /// Continue after files that are damaged or missing; moo-fetch and moo-patch need this option
    /// too
    #[arg(long)]
    keep_going: bool,
    /// Ask for the passphrase of the secret keys, if they are locked, and print it
    #[arg(long, hide = true)]
    unlock: bool,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  moo-fetch file:///srv/backup | moo-decrypt | tar tv
  moo-fetch file:///srv/backup | moo-decrypt --secret-key backup.secret.pgp | moo-patch /tmp/etc";

impl Program for Decrypt {
    const NAME: &'static str = "moo-decrypt";
    type Outlet = Output<File>;

    fn common(&self) -> &Common {
        &self.common
    }

    fn has_stream(words: &[OsString]) -> bool {
        !words.iter().take_while(|word| *word != "--").any(|word| word == "--unlock")
    }

    fn run(self, output: &mut Output<File>) -> Result<Totals, Failure> {
        if self.unlock {
            return self.ask(output.text()).map(|()| Totals::default());
        }
        // What the stages before have to say comes first: it may be the reason for the rest.
        let input = FilesInput::open(pipe::input()?)?;
        let unwrap = Arc::new(Unwrap::new(self.keys.decryption()?));
        if self.keep_going && input.begin().request().is_none() {
            let why = "--keep-going: standard input is no restore, and a copy has to be whole";
            return Err(Failure::new(Status::Usage, why));
        }
        let wanted = input.begin().request().cloned();
        let protection = self.keys.protection(wanted.is_some());
        let signers = self.keys.seal_certificates()?;
        let sets = Sets::new(wanted, signers, self.keep_going, &unwrap.vouched)?;
        output.begin(input.begin())?;
        let mut files = Ahead::start(input.keep_going(self.keep_going), &unwrap)?;
        let losses = Losses::new(self.keep_going);
        let mut transit = Transit { sets, unwrap, losses, protection, output };
        while let Some((name, file)) = files.next_file() {
            transit.file(&name, file)?;
        }
        let totals = files.finish()?;
        let lost = totals.lost + transit.finish()?;
        Ok(Totals { lost, ..totals })
    }
}

impl Decrypt {
    /// Asks for the passphrase of the secret keys once for all stages of a command.
    fn ask(&self, to: &mut impl Write) -> Result<(), Failure> {
        if std::io::stdout().is_terminal() {
            let why = "standard output: is a terminal, which would show the passphrase";
            return Err(Failure::new(Status::Usage, why));
        }
        match self.keys.decryption()?.keys.ask()? {
            Some(passphrase) => passphrase.write(to).map_err(|error| Failure::of_output(&error)),
            None => Ok(()),
        }
    }
}

/// What does not agree with its set.
pub(crate) fn broken(which: &str, why: &str) -> Failure {
    Failure::of(Status::Integrity, which, why)
}
