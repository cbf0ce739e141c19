//! Doing what a call asks for.

use crate::action::Action;
use crate::code::Refusal;
use crate::journal::Journal;
use crate::moo::Moo;
use crate::request::Request;
use crate::survey::{self, Survey};
use crate::work::Work;
use crate::{changes, removal, selected, settings, typed};

/// Does what is asked for. Returns the exit status.
///
/// # Errors
/// It can't be done: duplicity's exit status, and why.
pub(crate) fn perform(request: &Request, journal: &Journal) -> Result<u8, Refusal> {
    let mut moo = Moo::start(journal)?;
    moo.variables = settings::variables(request);
    if let Some(passphrase) = typed::passphrase(request)? {
        moo.variables.push(("PASSPHRASE", Some(passphrase)));
    }
    settings::tell(request, journal);
    let mut work = Work { request, journal, moo };
    let done = act(&mut work);
    // What a signal has ended has not failed.
    work.moo.stopped().map_or(done, Ok)
}

fn act(work: &mut Work<'_>) -> Result<u8, Refusal> {
    let (request, journal) = (work.request, work.journal);
    if request.action == Action::Replicate {
        return work.replicate();
    }
    // A wrong selection is found before the store is looked at.
    let mut selection = selected::options(&request.line, &request.action)?;
    if work.has("copy-links") && request.action != Action::Restore {
        selection.push("--copy-links".into());
    }
    let survey = Survey::take(&work.moo, request, journal)?;
    survey.warn(journal);
    if work.has("no-encryption") && !survey.is_encrypted() {
        // With a passphrase, files that are not encrypted would be refused.
        work.moo.variables.extend([("PASSPHRASE", None), ("SIGN_PASSPHRASE", None)]);
    }
    match &request.action {
        Action::Backup | Action::Full | Action::Incremental => work.back_up(&survey, selection),
        Action::Restore => work.restore(&survey, selection),
        Action::Verify => work.verify(&survey, selection),
        Action::ListCurrentFiles => work.list(&survey),
        Action::CollectionStatus if work.has("show-changes-in-set") => {
            survey::synchronize(&work.moo, request, &survey, journal)?;
            survey.announce(journal);
            changes::list(work, &survey)
        }
        Action::CollectionStatus => {
            survey.announce(journal);
            survey.print(&settings::archive(request), journal);
            Ok(0)
        }
        Action::Cleanup => {
            work.synchronized(&survey);
            removal::clean_up(work)
        }
        _ => {
            survey.announce(journal);
            removal::remove(work, &survey)
        }
    }
}
