//! `moo-prune` removes sets that nobody wants to keep any more, from the store and from the
//! archive, and what interrupted runs have left.

mod holdings;
mod leftovers;
mod line;
mod periods;
mod plan;
mod removal;
mod report;
mod rules;
mod whole;

use std::path::PathBuf;

use cli::{Common, Program};
use failure::{Failure, Status};
use local::{Folder, Lock};
use stream::Totals;

use crate::holdings::Holdings;
use crate::plan::Plan;
use crate::removal::Removal;
use crate::report::Report;
use crate::rules::Rules;

/// Delete old sets from a store and its archive directory, or leftovers of interrupted runs
///
/// Without --force, moo-prune deletes nothing. It lists the sets that it would delete, and says why
/// it keeps the others. It always keeps a set that a kept set builds on, and the newest complete
/// chain.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-prune", version, after_help = EXAMPLES)]
pub struct Prune {
    /// URL of the store, such as file:///srv/backup, sftp://user@host/backup or rclone:REMOTE:PATH
    url: String,
    #[command(flatten)]
    rules: Rules,
    /// Delete leftovers of interrupted runs instead of old sets: temporary files, incomplete sets,
    /// and unfinished files in the archive directory
    #[arg(long, conflicts_with = "rules")]
    leftovers: bool,
    /// Delete instead of listing, and print nothing without --json
    #[arg(long)]
    force: bool,
    /// Print a line of JSON for each set or file, and one for the total
    #[arg(long)]
    json: bool,
    /// Delete the sets from the archive directory FOLDER too
    #[arg(short, long, value_name = "FOLDER")]
    archive: Option<PathBuf>,
    #[command(flatten)]
    reached: store::Options,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  moo-prune --older-than 6M file:///srv/backup
  moo-prune --older-than 6M --keep-full 2 --archive ~/archive --force file:///srv/backup
  moo-prune --keep-last 3 --keep-daily 7 --keep-weekly 5 --keep-monthly 12 file:///srv/backup
  moo-prune --leftovers file:///srv/backup
  moo-fetch --all file:///srv/backup | moo-upload file:///mnt/second | moo-commit &&
      moo-prune --keep-full 1 --force file:///srv/backup";

impl Program for Prune {
    const NAME: &'static str = "moo-prune";
    type Outlet = ();

    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, (): &mut ()) -> Result<Totals, Failure> {
        if !self.leftovers && self.rules.are_none() {
            let why = "nothing to delete was named; give a rule such as --keep-full 2 or --older-than 6M, \
                       or --leftovers";
            return Err(Failure::new(Status::Usage, why));
        }
        let archive = self.archive.as_deref().map(Folder::open).transpose()?;
        // Nothing that is on its way may be taken for something that was left.
        let _lock = match &archive {
            Some(archive) if self.force || self.leftovers => Some(Lock::start(archive)?),
            _ => None,
        };
        let rules = self.rules.at_this_time()?;
        let mut store = store::open(&self.url, &self.reached)?;
        let mut holdings = Holdings::of(store.as_mut(), archive)?;
        let tagged = holdings.tagged(store.as_mut(), self.rules.tags())?;
        let plan = if self.leftovers {
            leftovers::plan(&holdings)?
        } else {
            Plan::of_sets(&holdings, &rules, tagged, store.as_mut())?
        };
        let report = Report::new(&holdings, self.json);
        if self.force {
            Removal { store: store.as_mut(), holdings: &holdings }.carry_out(&plan, report)?;
        } else {
            report.list(&plan)?;
        }
        Ok(Totals::default())
    }
}
