//! `moo-compare` compares the state in a backup with a source, a line for each difference.

mod compare;

use std::path::PathBuf;

use cli::{Common, Program};
use failure::Failure;
use restore::{Purpose, RestoreInput, ScratchRestore};
use stream::Totals;

use crate::compare::{Scope, SourceTree, compare};

/// Compare a backup with its source, and list the differences
///
/// The state in the file stream is restored in TMPDIR, its hashes are checked, and it is compared with
/// the source, content and metadata. Each difference is a line on standard output. Nothing is kept.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-compare", version, after_help = EXAMPLES)]
pub struct Compare {
    /// The source, as the tree stream that moo-scan writes: a file, a pipe, or /dev/fd/N
    #[arg(value_name = "STREAM")]
    source: PathBuf,
    /// List only files that have kept size and time, and not their content
    #[arg(long)]
    unchanged: bool,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  moo-scan /etc | { moo-fetch file:///srv/backup </dev/null | moo-decrypt |
      moo-compare /dev/fd/3; } 3<&0
  moo-scan /etc >etc.tar; moo-fetch --time 3D file:///srv/backup | moo-decrypt | moo-compare etc.tar";

impl Program for Compare {
    const NAME: &'static str = "moo-compare";
    type Outlet = ();

    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, _: &mut ()) -> Result<Totals, Failure> {
        let input = RestoreInput::open(false)?.unfiltered()?;
        // A failure of the stage that reads the source ends this before all the work.
        let source = SourceTree::open(&self.source)?;
        let scope = match self.unchanged {
            true => Scope::Unchanged(input.path().clone()),
            false => Scope::All,
        };
        let (state, totals) = ScratchRestore::build(input, Purpose::Compare)?.finish()?;
        let differences = compare(state.state()?, source, &scope)?;
        Ok(Totals { unreadable: totals.unreadable + differences, ..totals })
    }
}
