//! Reading a file, over several connections if need be.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex};

use failure::Failure;
use ssh2::File;

use super::connection::Connection;
use super::lanes::lock;
use super::link::Link;
use super::trouble::Trouble;

/// A file that is being read.
pub(crate) struct Reading {
    link: Arc<Mutex<Link>>,
    name: String,
    file: Option<File>,
    offset: u64,
}

impl Reading {
    /// Opens the file.
    pub(crate) fn open(link: Arc<Mutex<Link>>, name: &str) -> Result<Reading, Failure> {
        let mut reading = Reading { link, name: name.to_owned(), file: None, offset: 0 };
        reading.with_file(|_, _| Ok(()))?;
        Ok(reading)
    }

    /// Does something with the open file, at the offset that was reached.
    fn with_file<T>(
        &mut self,
        mut read: impl FnMut(&mut File, &Connection) -> Result<T, Trouble>,
    ) -> Result<T, Failure> {
        let Reading { link, name, file, offset } = self;
        let mut link = lock(link);
        let (path, which) = (link.address.path(name), link.address.file(name));
        link.run(&which, |connection, this| {
            if this.again {
                *file = None;
            }
            let file = match &mut *file {
                Some(file) => file,
                none => {
                    let mut opened = connection.sftp.open(Path::new(&path))?;
                    // No request is in flight yet, so this only sets the start.
                    let sought = opened.seek(SeekFrom::Start(*offset));
                    sought.map_err(|error| Trouble::Lost(error.to_string()))?;
                    none.insert(opened)
                }
            };
            read(file, connection)
        })
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            let closed = |connection: &mut Connection| {
                connection.close(file);
                Ok(())
            };
            lock(&self.link).try_to(closed);
        }
    }
}

impl Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.with_file(|file, connection| {
            file.read(buffer).map_err(|error| Trouble::of_io(&error, &connection.session))
        })?;
        self.offset += n as u64;
        lock(&self.link).throttle.passed(n);
        Ok(n)
    }
}
