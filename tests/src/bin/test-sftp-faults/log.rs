//! The log of requests, which is also their count, over all sessions.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use tests::sshd::Action;
use tests::sshd::faults::Rule;

/// The folder with rules and log.
pub(crate) struct Log {
    folder: PathBuf,
}

impl Log {
    pub(crate) fn new(folder: &Path) -> Log {
        Log { folder: folder.to_owned() }
    }

    /// Logs a request; what a rule says of it, if one does.
    pub(crate) fn note(&self, kind: &str, about: &str) -> Option<Action> {
        let mut log =
            File::options().read(true).append(true).open(self.folder.join("log")).unwrap();
        flock(&log, FlockOperation::LockExclusive).unwrap();
        let mut past = String::new();
        log.read_to_string(&mut past).unwrap();
        let same = past.lines().filter(|line| line.split(' ').next() == Some(kind)).count();
        let action = self.action(kind, same + 1, past.lines().count() + 1);
        let hit = action.map(|action| format!(" !{action}")).unwrap_or_default();
        let about = if about.is_empty() { String::new() } else { format!(" {about}") };
        log.write_all(format!("{kind}{about}{hit}\n").as_bytes()).unwrap();
        action
    }

    fn action(&self, kind: &str, which: usize, of_all: usize) -> Option<Action> {
        let rules = fs::read_to_string(self.folder.join("rules")).unwrap();
        let mut rules = rules.lines().map(|line| line.parse::<Rule>().unwrap());
        rules.find(|rule| rule.hits(kind, which, of_all)).map(|rule| rule.action)
    }
}
