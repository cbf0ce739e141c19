//! Which entries are asked for.

use cli::legible;
use std::ffi::OsString;

use archive::TreePath;
use failure::{Failure, Reason, Status};

/// The paths that are asked for, with all that is below them; none asks for everything.
pub(crate) struct Paths {
    wanted: Vec<(TreePath, bool)>,
}

impl Paths {
    /// Those of the command line.
    pub(crate) fn new(words: &[OsString]) -> Result<Paths, Failure> {
        let wanted = words.iter().map(|word| Ok((crate::path(word)?, false)));
        Ok(Paths { wanted: wanted.collect::<Result<_, Failure>>()? })
    }

    /// Whether an entry that there is is asked for. Notes that something was found.
    pub(crate) fn take(&mut self, path: &TreePath) -> bool {
        let mut taken = self.wanted.is_empty();
        for (wanted, found) in &mut self.wanted {
            let fits = path.starts_with(wanted);
            *found |= fits;
            taken |= fits;
        }
        taken
    }

    /// Whether nothing that is asked for can come after an entry.
    pub(crate) fn are_before(&self, path: &TreePath) -> bool {
        let passed = |wanted: &TreePath| wanted < path && !path.starts_with(wanted);
        !self.wanted.is_empty() && self.wanted.iter().all(|(wanted, _)| passed(wanted))
    }

    /// Fails if for one of them nothing was found.
    pub(crate) fn check(&self, place: &str) -> Result<(), Failure> {
        let missing = self.wanted.iter().filter(|(_, found)| !found);
        let missing: Vec<_> = missing.map(|(path, _)| legible::path(path)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let why = format!("{}: not in {place}", missing.join(", "));
        Err(Failure::new(Status::Absent, why).because(Reason::NoSuchPath))
    }
}
