//! A session with a server across several connections. A request that fails because its connection
//! is lost is repeated on a new one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use failure::{Failure, Reason, Status};
use ssh2::File;

use super::address::Address;
use super::connection::Connection;
use super::error::SftpError;
use super::settings::Settings;
use crate::throttle::Throttle;
use crate::{Options, Tries};

/// The session of a store.
pub(crate) struct ReconnectingSession {
    pub(crate) address: Address,
    pub(crate) throttle: Arc<Throttle>,
    pub(crate) tries: u32,
    settings: Arc<Settings>,
    timeout: Duration,
    connection: Option<Connection>,
}

/// A session that open files share with their store.
pub(crate) type SharedSession = Arc<Mutex<ReconnectingSession>>;

impl ReconnectingSession {
    pub(crate) fn new(address: Address, options: &Options) -> Result<SharedSession, Failure> {
        let session = ReconnectingSession {
            settings: Arc::new(Settings::of(&address, options)?),
            address,
            throttle: Arc::new(Throttle::new(options.rate())),
            timeout: options.timeout(),
            tries: options.num_retries,
            connection: None,
        };
        Ok(Arc::new(Mutex::new(session)))
    }

    /// One more session with the same server, which shares the limit on its traffic.
    pub(crate) fn another(&self) -> SharedSession {
        Arc::new(Mutex::new(ReconnectingSession {
            address: self.address.clone(),
            throttle: self.throttle.clone(),
            settings: self.settings.clone(),
            connection: None,
            ..*self
        }))
    }

    /// Makes requests about a file, with new connections when they are lost.
    pub(crate) fn run<T>(
        &mut self,
        which: &str,
        mut requests: impl FnMut(&mut Connection, &Tries) -> Result<T, SftpError>,
    ) -> Result<T, Failure> {
        Tries::new(self.tries)
            .run(|tries| self.once(which, |connection| requests(connection, tries)))
    }

    /// Makes requests about a file once, on the connection or on a new one.
    ///
    /// # Errors
    /// The server's answer, by [`SftpStatus::failure`](super::error::SftpStatus::failure), or
    /// [`Reason::ConnectionLost`].
    pub(crate) fn once<T>(
        &mut self,
        which: &str,
        requests: impl FnOnce(&mut Connection) -> Result<T, SftpError>,
    ) -> Result<T, Failure> {
        if self.connection.is_none() {
            let opened = Connection::open(&self.settings, self.timeout);
            self.connection = Some(opened.map_err(|error| self.failure(error, which))?);
        }
        self.on_connection(which, requests)
    }

    /// Makes requests once, and only on an existing connection: those of a file that is open on it,
    /// and those that are not worth a new one.
    pub(crate) fn on_connection<T>(
        &mut self,
        which: &str,
        requests: impl FnOnce(&mut Connection) -> Result<T, SftpError>,
    ) -> Result<T, Failure> {
        let Some(connection) = &mut self.connection else {
            return Err(self.failure(SftpError::Lost("the connection was lost".into()), which));
        };
        connection.close_left();
        let done = requests(connection);
        if matches!(done, Err(SftpError::Lost(_))) {
            self.connection = None;
        }
        done.map_err(|error| self.failure(error, which))
    }

    /// Leaves a file to be closed with the next request.
    pub(crate) fn leave(&mut self, file: File) {
        if let Some(connection) = &mut self.connection {
            connection.leave(file);
        }
    }

    fn failure(&self, error: SftpError, which: &str) -> Failure {
        match error {
            SftpError::Final(failure) => failure,
            SftpError::Refused(status) => status.failure(which),
            SftpError::Lost(why) => {
                Failure::of(Status::Lost, &self.address, why).because(Reason::ConnectionLost)
            }
        }
    }
}

/// The data in our locks is consistent after each statement, even after a panic.
pub(crate) fn lock(session: &SharedSession) -> MutexGuard<'_, ReconnectingSession> {
    session.lock().unwrap_or_else(PoisonError::into_inner)
}
