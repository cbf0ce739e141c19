//! SftpReader a file, over several connections if need be.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use failure::Failure;
use ssh2::File;

use super::connection::Connection;
use super::error::SftpError;
use super::session::{SharedSession, lock};

/// A file that is being read.
pub(crate) struct SftpReader {
    session: SharedSession,
    name: String,
    file: Option<File>,
    offset: u64,
}

impl SftpReader {
    /// Opens the file.
    pub(crate) fn open(session: SharedSession, name: &str) -> Result<SftpReader, Failure> {
        let mut reading = SftpReader { session, name: name.to_owned(), file: None, offset: 0 };
        reading.with_file(|_, _| Ok(()))?;
        Ok(reading)
    }

    /// Does something with the open file, at the offset that was reached.
    fn with_file<T>(
        &mut self,
        mut read: impl FnMut(&mut File, &Connection) -> Result<T, SftpError>,
    ) -> Result<T, Failure> {
        let SftpReader { session, name, file, offset } = self;
        let mut session = lock(session);
        let (path, which) = (session.address.path(name), session.address.file(name));
        session.run(&which, |connection, tries| {
            if tries.is_again() {
                *file = None;
            }
            let file = match &mut *file {
                Some(file) => file,
                none => {
                    let mut opened = connection.sftp.open(Path::new(&path))?;
                    // No request is in flight yet, so this only sets the start.
                    let sought = opened.seek(SeekFrom::Start(*offset));
                    sought.map_err(|error| SftpError::Lost(error.to_string()))?;
                    none.insert(opened)
                }
            };
            read(file, connection)
        })
    }
}

impl Drop for SftpReader {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            lock(&self.session).leave(file);
        }
    }
}

impl Read for SftpReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.with_file(|file, connection| {
            file.read(buffer).map_err(|error| SftpError::of_io(&error, &connection.session))
        })?;
        self.offset += n as u64;
        lock(&self.session).throttle.passed(n);
        Ok(n)
    }
}
