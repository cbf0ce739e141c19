//! `moo-pack` packs a tree stream into duplicity's files: volumes, signatures and a manifest.

mod draft;
mod signatures;
mod spool;
mod volume;

use std::fs::File;
use std::path::PathBuf;

use archive::{FileKind, FileName, Part, SetId, Wrapping};
use cli::{Common, Program};
use local::Lock;
use stream::{Entry, Failure, Kind, Output, Status, Totals, TreeInput, pipe};

use crate::draft::Draft;
use crate::signatures::SignatureTar;
use crate::spool::Spools;
use crate::volume::Volume;

/// Pack a tree stream into volumes, signatures and a draft of the manifest
///
/// They come as a file stream, in plain text, and under duplicity's names. Signatures and
/// manifest are kept in the archive too, as unfinished parts, until moo-commit hears that the
/// store has it all.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-pack", version, after_help = EXAMPLES)]
pub struct Pack {
    /// The local archive, which keeps signatures and manifest for the next increment
    #[arg(short, long, value_name = "FOLDER")]
    archive: Option<PathBuf>,
    /// The most that a volume holds, before compression, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    volsize: u64,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  moo-scan /etc | moo-sign | moo-delta | moo-pack | tar tv
  moo-scan --archive ~/archive /etc | moo-sign | moo-delta --archive ~/archive |
      moo-pack --archive ~/archive | moo-encrypt --encrypt-key KEY |
      moo-upload file:///srv/backup | moo-commit --archive ~/archive";

impl Program for Pack {
    const NAME: &'static str = "moo-pack";
    type Outlet = Output<File>;

    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, output: &mut Output<File>) -> Result<Totals, Failure> {
        let mut input = TreeInput::open(pipe::input()?)?;
        let begin = input.begin().clone();
        let Some(head) = &begin.set else {
            let why = "standard input: tells of no set";
            return Err(Failure::new(Status::Integrity, why));
        };
        let spools = Spools::new(self.archive.as_deref(), head.id())?;
        let _lock = spools.folder().map(|f| Lock::join(f, head.run.as_deref())).transpose()?;
        output.begin(&begin.onward(Kind::Files))?;
        let mut packer = Packer {
            set: head.id(),
            most: self.volsize << 20,
            signatures: SignatureTar::new(spools.open(FileKind::Signatures)?)?,
            draft: Draft::new(head, spools.open(FileKind::Manifest)?)?,
            delta_bytes: 0,
        };
        packer.volumes(&mut input, output)?;
        packer.finish(output).map(|delta_bytes| Totals { delta_bytes, ..input.totals() })
    }
}

/// A set that is being packed.
struct Packer {
    set: SetId,
    /// Bytes in a volume.
    most: u64,
    signatures: SignatureTar,
    draft: Draft,
    delta_bytes: u64,
}

impl Packer {
    fn volumes(
        &mut self,
        input: &mut TreeInput<File>,
        output: &mut Output<File>,
    ) -> Result<(), Failure> {
        let mut next = input.advance()?;
        let mut number = 0;
        // A set without any entry is one volume without any.
        while number == 0 || next.is_some() {
            number += 1;
            let mut volume = Volume::start(output, &self.name(FileKind::Volume(number)));
            next = self.fill(&mut volume, next, input)?;
            self.draft.volume(number, volume.close()?)?;
        }
        Ok(())
    }

    /// Fills a volume, and returns the entry that starts the next one.
    fn fill(
        &mut self,
        volume: &mut Volume<'_>,
        mut next: Option<Entry>,
        input: &mut TreeInput<File>,
    ) -> Result<Option<Entry>, Failure> {
        while let Some(entry) = next {
            let packed = entry.name.part != Part::Signature;
            if packed && !volume.has_room(&entry, self.most) {
                return Ok(Some(entry));
            }
            self.signatures.entry(&entry)?;
            if packed {
                self.draft.entry(&entry)?;
                self.delta_bytes += entry.body.len() as u64;
                volume.append(entry)?;
            }
            next = input.advance()?;
        }
        Ok(None)
    }

    /// Sends signatures and manifest behind the volumes. Returns the bytes of content and deltas.
    fn finish(self, output: &mut Output<File>) -> Result<u64, Failure> {
        let (signatures, manifest) =
            (self.name(FileKind::Signatures), self.name(FileKind::Manifest));
        self.signatures.finish()?.send(output, &signatures)?;
        self.draft.finish()?.send(output, &manifest)?;
        Ok(self.delta_bytes)
    }

    fn name(&self, kind: FileKind) -> String {
        FileName { set: self.set, kind, wrapping: Wrapping::Plain, partial: false }.encode()
    }
}
