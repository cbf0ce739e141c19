//! What is in a backup, from the signatures in the archive: one state, the changes between two,
//! or all versions of one path.

mod changes;
mod differences;
mod line;
mod object;
mod paths;
mod random;
mod state;
mod versions;

use failure::{Failure, Status};
use local::Folder;

use crate::List;
use crate::out::Out;

/// In which form entries are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Lines for people.
    Lines,
    /// A line of JSON each.
    Json,
    /// Paths that end with NUL.
    Null,
}

impl Form {
    fn of(arguments: &List) -> Form {
        match (arguments.json, arguments.null) {
            (true, _) => Form::Json,
            (_, true) => Form::Null,
            _ => Form::Lines,
        }
    }

    fn out(self) -> Result<Out, Failure> {
        if self == Form::Null { Out::raw() } else { Ok(Out::new()) }
    }
}

/// Lists what the arguments ask for.
pub(crate) fn list(arguments: &List) -> Result<(), Failure> {
    let Some(archive) = &arguments.archive else {
        let why = "a url is needed, or --archive (see --help)";
        return Err(Failure::new(Status::Usage, why));
    };
    if arguments.versions.is_some() && !arguments.words.is_empty() {
        let why = "--versions: takes one path, and no others (see --help)";
        return Err(Failure::new(Status::Usage, why));
    }
    let form = Form::of(arguments);
    let mut out = form.out()?;
    let folder = Folder::open(archive)?;
    let done = match (&arguments.changes, &arguments.versions) {
        (Some(times), _) => changes::list(&folder, times, &arguments.words, form, &mut out),
        (_, Some(word)) => versions::list(&folder, &crate::path(word)?, form, &mut out),
        _ => {
            let time = arguments.time.as_deref().unwrap_or("now");
            match arguments.random {
                Some(count) => {
                    random::list(&folder, (time, count), &arguments.words, form, &mut out)
                }
                None => state::list(&folder, time, &arguments.words, form, &mut out),
            }
        }
    };
    // What was found before it failed is told before the failure.
    out.flush().and(done)
}
