//! The store, and how a right file gets into its place there: no byte is lost before the right ones
//! are in the store.

use std::collections::HashSet;
use std::io::{Read, Seek, Write};

use archive::{parity_name, parse_parity, repaired_name, set_time};
use cli::lifeline;
use failure::{Failure, OrFail, Status, TemporaryFile};
use store::{Store, Tries, temporary_name};
use survey::Survey;

use crate::content::Content;

/// The store that is repaired.
pub(crate) struct Place {
    url: String,
    store: Box<dyn Store>,
    names: HashSet<String>,
}

/// Where a file has been put.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Put {
    /// In its place.
    InPlace,
    /// Beside the damaged one, which the store keeps.
    Beside(String),
}

impl Place {
    pub(crate) fn new(url: &str, store: Box<dyn Store>, survey: &Survey) -> Place {
        let names = survey.stored_names().map(str::to_owned).collect();
        Place { url: url.to_owned(), store, names }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    pub(crate) fn store(&mut self) -> &mut dyn Store {
        self.store.as_mut()
    }

    pub(crate) fn open(&mut self, name: &str) -> Result<Box<dyn Read + Send + Sync>, Failure> {
        self.store.open(name)
    }

    /// Sends a file under a temporary name, which it returns.
    pub(crate) fn send(&mut self, name: &str, content: &mut Content) -> Result<String, Failure> {
        let limits = self.store.limits()?;
        let mut tries = Tries::new(limits.tries);
        loop {
            let under = temporary_name(name);
            match self.attempt(&under, content) {
                Ok(()) => {
                    self.names.insert(under.clone());
                    return Ok(under);
                }
                Err(failure) => {
                    lifeline::check();
                    let _ = self.store.discard(&under);
                    tries.failed(failure, || false)?;
                }
            }
        }
    }

    fn attempt(&mut self, under: &str, content: &mut Content) -> Result<(), Failure> {
        content.file.rewind().or_fail(Status::Failed, TemporaryFile)?;
        let mut sink = self.store.create(under, Some(content.size))?;
        let mut buffer = vec![0; 1 << 20];
        loop {
            let read = content.file.read(&mut buffer).or_fail(Status::Failed, TemporaryFile)?;
            if read == 0 {
                return sink.finish();
            }
            sink.write_all(&buffer[..read]).or_fail(Status::Failed, under)?;
        }
    }

    /// Gives a file another name, if the store allows it.
    pub(crate) fn rename(&mut self, from: &str, to: &str) -> Result<bool, Failure> {
        lifeline::check();
        match self.store.rename(from, to) {
            Ok(()) => {
                self.names.remove(from);
                self.names.insert(to.to_owned());
                Ok(true)
            }
            Err(failure) if failure.status() == Status::Refused => {
                log::info!("{failure}");
                Ok(false)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Puts the file of that temporary name into its place. What is there is damaged, and goes; if
    /// the store keeps it, the file gets a name that tells what it replaces.
    pub(crate) fn put(&mut self, under: &str, name: &str) -> Result<Put, Failure> {
        if self.has(name) && !self.remove(name)? {
            let beside = self.beside(name);
            self.named(under, &beside)?;
            return Ok(Put::Beside(beside));
        }
        self.named(under, name)?;
        Ok(Put::InPlace)
    }

    fn named(&mut self, under: &str, name: &str) -> Result<(), Failure> {
        lifeline::check();
        self.store.rename(under, name)?;
        self.names.remove(under);
        self.names.insert(name.to_owned());
        self.store.sync()
    }

    /// Deletes a damaged file, if the store allows it.
    pub(crate) fn remove(&mut self, name: &str) -> Result<bool, Failure> {
        lifeline::check();
        match self.store.remove(name) {
            Err(failure) if failure.status() == Status::Refused => {
                log::info!("{failure}");
                Ok(false)
            }
            Err(failure) if failure.status() != Status::Absent => Err(failure),
            _ => {
                self.names.remove(name);
                Ok(true)
            }
        }
    }

    /// A free name for a file that replaces another one.
    fn beside(&self, name: &str) -> String {
        let time = set_time(name);
        let new = |number| match (parse_parity(name), time) {
            (Some((time, _)), _) => parity_name(time, number),
            (None, Some(time)) => repaired_name(time, number, name),
            (None, None) => temporary_name(name),
        };
        (1..).map(new).find(|name| !self.has(name)).unwrap_or_else(|| temporary_name(name))
    }
}
