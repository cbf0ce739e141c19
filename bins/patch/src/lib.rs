//! `moo-patch` builds a tree out of the files of its sets, beside its destination, and delivers it
//! when all of it has been checked.

mod apply;
mod attributes;
mod cursor;
mod entries;
mod owners;
mod remove;
mod staging;

use std::fs::File;
use std::path::PathBuf;

use archive::TreePath;
use cli::{Common, Program};
use stream::{Failure, FilesInput, OrFail, Status, Totals, Wanted, pipe};

use crate::apply::Tree;
use crate::entries::Entries;
use crate::staging::Staging;

/// Build a tree out of the files of its sets
///
/// It is built beside its destination, and takes its name when the whole stream has come and
/// every hash holds; until then the destination stays as it is. Nothing is written anywhere else.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-patch", version, after_help = EXAMPLES)]
pub struct Patch {
    /// What the restored directory or file is to be called; nothing may be there but an empty
    /// directory
    destination: PathBuf,
    /// Replace what is at the destination, once the new tree is whole
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  moo-fetch file:///srv/backup | moo-decrypt | moo-patch /tmp/etc
  moo-fetch --time 3D --path ssh/sshd_config file:///srv/backup | moo-decrypt |
      moo-patch /tmp/sshd_config";

impl Program for Patch {
    const NAME: &'static str = "moo-patch";
    type Outlet = ();

    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, (): &mut ()) -> Result<Totals, Failure> {
        let input = FilesInput::open(pipe::input()?)?;
        let Some(wanted) = input.begin().restore.clone() else {
            let why =
                "standard input: no stream to restore from (moo-fetch without --all makes one)";
            return Err(Failure::new(Status::Usage, why));
        };
        let path = wanted_path(&wanted)?;
        let staging = Staging::beside(&self.destination, self.force)?;
        let mut tree = Tree::new(staging.open()?, path.clone());
        let mut entries = Entries::new(input, &wanted);
        while let Some(entry) = entries.advance()? {
            tree.apply(entry, &mut entries)?;
        }
        let degraded = tree.finish()?;
        if !staging.has_tree() {
            let why = format!("{path}: not in the backup at that time");
            return Err(Failure::new(Status::Absent, why));
        }
        staging.deliver()?;
        Ok(Totals { unreadable: degraded, ..entries.totals() })
    }
}

fn wanted_path(wanted: &Wanted) -> Result<TreePath, Failure> {
    let path = wanted.path.as_deref().unwrap_or_default();
    TreePath::parse(path).or_fail(Status::Integrity, "standard input")
}

type Input = FilesInput<File>;
