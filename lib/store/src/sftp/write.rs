//! Writing a file. libssh2 keeps requests in flight only for the bytes of one call, so it gets a
//! window that slides over the file.

use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use failure::Failure;
use ssh2::{File, OpenFlags, OpenType};

use super::connection::Connection;
use super::error::{SftpError, SftpStatus};
use super::session::{SharedSession, lock};
use crate::{Sink, temporary};

/// How many bytes are in flight at most, either way.
pub(crate) const WINDOW: usize = 4 << 20;

/// A file that is being written.
pub(crate) struct SftpSink {
    session: SharedSession,
    which: String,
    file: Option<File>,
    /// The bytes that the server has not acknowledged yet, and the next ones.
    window: BytesMut,
}

impl SftpSink {
    pub(crate) fn create(session: &SharedSession, name: &str) -> Result<SftpSink, Failure> {
        let mut locked = lock(session);
        let which = locked.address.file(temporary::shown(name));
        let path = locked.address.path(name);
        let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
        let file = locked.once(&which, |connection| {
            Ok(connection.sftp.open_mode(Path::new(&path), flags, 0o600, OpenType::File)?)
        })?;
        drop(locked);
        let window = BytesMut::with_capacity(WINDOW);
        Ok(SftpSink { session: session.clone(), which, file: Some(file), window })
    }

    /// Waits until the server has acknowledged all but `most` bytes of the window.
    fn drain(&mut self, most: usize) -> Result<(), Failure> {
        while self.window.len() > most {
            let acknowledged = self.on_file(write)?;
            let throttle = lock(&self.session).throttle.clone();
            throttle.passed(acknowledged);
        }
        Ok(())
    }

    fn on_file<T>(
        &mut self,
        requests: impl FnOnce(&mut Connection, &mut File, &mut BytesMut) -> Result<T, SftpError>,
    ) -> Result<T, Failure> {
        let SftpSink { session, which, file, window } = self;
        lock(session).on_connection(which, |connection| match file {
            Some(file) => requests(connection, file, window),
            None => Err(SftpError::Lost("the file is closed".into())),
        })
    }
}

impl Write for SftpSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let window = lock(&self.session).throttle.portion(WINDOW);
        let taken = bytes.len().min(window);
        self.drain(window - taken)?;
        self.window.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// Waits until the server has all bytes.
    fn flush(&mut self) -> io::Result<()> {
        Ok(self.drain(0)?)
    }
}

impl Sink for SftpSink {
    fn finish(mut self: Box<Self>) -> Result<(), Failure> {
        self.drain(0)?;
        self.on_file(|_, file, _| sync(file))?;
        let mut session = lock(&self.session);
        self.file.take().into_iter().for_each(|file| session.leave(file));
        // Any request closes it, also none.
        session.on_connection(&self.which, |_| Ok(()))
    }
}

impl Drop for SftpSink {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            lock(&self.session).leave(file);
        }
    }
}

/// Passes the window to the library. Bytes without an acknowledgment have to be passed again, and
/// are sent only once.
fn write(
    connection: &mut Connection,
    file: &mut File,
    window: &mut BytesMut,
) -> Result<usize, SftpError> {
    let patience = Duration::from_millis(connection.session.timeout().into());
    let start = Instant::now();
    loop {
        match file.write(window) {
            Ok(0) if start.elapsed() < patience => {}
            Ok(0) => return Err(SftpError::Lost("the server takes no more".into())),
            Ok(acknowledged) => {
                window.advance(acknowledged);
                return Ok(acknowledged);
            }
            Err(error) => return Err(reason(&error, connection, file)),
        }
    }
}

fn reason(error: &io::Error, connection: &Connection, file: &mut File) -> SftpError {
    let full = |file: &mut File| file.statvfs().is_ok_and(|system| system.f_bavail == 0);
    match SftpError::of_io(error, &connection.session) {
        SftpError::Refused(status) if status.is_vague() && full(file) => {
            SftpError::Refused(SftpStatus::FULL)
        }
        error => error,
    }
}

/// Makes the file safe against a crash of the server. A server that cannot do this may still report
/// a failed write when it closes the file.
fn sync(file: &mut File) -> Result<(), SftpError> {
    match file.fsync().map_err(SftpError::from) {
        Err(SftpError::Refused(status)) if status.is_unsupported() => Ok(file.close()?),
        done => done,
    }
}

/// Makes a request that keeps the connection alive. Unlike SSH's keepalive message, it also handles
/// requests of the server.
pub(crate) fn alive(connection: &mut Connection) -> Result<(), SftpError> {
    match connection.sftp.lstat(Path::new(".")).map_err(SftpError::from) {
        Err(SftpError::Refused(_)) | Ok(_) => Ok(()),
        Err(error) => Err(error),
    }
}
