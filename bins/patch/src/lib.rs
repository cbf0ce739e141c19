//! `moo-patch` builds a tree out of the files of its sets, beside its destination, and delivers it
//! when all of it has been checked.

mod compare;
mod cursor;
mod destination;
mod entries;
mod file;
mod hard_links;
mod keep_going;
mod merge;
mod metadata;
mod moves;
mod objects;
mod scratch_restore;
mod set_metadata;
mod skipped;
mod staging;
mod state;
mod synthetic_full;
mod tombstones;
mod tree;
mod trusted_path;

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};

use archive::TreePath;
use cli::{Common, Program};
use failure::{Failure, OrFail, Reason, Status};
use stream::{FilesInput, Output, Totals, Wanted, WantedSet, pipe};

use crate::destination::Destination;
use crate::entries::Entries;
use crate::merge::MergeMode;
use crate::metadata::Owners;
use crate::staging::Staging;
use crate::tree::Tree;

/// Build a tree out of the files of its sets
///
/// It is built beside its destination, and takes its name when the whole stream has come and
/// every hash holds; until then the destination stays as it is. Nothing is written anywhere else.
/// A destination that exists is refused without --merge or --delete, unless it is an empty directory.
/// With --check, --compare or --tree there is no destination: all is checked, and nothing is kept.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-patch", version, after_help = EXAMPLES)]
pub struct Patch {
    /// What the restored directory or file is to be called; a file goes into a directory that
    /// exists
    #[arg(required_unless_present_any = ["proof", "clear"])]
    destination: Option<PathBuf>,
    /// Restore into a directory that exists: files of the backup replace those of the same path,
    /// and all others stay
    #[arg(long, visible_alias = "force")]
    merge: bool,
    /// Restore into a directory that exists, and delete what the backup does not have
    #[arg(long)]
    delete: bool,
    /// Restore what is whole, and name what is not; moo-fetch and moo-decrypt need it too
    #[arg(long, conflicts_with_all = ["merge", "delete"])]
    keep_going: bool,
    /// Build the tree among the temporary files, and remove it: is all there, and as it was?
    #[arg(long, group = "proof", conflicts_with_all = ["destination", "merge", "delete"])]
    check: bool,
    /// The same, and list in what it differs from a source; STREAM is what moo-scan writes of that
    #[arg(long, group = "proof", value_name = "STREAM",
        conflicts_with_all = ["destination", "merge", "delete", "keep_going"])]
    compare: Option<PathBuf>,
    /// Of that, list only files that have kept size and time, and not their content
    #[arg(long, requires = "compare")]
    unchanged: bool,
    /// The same, and write the state as a tree stream of a full set, as moo-scan does of a source;
    /// it is called by the second behind the newest set
    #[arg(long, group = "proof", conflicts_with_all = ["destination", "merge", "delete", "keep_going"])]
    tree: bool,
    /// The local archive, which is to know the set that --tree begins
    #[arg(short, long, value_name = "FOLDER", requires = "tree")]
    archive: Option<PathBuf>,
    /// Give owners by number, whatever names this machine has for them
    #[arg(long, conflicts_with = "no_restore_ownership")]
    numeric_owner: bool,
    /// Leave owners as they come: those of who calls this
    #[arg(long, alias = "do-not-restore-ownership")]
    no_restore_ownership: bool,
    /// Delete a folder of a restore that was ended, and nothing else
    #[arg(long, hide = true, value_name = "FOLDER", conflicts_with_all = ["proof", "destination"])]
    clear: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  moo-fetch file:///srv/backup | moo-decrypt | moo-patch /tmp/etc
  moo-fetch --time 3D --path ssh/sshd_config file:///srv/backup | moo-decrypt |
      moo-patch /tmp/sshd_config
  moo-fetch --time 3D file:///srv/backup | moo-decrypt | moo-patch --check
  moo-scan /etc | { moo-fetch file:///srv/backup </dev/null | moo-decrypt |
      moo-patch --compare /dev/fd/3; } 3<&0
  moo-fetch file:///srv/backup | moo-decrypt | moo-patch --tree | tar tv";

