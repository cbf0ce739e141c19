//! Sending a file. libssh2 keeps requests in flight only for the bytes of one call, so it gets a
//! window that slides over the file.

use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use failure::Failure;
use ssh2::{File, OpenFlags, OpenType};

use super::connection::Connection;
use super::trouble::{Answer, Trouble};
use crate::held::{Held, Progress};
use crate::throttle::Throttle;

/// How many bytes are in flight at most, either way.
pub(crate) const WINDOW: usize = 4 << 20;
/// How often an idle connection shows that it is alive.
pub(crate) const IDLE: Duration = Duration::from_secs(15);

/// Sends a held file, which may still grow, to a new file. Returns false if it was cancelled.
pub(crate) fn send(
    connection: &mut Connection,
    throttle: &Throttle,
    held: &Held,
    to: &Path,
    given_up: &AtomicBool,
) -> Result<bool, Trouble> {
    let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
    let file = connection.sftp.open_mode(to, flags, 0o600, OpenType::File)?;
    let mut sending =
        Sending { connection, file, window: BytesMut::with_capacity(WINDOW), read: 0 };
    let sent = sending.all(throttle, held, given_up);
    let Sending { connection, file, .. } = sending;
    let sent = connection.checked(sent)?;
    connection.close(file);
    Ok(sent)
}

struct Sending<'a> {
    connection: &'a mut Connection,
    file: File,
    /// The bytes that the server has not acknowledged yet, and the next ones.
    window: BytesMut,
    /// How much of the file was read.
    read: u64,
}

impl Sending<'_> {
    fn all(
        &mut self,
        throttle: &Throttle,
        held: &Held,
        given_up: &AtomicBool,
    ) -> Result<bool, Trouble> {
        loop {
            let (len, progress) = self.wait(held)?;
            if progress == Progress::Dropped || given_up.load(Ordering::Relaxed) {
                return Ok(false);
            }
            if self.window.is_empty() && self.read == len && progress == Progress::Complete {
                return self.finish().map(|()| true);
            }
            self.fill(held, len, throttle.portion(WINDOW))?;
            throttle.passed(self.write()?);
        }
    }

    /// Waits for more if there is nothing to do, and keeps the connection alive meanwhile.
    fn wait(&mut self, held: &Held) -> Result<(u64, Progress), Trouble> {
        if !self.window.is_empty() {
            return Ok(held.wait_beyond(self.read, Duration::ZERO));
        }
        loop {
            let (len, progress) = held.wait_beyond(self.read, IDLE);
            if len > self.read || progress != Progress::Growing {
                return Ok((len, progress));
            }
            alive(self.connection)?;
        }
    }

    fn fill(&mut self, held: &Held, len: u64, window: usize) -> Result<(), Trouble> {
        // A refill is worth its while when half of the window has gone.
        let room = window.saturating_sub(self.window.len());
        let more = usize::try_from(len - self.read).unwrap_or(room).min(room);
        if more == 0 || (self.window.len() > window / 2 && more < window / 2) {
            return Ok(());
        }
        let start = self.window.len();
        self.window.resize(start + more, 0);
        let read = held.read_at(&mut self.window[start..], self.read);
        read.map_err(|error| Trouble::Final(spool_failure(&error)))?;
        self.read += more as u64;
        Ok(())
    }

    /// Passes the window to the library. Bytes without an acknowledgment have to be passed again,
    /// and are sent only once.
    fn write(&mut self) -> Result<usize, Trouble> {
        let patience = Duration::from_millis(self.connection.session.timeout().into());
        let start = Instant::now();
        loop {
            match self.file.write(&self.window) {
                Ok(0) if start.elapsed() < patience => {}
                Ok(0) => return Err(Trouble::Lost("the server takes no more".into())),
                Ok(acknowledged) => {
                    self.window.advance(acknowledged);
                    return Ok(acknowledged);
                }
                Err(error) => return Err(self.trouble(&error)),
            }
        }
    }

    fn trouble(&mut self, error: &io::Error) -> Trouble {
        let trouble = Trouble::of_io(error, &self.connection.session);
        let full = |file: &mut File| file.statvfs().is_ok_and(|system| system.f_bavail == 0);
        match trouble {
            Trouble::No(answer) if answer.is_vague() && full(&mut self.file) => {
                Trouble::No(Answer::FULL)
            }
            trouble => trouble,
        }
    }

    /// Makes the file safe against a crash of the server. A server that cannot do this may still
    /// report a failed write when it closes the file.
    fn finish(&mut self) -> Result<(), Trouble> {
        match self.file.fsync().map_err(Trouble::from) {
            Err(Trouble::No(answer)) if answer.is_unsupported() => Ok(self.file.close()?),
            done => done,
        }
    }
}

fn spool_failure(error: &io::Error) -> Failure {
    Failure::new(failure::Status::Failed, format!("{}: {error}", stream::TemporaryFile))
}

/// Makes a request that keeps the connection alive. Unlike SSH's keepalive message, it also handles
/// requests of the server.
pub(crate) fn alive(connection: &mut Connection) -> Result<(), Trouble> {
    match connection.sftp.lstat(Path::new(".")).map_err(Trouble::from) {
        Err(Trouble::No(_)) | Ok(_) => Ok(()),
        Err(trouble) => Err(trouble),
    }
}
