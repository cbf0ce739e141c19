//! `moo-commit` turns the archive's unfinished parts into a set, once the store has all of it.

mod agreement;
mod arrived;
mod belonging;
mod finish;
mod interrupted;
mod reconcile;

use std::fs::File;
use std::path::{Path, PathBuf};

use archive::{FileKind, SetId};
use cli::note::{self, Note};
use cli::{Common, Jobs, Out, Program, shown};
use failure::{Failure, OrFail, Status};
use local::{Folder, Lock, SourceSize};
use progress::Made;
use stream::{Begin, Receipt, ReceiptsInput, Totals, pipe};

use crate::arrived::Arrived;

/// Finish a set in the archive directory when the store has all of it
///
/// moo-commit is the last stage of a backup: its exit status is that of the whole pipe. It reads
/// the receipts of moo-upload.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-commit", version, after_help = EXAMPLES)]
pub struct Commit {
    /// Finish the set in the archive directory FOLDER
    #[arg(short, long, value_name = "FOLDER")]
    archive: Option<PathBuf>,
    /// Print statistics, as duplicity does
    #[arg(long)]
    stats: bool,
    /// Print the statistics that moo-pack --jsonstat has made
    #[arg(long, requires = "archive")]
    jsonstat: bool,
    /// Finish or delete the leftovers of an interrupted run, from the receipts of moo-fetch
    /// --receipts. Print `current` if the archive directory agrees with the store, or else
    /// `behind`. Print `resume` as a second word if moo-scan can resume the interrupted run
    #[arg(long, requires = "archive", conflicts_with_all = ["stats", "jsonstat"])]
    reconcile: bool,
    #[command(flatten)]
    next: belonging::Next,
    #[command(flatten)]
    jobs: Jobs,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  moo-scan --archive ~/archive /etc | moo-sign | moo-delta --archive ~/archive |
      moo-pack --archive ~/archive | moo-encrypt --encrypt-key KEY |
      moo-upload file:///srv/backup | moo-commit --archive ~/archive --stats
  moo-fetch --receipts file:///srv/backup | moo-commit --archive ~/archive --reconcile";

impl Program for Commit {
    const NAME: &'static str = "moo-commit";
    type Outlet = ();

    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, (): &mut ()) -> Result<Totals, Failure> {
        let mut input = ReceiptsInput::open(pipe::input()?)?;
        let begin = input.begin().clone();
        let lock = match (&self.archive, self.reconcile) {
            (Some(archive), false) => Some(join(archive, &begin)?),
            _ => None,
        };
        let folder = lock.as_ref().map(|(folder, _lock)| folder);
        let receipts = receive(&mut input, folder, &begin)?;
        if let (Some(archive), true) = (&self.archive, self.reconcile) {
            let folder = Folder::create(archive)?;
            let words = reconcile::reconcile(&folder, &receipts, &self.next, self.jobs.count())?;
            return say(&words).map(|()| input.totals());
        }
        if let Some(folder) = folder {
            note::leave(&Note::Complete);
            let set = begin.made_set()?.id();
            let json = self.jsonstat.then(|| stored_statistics(folder, set)).transpose()?;
            finish::finish(folder, set, &receipts, self.jobs.count())?;
            report(folder, set, &input.totals());
            json.map_or(Ok(()), |json| say(&json))?;
        }
        if self.stats {
            say(&statistics::text(&input.totals()))?;
        }
        Ok(input.totals())
    }
}

/// Reads all receipts. The archive, if there is one, takes note of each as it comes.
fn receive(
    input: &mut ReceiptsInput<File>,
    folder: Option<&Folder>,
    begin: &Begin,
) -> Result<Vec<Receipt>, Failure> {
    let mut arrived = folder.map(|folder| Arrived::start(folder, begin)).transpose()?;
    let mut receipts = Vec::new();
    loop {
        let next = input.advance().map_err(|failure| match &arrived {
            Some(arrived) => arrived.failed(failure),
            None => failure,
        });
        let Some(receipt) = next? else { return Ok(receipts) };
        if let Some(arrived) = &mut arrived {
            arrived.note(&receipt)?;
        }
        receipts.push(receipt);
    }
}

fn join(archive: &Path, begin: &Begin) -> Result<(Folder, Lock), Failure> {
    let folder = Folder::open(archive)?;
    let set = begin.made_set()?;
    let lock = Lock::join(&folder, set.run.as_deref())?;
    Ok((folder, lock))
}

/// The statistics as JSON that moo-pack has made, which wait in the archive directory.
fn stored_statistics(folder: &Folder, set: SetId) -> Result<String, Failure> {
    let path = folder.path(&Folder::part_name(set, FileKind::Stats));
    std::fs::read_to_string(&path).or_fail(Status::Failed, failure::shown(&path))
}

/// Records what was made, for the summary, and how large the source is, for the progress of the next
/// backup. The set is complete without it.
fn report(folder: &Folder, set: SetId, totals: &Totals) {
    progress::made(&Made {
        full: set.is_full(),
        time: shown::time(set.time),
        new: totals.new_files,
        changed: totals.changed_files,
        deleted: totals.deleted_files,
        read: totals.new_bytes + totals.changed_bytes,
        sent: totals.stored_bytes,
    });
    let size = SourceSize { entries: totals.source_files, bytes: totals.source_bytes };
    if let Err(failure) = size.remember(folder) {
        log::info!("{failure}");
    }
}

fn say(text: &str) -> Result<(), Failure> {
    let mut out = Out::new();
    out.line(text).and_then(|()| out.flush())
}
