//! `moo-repair` finds the damaged, missing and renamed files of a store by their seals, and rebuilds
//! them from parity or from another store. It needs no secret key.

mod content;
mod item;
mod place;
mod rebuild;
mod renewal;
mod set;
mod sources;

use std::ffi::OsString;
use std::path::PathBuf;

use archive::SetId;
use cli::{Common, Out, Program};
use failure::{Failure, Reason, Status};
use local::{Folder, Lock};
use openpgp::{Cert, find_signers};
use parity::Share;
use store::{Store, final_name};
use stream::Totals;
use survey::Survey;

use crate::place::Place;
use crate::set::SetRepair;
use crate::sources::{Other, Sources};

/// Rebuild damaged, missing and renamed files of a store
///
/// moo-repair reads all sealed sets of the store and finds the files that do not have the hash in
/// their seal. It takes their content from the store at --from, or rebuilds it from parity files. A
/// file counts as rebuilt only if it has the size and the hash in the seal. It replaces a damaged
/// file only when the right one has arrived. If the store does not allow that, the right file is
/// added beside it, and restores find it there. The exit status is 5 if something stays damaged.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-repair", version, after_help = EXAMPLES)]
pub struct Repair {
    /// URL of the store, such as file:///srv/backup, sftp://user@host/backup or rclone:REMOTE:PATH
    url: String,
    /// Take right files from the store at URL, a copy of this one
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    /// Add parity of PERCENT to sets that have none, from 0.1 to 100
    #[arg(long, value_name = "PERCENT")]
    parity: Option<Share>,
    /// Use the archive directory FOLDER, which has copies of the seals
    #[arg(short, long, value_name = "FOLDER")]
    archive: Option<PathBuf>,
    /// Require that the certificate KEY has signed the seal of each set
    #[arg(long, value_name = "KEY")]
    seal_key: Vec<OsString>,
    #[command(flatten)]
    reached: store::Options,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  moo-check file:///srv/backup || moo-repair file:///srv/backup
  moo-repair --from file:///mnt/copy --archive ~/archive file:///srv/backup
  moo-repair --parity 5 file:///srv/backup";

impl Program for Repair {
    const NAME: &'static str = "moo-repair";
    type Outlet = ();

    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, (): &mut ()) -> Result<Totals, Failure> {
        let certs = find_signers(&self.seal_key)?;
        let folder = self.archive.as_deref().map(Folder::open).transpose()?;
        // A set that is on its way is not one that lacks files.
        let _lock = folder.as_ref().map(Lock::start).transpose()?;
        let mut store = store::open(&self.url, &self.reached)?;
        let survey = survey(store.as_mut(), folder.as_ref(), &certs)?;
        if survey.collection.sets().next().is_none() {
            let failure = Failure::of(Status::Absent, &self.url, "there is no backup");
            return Err(failure.because(Reason::NoBackup));
        }
        let other = match &self.from {
            Some(url) => Some(Other::open(url, &self.reached, &certs)?),
            None => None,
        };
        let sets = sets(&survey);
        let place = Place::new(&self.url, store, &survey);
        let sources = Sources { folder: folder.as_ref(), other, certs: &certs };
        let mut repair = SetRepair { place, survey, sources, share: self.parity, out: Out::new() };
        let mut lost = 0;
        for set in sets {
            lost += repair.repair(set)?;
        }
        repair.out.flush()?;
        Ok(Totals { lost, ..Totals::default() })
    }
}

fn survey(
    store: &mut dyn Store,
    folder: Option<&Folder>,
    certs: &[Cert],
) -> Result<Survey, Failure> {
    let files = store.list()?;
    let mut survey = Survey::of(store, &files, folder, certs)?;
    survey.count_lost();
    Ok(survey)
}

/// The sets to look at, by time: not those whose upload has not ended.
fn sets(survey: &Survey) -> Vec<SetId> {
    let uploads = survey.collection.strangers.iter().filter_map(|name| final_name(name));
    let times: Vec<_> = uploads.filter_map(archive::set_time).collect();
    let coming = survey.collection.incomplete.iter().filter(|set| !times.contains(&set.id.time));
    let mut sets: Vec<SetId> =
        survey.collection.complete().chain(coming).map(|set| set.id).collect();
    sets.sort_unstable();
    sets
}
