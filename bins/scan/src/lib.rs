//! `moo-scan` reads a source tree once, decides what has changed, and writes a tree stream.

mod base;
mod changes;
mod clock;
mod content;
mod directory;
mod entry;
mod extended;
mod holes;
mod inside;
mod links;
mod owners;
mod plan;
mod privilege;
mod report;
mod resumed;
mod rules;
mod selection;
mod source;
mod standing;
mod subvolume;
mod walk;

use std::ffi::OsString;
use std::fs::File;
use std::path::PathBuf;

use archive::Identity;
use cli::{Common, Jobs, Program};
use failure::Failure;
use local::Place;
use stream::{Begin, Output, StreamKind, Totals};

use crate::base::Base;
use crate::changes::Changes;
use crate::plan::Plan;
use crate::report::{Listing, TreeStream};
use crate::resumed::Resumed;
use crate::rules::Rules;
use crate::selection::{Selection, Words};
use crate::source::Source;
use crate::walk::Walk;

/// Read a source tree and write what has changed since the last backup as a tree stream
///
/// It is the first stage of a backup, and the only one that may need root. Content is read here,
/// once, unless only the content can tell whether a file has changed. With an archive it decides
/// between a full set and an increment; without one it makes a full set. What cannot be read is
/// named, keeps its last state, and makes the exit status 3.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-scan", version, after_help = EXAMPLES)]
pub struct Scan {
    /// The directory or file to back up
    source: OsString,
    /// The local archive, which tells what the last backup has
    #[arg(short, long, value_name = "FOLDER")]
    archive: Option<PathBuf>,
    /// Make a full set, whatever the archive has
    #[arg(long, conflicts_with_all = ["incremental", "full_if_older_than"])]
    full: bool,
    /// Make an increment, or fail if there is no chain that it could build on
    #[arg(long, requires = "archive")]
    incremental: bool,
    /// Make a full set if the last one is older than this, such as 1M or 2W
    #[arg(long, value_name = "AGE", requires = "archive")]
    full_if_older_than: Option<String>,
    /// Go on though the archive is of another host or source
    #[arg(long)]
    allow_source_mismatch: bool,
    /// The identity of the backup, where the archive has no seal that names it; with --archive and
    /// without this option, a new one is made
    #[arg(long, value_name = "ID")]
    identity: Option<Identity>,
    /// Go on with the set that an interrupted run has begun, if it was of the same source, selection
    /// and --run-options: moo-commit --reconcile tells whether the store has its volumes
    #[arg(long, requires = "archive")]
    resume: bool,
    /// What the options of the other stages amount to, as far as a set can't be of two kinds
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    run_options: OsString,
    /// Do not read a file again because its inode's change time alone is another one
    #[arg(long, overrides_with = "ignore_ctime")]
    ignore_ctime: bool,
    /// Do not read a file again because its inode number alone is another one
    #[arg(long, overrides_with = "ignore_inode")]
    ignore_inode: bool,
    /// Record entries as deleted also where the source is empty, or most of it is gone or excluded
    #[arg(long, overrides_with = "allow_deletions")]
    allow_deletions: bool,
    /// The store that the set goes to: fail if its folder lies in the source and is not excluded
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// Read no content and write no stream: list on standard output what would be stored
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    words: Words,
    #[command(flatten)]
    jobs: Jobs,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  moo-scan --dry-run --archive ~/archive /etc
  moo-scan /etc | tar tv
  moo-scan --exclude '**.bak' --exclude-if-present .nobackup --dry-run /etc
  moo-scan --include /etc/ssh --exclude '**' /etc | tar tv
  moo-scan --archive ~/archive /etc | moo-sign | moo-delta --archive ~/archive |
      moo-pack --archive ~/archive | moo-encrypt --encrypt-key KEY |
      moo-upload file:///srv/backup | moo-commit --archive ~/archive";

impl Program for Scan {
    const NAME: &'static str = "moo-scan";
    type Outlet = Output<File>;

    fn common(&self) -> &Common {
        &self.common
    }

    fn has_stream(words: &[OsString]) -> bool {
        !words.iter().take_while(|word| *word != "--").any(|word| word == "--dry-run")
    }

    fn run(self, output: &mut Output<File>) -> Result<Totals, Failure> {
        let rules = Rules::of(&self);
        let source = Source::open(&self.source)?;
        let (selection, place, mut plan) = privilege::without(|| {
            let selection = Selection::new(&self.words, &source, local::now()?)?;
            let place = self.store.as_deref().and_then(Place::of);
            if let Some(place) = &place {
                inside::check(&source, &selection, place)?;
            }
            Ok((selection, place, Plan::make(&self, &source)?))
        })?;
        let stored = plan.go_on(&source)?;
        let Plan { head, base, seen, lock: _lock, .. } = plan;
        let base = base.map(|state| Base::start(state, self.jobs.count())).transpose()?;
        let walk = Walk::new(source, selection, place);
        if self.dry_run {
            return Changes::new(walk, base, seen, rules, Listing::new(output.text())).run();
        }
        output.begin(&Begin::backup(StreamKind::Tree, head))?;
        let report = Resumed::new(TreeStream::new(output), stored);
        Changes::new(walk, base, seen, rules, report).run()
    }
}
