//! `moo-decrypt` checks the files of a store and decrypts them.

mod ahead;
mod hold;
mod keys;
mod manifest;
mod sets;
mod unwrap;

use std::fs::File;

use archive::{FileKind, FileName, parse_seal};
use cli::{Common, Program};
use stream::{Facts, Failure, FileWriter, FilesInput, Output, Totals, pipe};

use crate::ahead::Ahead;
use crate::hold::Held;
use crate::keys::Keys;
use crate::manifest::Reader;
use crate::sets::Sets;
use crate::unwrap::Unwrap;

/// Check the files of a store, and decrypt them
///
/// Each file is held until its hash has been compared with the manifest and the seal of its set;
/// then it is decrypted. A file that is missing, or that belongs to no set, is an error. Secret
/// keys come from GnuPG, with its agent's help, or from files.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-decrypt", version, after_help = EXAMPLES)]
pub struct Decrypt {
    #[command(flatten)]
    keys: Keys,
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

    fn run(self, output: &mut Output<File>) -> Result<Totals, Failure> {
        // What the stages before have to say comes first: it may be the reason for the rest.
        let input = FilesInput::open(pipe::input()?)?;
        let unwrap = Unwrap::new(self.keys.decryption()?);
        let mut sets = Sets::new(input.begin().restore.clone(), self.keys.seal_certificates()?)?;
        output.begin(input.begin())?;
        let files = Ahead::start(input);
        while let Some((name, held)) = files.next_file() {
            if parse_seal(&name).is_some() {
                send_seal(&name, held, &mut sets, output)?;
            } else if let Some(parsed) = FileName::parse(&name) {
                send(&name, parsed, held, &mut sets, &unwrap, output)?;
            } else {
                log::warn!("{name}: no file of a backup, passed over");
            }
        }
        let totals = files.finish()?;
        sets.finish().map(|()| totals)
    }
}

/// Seals stay as they are: they are signed as they are.
fn send_seal(
    name: &str,
    mut held: Held,
    sets: &mut Sets,
    output: &mut Output<File>,
) -> Result<(), Failure> {
    sets.seal(name, &held.bytes()?, held.sha256())?;
    let mut writer = FileWriter::new(output, name);
    held.copy_to(&mut writer)?;
    writer.close(Facts::default())
}

fn send(
    stored: &str,
    name: FileName,
    mut held: Held,
    sets: &mut Sets,
    unwrap: &Unwrap,
    output: &mut Output<File>,
) -> Result<(), Failure> {
    if !sets.admit(stored, &name, &mut held)? {
        log::warn!("{stored}: the manifest does not name it, passed over");
        return Ok(());
    }
    let plain = FileName { wrapping: archive::Wrapping::Plain, ..name }.encode();
    if name.kind == FileKind::Manifest {
        // It is read on its way, but used only when all of it has been checked.
        let mut reader = Reader::new(stored, FileWriter::new(output, &plain));
        unwrap.open(stored, name.wrapping, &mut held, &mut reader)?;
        let (writer, manifest) = reader.finish()?;
        sets.manifest(name.set, manifest);
        return writer.close(Facts::default());
    }
    let mut writer = FileWriter::new(output, &plain);
    unwrap.open(stored, name.wrapping, &mut held, &mut writer)?;
    writer.close(Facts::default())
}
