//! Removing, so that it can be interrupted anywhere.
//!
//! Set by set: first the archive forgets it, then it goes from the store, its seal first, and
//! next its manifest. What an interruption leaves is a set that the archive does not know and that still goes
//! by the same rules, or files without a manifest, which neither we nor duplicity take for a set.

use std::fs;

use cli::lifeline;
use failure::{Failure, OrFail, Reason, Status, shown};
use progress::Files;
use store::Store;

use crate::holdings::Holdings;
use crate::plan::{Goner, Plan};
use crate::report::Report;

/// A name that no file has. All programs pass over it.
const NOBODY: &str = ".upload-0-moobacker-prune";

/// The store and the archive that files go from.
pub(crate) struct Removal<'a> {
    pub(crate) store: &'a mut dyn Store,
    pub(crate) holdings: &'a Holdings,
}

impl Removal<'_> {
    /// Removes all that is planned to go, and reports each set when it has gone.
    pub(crate) fn carry_out(mut self, plan: &Plan, mut report: Report<'_>) -> Result<(), Failure> {
        if plan.goes.iter().any(|goner| !goner.stored.is_empty()) {
            // A store that says no has to say so before the archive forgets anything.
            self.remove(NOBODY)?;
        }
        let survey = &self.holdings.survey;
        let stored = plan.goes.iter().flat_map(|goner| &goner.stored);
        let mut progress = Files::start(stored.map(|name| survey.size(name)));
        for goner in &plan.goes {
            self.forget(goner)?;
            for name in &goner.stored {
                progress.next(name, survey.size(name));
                self.remove(self.holdings.survey.stored_name(name))?;
            }
            log::info!("{}: removed", goner.what);
            report.removed(goner)?;
        }
        self.store.sync()?;
        report.total(plan, true)
    }

    fn forget(&self, goner: &Goner) -> Result<(), Failure> {
        let Some(archive) = &self.holdings.archive else { return Ok(()) };
        for name in &goner.archived {
            let path = archive.folder.path(name);
            lifeline::check();
            fs::remove_file(&path).or_fail(Status::Failed, shown(&path))?;
        }
        Ok(())
    }

    /// Removes a file of the store. One that is not there is gone, as it should be.
    fn remove(&mut self, name: &str) -> Result<(), Failure> {
        lifeline::check();
        match self.store.remove(name) {
            Err(failure) if failure.reason() == Reason::NoSuchFile => Ok(()),
            Err(failure) if failure.status() == Status::Refused => Err(refused(&failure)),
            done => done,
        }
    }
}

fn refused(failure: &Failure) -> Failure {
    let hint = "where files can only be added, the store's own machine prunes: prune-remote.sh";
    Failure::new(Status::Refused, format!("{} ({hint})", failure.message()))
}
