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
use failure::Failure;
use local::{Folder, Lock};
use stream::Totals;

use crate::holdings::Holdings;
use crate::plan::Plan;
use crate::removal::Removal;
use crate::rules::Rules;

/// Remove old sets from a store and its archive, and what interrupted runs have left
///
/// Without --force nothing is removed: what would go is listed, and why the rest stays. A set that
/// another one builds on stays with it, and so does the newest whole chain, whatever the rules.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-prune", version, after_help = EXAMPLES)]
pub struct Prune {
    /// Where the store is, such as file:///srv/backup or sftp://user@host/backup
    url: String,
    #[command(flatten)]
    rules: Rules,
    /// Instead of old sets, what is of no use: temporary files, sets that are not complete, and
    /// what interrupted runs have left in the archive
    #[arg(long, conflicts_with = "rules", required_unless_present = "rules")]
    leftovers: bool,
    /// Remove it, and print nothing
    #[arg(long)]
    force: bool,
    /// The local archive, whose sets go too
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
  moo-prune --keep-daily 7 --keep-weekly 5 --keep-monthly 12 file:///srv/backup
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
        let archive = self.archive.as_deref().map(Folder::open).transpose()?;
        // Nothing that is on its way may be taken for something that was left.
        let _lock = match &archive {
            Some(archive) if self.force || self.leftovers => Some(Lock::start(archive)?),
            _ => None,
        };
        let rules = self.rules.at_this_time()?;
        let mut store = store::open(&self.url, &self.reached)?;
        let holdings = Holdings::of(store.as_mut(), archive)?;
        let plan = if self.leftovers {
            leftovers::plan(&holdings)?
        } else {
            Plan::of_sets(&holdings, &rules, store.as_mut())?
        };
        if !self.force {
            return report::tell(&plan, &holdings).map(|()| Totals::default());
        }
        Removal { store: store.as_mut(), holdings: &holdings }.carry_out(&plan)?;
        Ok(Totals::default())
    }
}