impl Program for Patch {
    const NAME: &'static str = "moo-patch";
    type Outlet = Output<File>;

    fn common(&self) -> &Common {
        &self.common
    }

    fn has_stream(words: &[OsString]) -> bool {
        words.iter().any(|word| word == "--tree")
    }

    fn run(self, output: &mut Output<File>) -> Result<Totals, Failure> {
        if let Some(folder) = &self.clear {
            return Staging::delete(folder).map(|()| Totals::default());
        }
        let input = FilesInput::open(pipe::input()?)?.keep_going(self.keep_going);
        let Some(wanted) = input.begin().wanted().cloned() else {
            let why =
                "standard input: no stream to restore from (moo-fetch without --all makes one)";
            return Err(Failure::new(Status::Usage, why));
        };
        let path = wanted_path(&wanted)?;
        match &self.destination {
            Some(destination) => self.restore(destination, input, &wanted, &path),
            None if self.tree => synthetic_full::write(&self, input, &wanted, output),
            None => scratch_restore::run(&self, input, &wanted, &path),
        }
    }
}

impl Patch {
    fn restore(
        &self,
        destination: &Path,
        input: Input,
        wanted: &Wanted,
        path: &TreePath,
    ) -> Result<Totals, Failure> {
        let mode = MergeMode { merge: self.merge || self.delete, delete: self.delete };
        let destination = Destination::open(destination, mode, path.file_name())?;
        let staging = destination.staging()?;
        self.check_start(wanted)?;
        let mut tree = Tree::new(staging.open()?, path.clone(), self.keep_going, self.owners());
        let scratch = self.keep_going.then(|| staging.scratch()).transpose()?;
        let mut entries = Entries::new(input, wanted, scratch);
        while let Some(event) = entries.advance()? {
            tree.take(event, &mut entries)?;
        }
        let (degraded, lost) = tree.finish()?;
        let totals = entries.totals();
        let lost = totals.lost + lost;
        if !staging.has_tree()? {
            return Err(self.nothing(path, lost));
        }
        let kept = destination.deliver(&staging, !self.no_restore_ownership)?;
        if kept > 0 {
            log::warn!("{kept} directories that were there have kept their owner or attributes");
        }
        Ok(Totals { unreadable: totals.unreadable + degraded + kept, lost, ..totals })
    }

    fn owners(&self) -> Owners {
        match (self.numeric_owner, self.no_restore_ownership) {
            (_, true) => Owners::kept(),
            (true, _) => Owners::by_number(),
            _ => Owners::by_name(),
        }
    }

    /// What a state starts with has to be a full set.
    fn check_start(&self, wanted: &Wanted) -> Result<(), Failure> {
        match wanted.sets.first().map(WantedSet::id).filter(|id| !id.is_full()) {
            Some(id) if !self.keep_going => {
                let why = format!("the {id}: the set that it builds on is missing");
                Err(Failure::new(Status::Integrity, why))
            }
            _ => Ok(()),
        }
    }

    /// There is nothing to deliver.
    fn nothing(&self, path: &TreePath, lost: u64) -> Failure {
        if lost > 0 {
            let which = self.destination.as_deref().unwrap_or(Path::new("standard input"));
            let why = format!("{}: nothing could be brought back", which.display());
            return Failure::new(Status::Integrity, why);
        }
        Failure::of(Status::Absent, path, "not in the backup at that time")
            .because(Reason::NoSuchPath)
    }
}

fn wanted_path(wanted: &Wanted) -> Result<TreePath, Failure> {
    let path = wanted.path.as_deref().unwrap_or_default();
    TreePath::parse(path).or_fail(Status::Integrity, "standard input")
}

type Input = FilesInput<File>;
