//! `moo-scan` reads a source tree once, decides what has changed, and writes a tree stream.

mod base;
mod changes;
mod clock;
mod content;
mod covered;
mod directory;
mod dump;
mod entry;
mod extended;
mod holes;
mod inside;
mod leading;
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
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use archive::Identity;
use cli::{Common, Jobs, Program};
use failure::Failure;
use local::{Folder, Place};
use progress::Reporter;
use stream::{Begin, Output, SetHeader, StreamKind, Totals};

use crate::base::Base;
use crate::changes::Changes;
use crate::dump::DumpOptions;
use crate::plan::Plan;
use crate::report::{Listing, TreeStream};
use crate::resumed::Resumed;
use crate::rules::Rules;
use crate::selection::{Selection, Words};
use crate::source::{SnapshotOptions, Source};
use crate::walk::Walk;

/// What stands for standard input as a source.
pub(crate) const STDIN: &str = "-";

/// Read a source and write what has changed since the last backup as a tree stream
///
/// moo-scan is the first stage of a backup, and the only one that may need root. It reads each file
/// once, and only if it may have changed. With an archive directory it chooses between a full set
/// and an increment. Without one it makes a full set. A file that cannot be read is named and keeps
/// its last backed-up state; the exit status is then 3.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-scan", version, after_help = EXAMPLES)]
pub struct Scan {
    /// Directory or file to back up, or - for standard input
    source: OsString,
    /// Compare the source with the last backup in the archive directory FOLDER
    #[arg(short, long, value_name = "FOLDER")]
    archive: Option<PathBuf>,
    /// Make a full set, even if an increment is possible
    #[arg(long, conflicts_with_all = ["incremental", "full_if_older_than"])]
    full: bool,
    /// Make an increment, or fail if there is no chain to extend
    #[arg(long, requires = "archive")]
    incremental: bool,
    /// Make a full set if the last full set is older than AGE, such as 1M or 2W
    #[arg(long, value_name = "AGE", requires = "archive")]
    full_if_older_than: Option<String>,
    /// Continue even if the archive directory belongs to another host or source
    #[arg(long)]
    allow_source_mismatch: bool,
    /// Use ID as the identity of the backup if no seal in the archive directory contains one. With
    /// --archive and without this option, a new identity is created
    #[arg(long, value_name = "ID")]
    identity: Option<Identity>,
    /// Give the set the tag NAME; can be repeated. Tags are in the seal, which is not encrypted
    #[arg(long, value_name = "NAME")]
    tag: Vec<OsString>,
    /// Give the set the note TEXT, which is in the seal, too
    #[arg(long, value_name = "TEXT", overrides_with = "note")]
    note: Option<OsString>,
    /// Resume the set of an interrupted run if its source, selection and --run-options were equal.
    /// moo-commit --reconcile prints whether the store has its volumes
    #[arg(long, requires = "archive")]
    resume: bool,
    /// Identify the options of the other stages by TEXT. An interrupted set is resumed only with an
    /// equal TEXT
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    run_options: OsString,
    /// Do not read a file again if only the change time of its inode differs
    #[arg(long, overrides_with = "ignore_ctime")]
    ignore_ctime: bool,
    /// Do not read a file again if only its inode number differs
    #[arg(long, overrides_with = "ignore_inode")]
    ignore_inode: bool,
    /// Do not store extended attributes, access control lists and file capabilities
    #[arg(long, overrides_with = "no_xattrs")]
    no_xattrs: bool,
    /// Store what symbolic links lead to in their places, also outside of the source
    #[arg(long, overrides_with = "copy_links", conflicts_with = "read_from")]
    copy_links: bool,
    /// Record entries as deleted even if the source is empty, or most of it is missing or excluded
    #[arg(long, overrides_with = "allow_deletions")]
    allow_deletions: bool,
    /// Fail if the folder of the store URL is in the source and is not excluded
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// List on standard output what would be stored; read no content and write no stream
    #[arg(long)]
    dry_run: bool,
    /// With --dry-run, print statistics after the list, in duplicity's form
    #[arg(long, requires = "dry_run")]
    stats: bool,
    /// With --dry-run, print statistics after the list, as JSON in duplicity's form, which name the store URL
    #[arg(long, value_name = "URL", requires = "dry_run")]
    jsonstat: Option<String>,
    #[command(flatten)]
    snapshot: SnapshotOptions,
    #[command(flatten)]
    dump: DumpOptions,
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
  tar c /etc | moo-scan --stdin-name etc.tar - | tar tv
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
        if let Some(dump) = self.dump.dump(&self.source)? {
            return dump.scan(&self, output);
        }
        let rules = Rules::of(&self);
        let source = Source::open(&self.source, &self.snapshot)?;
        let (selection, place, mut plan) = privilege::without(|| {
            let selection = Selection::new(&self.words, &source, local::now()?)?;
            let place = self.store.as_deref().and_then(Place::of);
            if let Some(place) = &place {
                inside::check(&source, &selection, place)?;
            }
            let place = place.map(|place| source.place_in_snapshot(place));
            Ok((selection, place, Plan::make(&self, source.name.as_bytes())?))
        })?;
        let stored = plan.go_on(&source)?;
        let Plan { head, base, seen, size, lock: _lock, .. } = plan;
        let base = base.map(|state| Base::start(state, self.jobs.count())).transpose()?;
        let walk = Walk::new(source, selection, place, (!self.no_xattrs, self.copy_links));
        if self.dry_run {
            let listing = (Listing::new(output.text()), Reporter::default());
            let totals = Changes::new(walk, base, seen, rules, listing).run()?;
            self.tell(&head, &totals, output.text())?;
            return Ok(totals);
        }
        output.begin(&Begin::backup(StreamKind::Tree, head))?;
        let reporter = Reporter::start(size.map(|size| size.entries), size.map(|size| size.bytes));
        let report = Resumed::new(TreeStream::new(output, reporter.clone()), stored);
        Changes::new(walk, base, seen, rules, (report, reporter)).run()
    }
}

impl Scan {
    /// Prints the statistics of a dry run.
    fn tell(&self, head: &SetHeader, totals: &Totals, mut to: impl Write) -> Result<(), Failure> {
        let archive = self.archive.as_deref().filter(|archive| archive.exists());
        let folder = archive.map(Folder::open).transpose()?;
        let json = |url: &String| statistics::json(head, totals, url, folder.as_ref());
        let json = self.jsonstat.as_ref().map(json).transpose()?;
        let text = self.stats.then(|| statistics::text(totals));
        for part in json.into_iter().chain(text) {
            writeln!(to, "{part}").map_err(|error| Failure::of_output(&error))?;
        }
        Ok(())
    }
}
