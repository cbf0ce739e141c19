//! `moo-replay` writes the state of a chain as the tree stream of a full set, without the source.

mod synthetic_full;

use std::fs::File;
use std::path::PathBuf;

use cli::{Common, Program};
use failure::Failure;
use restore::RestoreInput;
use stream::{Output, Totals};

/// Write the state of a chain as the tree stream of a full set
///
/// The state in the file stream is restored in TMPDIR. When it is whole and every hash holds, it is
/// written to standard output as moo-scan would write its source. The new set is called by the second
/// after the newest set.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-replay", version, after_help = EXAMPLES)]
pub struct Replay {
    /// The archive directory, which is to know the new set
    #[arg(short, long, value_name = "FOLDER")]
    archive: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  moo-fetch file:///srv/backup | moo-decrypt | moo-replay | tar tv
  moo-fetch file:///srv/backup | moo-decrypt | moo-replay --archive ~/archive | moo-sign |
      moo-delta --archive ~/archive | moo-pack --archive ~/archive | moo-encrypt --encrypt-key KEY |
      moo-upload file:///srv/backup | moo-commit --archive ~/archive";

impl Program for Replay {
    const NAME: &'static str = "moo-replay";
    type Outlet = Output<File>;

    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, output: &mut Output<File>) -> Result<Totals, Failure> {
        let input = RestoreInput::open(false)?.unfiltered()?;
        synthetic_full::write(input, self.archive.as_deref(), output)
    }
}
