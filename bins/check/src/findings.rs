//! What is wrong, a line each.

use std::fmt::Display;

use store::Stored;

/// Counts what is wrong.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    count: u64,
}

impl Findings {
    /// Tells of something that is wrong.
    pub(crate) fn wrong(&mut self, which: impl Display, why: impl Display) {
        log::warn!("{which}: {why}");
        self.count += 1;
    }

    /// How much is wrong.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// No file of a backup is empty.
    pub(crate) fn empty_files(&mut self, files: &[Stored]) {
        let ours = |file: &&Stored| archive::FileName::parse(&file.name).is_some();
        for file in files.iter().filter(|file| file.size == 0).filter(ours) {
            self.wrong(&file.name, "is empty");
        }
    }
}
