//! The report of a stage that goes through files of a store.

use std::io::Read;

use crate::report::{Counted, Reporter};

/// Reports which of several files of a store is read, or deleted.
pub struct Files {
    reporter: Reporter,
    /// Files that are done, and bytes in them.
    files: u64,
    bytes: u64,
    /// The size of the file that is not done.
    size: Option<u64>,
}

impl Files {
    /// Starts a report on files of these sizes.
    pub fn start(sizes: impl IntoIterator<Item = u64>) -> Files {
        let (files, bytes) =
            sizes.into_iter().fold((0, 0_u64), |(n, sum), size| (n + 1, sum.saturating_add(size)));
        let reporter = Reporter::start(Some(files), Some(bytes).filter(|bytes| *bytes > 0));
        Files { reporter, files: 0, bytes: 0, size: None }
    }

    /// Names the next file; the one before is done.
    pub fn next(&mut self, name: &str, size: u64) {
        self.done();
        self.size = Some(size);
        self.reporter.at(name.as_bytes(), self.files, self.bytes);
    }

    /// A reader of that file, whose bytes are counted.
    pub fn count<R: Read>(&self, from: R) -> Counted<'_, R> {
        self.reporter.count(from)
    }

    fn done(&mut self) {
        if let Some(size) = self.size.take() {
            self.files += 1;
            self.bytes = self.bytes.saturating_add(size);
        }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        self.done();
        self.reporter.at(b"", self.files, self.bytes);
    }
}
