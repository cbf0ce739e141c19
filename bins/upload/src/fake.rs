//! A store in memory, for tests.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::sync::{Arc, Barrier, Mutex};

use failure::{Failure, Reason, Status};
use store::{Limits, Sink, Store, Stored};

/// The files of a store, also those that are incomplete.
type Files = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// A store across a network with two connections.
#[derive(Clone, Default)]
pub(crate) struct FakeStore {
    pub(crate) files: Files,
    /// Where files meet before they end.
    pub(crate) meeting: Option<Arc<Barrier>>,
    /// It can't rename, and takes whole files.
    pub(crate) fixed_names: bool,
    /// How many files are still to be lost at their ends.
    pub(crate) losses: u32,
}

struct FakeSink {
    files: Files,
    name: String,
    meeting: Option<Arc<Barrier>>,
    is_lost: bool,
}

impl Store for FakeStore {
    fn limits(&mut self) -> Result<Limits, Failure> {
        let (renames, whole_files) = (!self.fixed_names, self.fixed_names);
        Ok(Limits { renames, whole_files, connections: 2, tries: 2 })
    }

    fn make_folder(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    fn list(&mut self) -> Result<Vec<Stored>, Failure> {
        Ok(Vec::new())
    }

    fn open(&mut self, _name: &str) -> Result<Box<dyn Read + Send + Sync>, Failure> {
        Ok(Box::new(io::empty()))
    }

    fn create(&mut self, name: &str, size: Option<u64>) -> Result<Box<dyn Sink>, Failure> {
        assert_eq!(size.is_some(), self.fixed_names);
        self.files.lock().unwrap().insert(name.to_owned(), Vec::new());
        let is_lost = self.losses > 0;
        self.losses = self.losses.saturating_sub(1);
        let (files, meeting) = (self.files.clone(), self.meeting.clone());
        Ok(Box::new(FakeSink { files, name: name.to_owned(), meeting, is_lost }))
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), Failure> {
        let mut files = self.files.lock().unwrap();
        let content = files.remove(from).unwrap();
        assert_eq!(files.insert(to.to_owned(), content), None);
        Ok(())
    }

    fn remove(&mut self, name: &str) -> Result<(), Failure> {
        self.discard(name)
    }

    fn discard(&mut self, name: &str) -> Result<(), Failure> {
        self.files.lock().unwrap().remove(name).unwrap();
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    fn another(&self) -> Box<dyn Store> {
        Box::new(self.clone())
    }
}

impl Write for FakeSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.files.lock().unwrap().get_mut(&self.name).unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for FakeSink {
    fn finish(self: Box<Self>) -> Result<(), Failure> {
        if let Some(meeting) = self.meeting {
            meeting.wait();
        }
        if self.is_lost {
            return Err(Failure::new(Status::Lost, "cut").because(Reason::ConnectionLost));
        }
        Ok(())
    }
}
