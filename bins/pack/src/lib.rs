//! `moo-pack` packs a tree stream into duplicity's files: volumes, signatures and a manifest.

mod draft;
mod packer;
mod progress;
mod signatures;
mod spool;
mod statistics_file;
mod volume;

use std::fs::File;
use std::path::PathBuf;

use cli::{Common, Program};
use failure::Failure;
use stream::{Output, StreamKind, Totals, TreeInput, pipe};

use crate::packer::Packer;
use crate::progress::Progress;
use crate::spool::Spools;

/// Pack a tree stream into volumes, a signature file and a draft of the manifest
///
/// The output is a file stream of plaintext files with duplicity's names. moo-pack also keeps the
/// signature file and the manifest in the archive directory, as unfinished files. moo-commit
/// finishes them when the store has the whole set.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-pack", version, after_help = EXAMPLES)]
pub struct Pack {
    /// Keep the signature file and the manifest in the archive directory FOLDER, for the next
    /// increment
    #[arg(short, long, value_name = "FOLDER")]
    archive: Option<PathBuf>,
    /// Fill each volume up to MIB MiB, before compression
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=1 << 20))]
    volsize: u64,
    /// Add statistics as JSON in duplicity's form, which name the store URL
    #[arg(long, value_name = "URL")]
    jsonstat: Option<String>,
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
        let head = begin.made_set()?;
        let spools = Spools::new(self.archive.as_deref(), head.id())?;
        let (progress, stored, _lock) = Progress::start(spools.folder(), head)?;
        output.begin(&begin.onward(StreamKind::Files))?;
        let mut packer = Packer::new(head, self.volsize << 20, &spools, progress, stored.as_ref())?;
        let first = match &stored {
            Some(stored) => packer.pass_over(stored, &mut input)?,
            None => input.advance()?,
        };
        packer.volumes(first, &mut input, output)?;
        let totals = Totals { delta_bytes: packer.delta_bytes(), ..input.totals() };
        let stats = self.jsonstat.as_deref();
        let stats =
            stats.map(|url| statistics_file::write(head, &totals, url, &spools)).transpose()?;
        packer.finish(stats, output).map(|()| totals)
    }
}
