//! `moo-patch` builds a tree out of the files of its sets, beside its destination, and delivers it
//! when all of it has been checked.

mod apply;
mod compare;
mod content;
mod cursor;
mod destination;
mod entered;
mod entries;
mod first;
mod folder;
mod folding;
mod ledger;
mod left_out;
mod look;
mod marks;
mod merge;
mod metadata;
mod moves;
mod obstacles;
mod outside;
mod owners;
mod papers;
mod proof;
mod prove;
mod remove;
mod rescue;
mod scratch;
mod shortfall;
mod source;
mod staging;
mod sync;
mod whole;
mod writer;

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};

use archive::TreePath;
use cli::{Common, Program};
use failure::{Failure, OrFail, Reason, Status};
use stream::{FilesInput, Output, Totals, Wanted, WantedSet, pipe};

use crate::apply::Tree;
use crate::destination::Destination;
use crate::entries::Entries;
use crate::merge::Mode;
use crate::owners::Owners;
use crate::staging::Staging;

/// Rebuild a source from the files of its sets
///
/// moo-patch builds the tree beside its destination. It renames the tree into place when the stream
/// is complete and every hash is correct. It writes nowhere else. A destination that exists is
/// refused without --merge or --delete, unless it is an empty directory. With --check, --compare or
/// --tree there is no destination: moo-patch verifies everything and keeps nothing.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-patch", version, after_help = EXAMPLES)]
pub struct Patch {
    /// Directory or file to create; a restored file goes into an existing directory
    #[arg(required_unless_present_any = ["proof", "clear"])]
    destination: Option<PathBuf>,
    /// Restore into an existing directory: replace files that are in the backup, and keep all
    /// others
    #[arg(long, visible_alias = "force")]
    merge: bool,
    /// Restore into an existing directory, and delete files that are not in the backup
    #[arg(long)]
    delete: bool,
    /// Fail if the destination is in the folder of the store URL, or if --delete would delete that
    /// folder
    #[arg(long, value_name = "URL", conflicts_with = "proof")]
    store: Option<String>,
    /// Restore intact files and name the others; moo-fetch and moo-decrypt need this option too
    #[arg(long, conflicts_with_all = ["merge", "delete"])]
    keep_going: bool,
    /// Verify the backup: build the tree as temporary files, then delete it
    #[arg(long, group = "proof", conflicts_with_all = ["destination", "merge", "delete"])]
    check: bool,
    /// Verify the backup and list its differences from a source. STREAM is the output of moo-scan
    /// for the source
    #[arg(long, group = "proof", value_name = "STREAM",
        conflicts_with_all = ["destination", "merge", "delete", "keep_going"])]
    compare: Option<PathBuf>,
    /// With --compare, list only files whose content differs although size and time are equal
    #[arg(long, requires = "compare")]
    unchanged: bool,
    /// Verify the backup and write the state as a tree stream of a full set, as moo-scan does for a
    /// source. The set gets the time of the newest set plus one second
    #[arg(long, group = "proof", conflicts_with_all = ["destination", "merge", "delete", "keep_going"])]
    tree: bool,
    /// Begin the set of --tree in the archive directory FOLDER
    #[arg(short, long, value_name = "FOLDER", requires = "tree")]
    archive: Option<PathBuf>,
    /// Restore owners by number, even if this machine knows their names
    #[arg(long, conflicts_with = "no_restore_ownership")]
    numeric_owner: bool,
    /// Do not restore owners: all files belong to the calling user
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
            None if self.tree => whole::write(&self, input, &wanted, output),
            None => prove::prove(&self, input, &wanted, &path),
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
        let mode = Mode { merge: self.merge || self.delete, delete: self.delete };
        if let Some(store) = &self.store {
            outside::check(store, destination, self.delete)?;
        }
        let destination = Destination::open(destination, mode, path.file_name())?;
        let staging = destination.staging()?;
        self.check_start(wanted)?;
        let mut tree = Tree::new(staging.open()?, path.clone(), self.keep_going, self.owners())?;
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
            log::warn!("{kept} existing directories have kept their owner or attributes");
        }
        Ok(Totals { unreadable: totals.unreadable + degraded + kept, lost, ..totals })
    }

    fn owners(&self) -> Owners {
        match (self.numeric_owner, self.no_restore_ownership) {
            (_, true) => Owners::left(),
            (true, _) => Owners::by_number(),
            _ => Owners::by_name(),
        }
    }

    /// What a state starts with has to be a full set.
    fn check_start(&self, wanted: &Wanted) -> Result<(), Failure> {
        match wanted.sets.first().map(WantedSet::id).filter(|id| !id.is_full()) {
            Some(id) if !self.keep_going => {
                let why = format!("the {id}: the set before it is missing");
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
