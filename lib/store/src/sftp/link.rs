//! A link to a server across several connections. A request that fails because its connection is
//! lost is repeated on a new one, after a growing pause, a limited number of times.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use failure::{Failure, Status};

use super::address::Address;
use super::connection::Connection;
use super::settings::Settings;
use super::trouble::Trouble;
use crate::Options;
use crate::retry::{given_up_after, pause_after};
use crate::throttle::Throttle;

/// The link of a store.
pub(crate) struct Link {
    pub(crate) address: Address,
    pub(crate) throttle: Arc<Throttle>,
    settings: Arc<Settings>,
    timeout: Duration,
    tries: u32,
    connection: Option<Connection>,
    /// Set by another thread when no answer is needed any more.
    given_up: Arc<AtomicBool>,
}

/// What an operation knows about the tries before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Try {
    /// An earlier try may have come through, though its answer was lost.
    pub(crate) again: bool,
}

impl Link {
    pub(crate) fn new(address: Address, options: &Options) -> Result<Link, Failure> {
        Ok(Link {
            settings: Arc::new(Settings::of(&address, options)?),
            address,
            throttle: Arc::new(Throttle::new(options.rate())),
            timeout: options.timeout(),
            tries: options.num_retries,
            connection: None,
            given_up: Arc::default(),
        })
    }

    /// One more link to the same server, with connections of its own.
    pub(crate) fn another(&self) -> Link {
        Link {
            address: self.address.clone(),
            throttle: self.throttle.clone(),
            settings: self.settings.clone(),
            timeout: self.timeout,
            tries: self.tries,
            connection: None,
            given_up: self.given_up.clone(),
        }
    }

    /// The flag that makes the link stop trying.
    pub(crate) fn given_up(&self) -> Arc<AtomicBool> {
        self.given_up.clone()
    }

    /// Makes requests about a file, with new connections when they are lost.
    ///
    /// # Errors
    /// The server's answer, by [`Answer::failure`](super::trouble::Answer::failure), or
    /// [`Status::Lost`] when all attempts have failed.
    pub(crate) fn run<T>(
        &mut self,
        which: &str,
        mut requests: impl FnMut(&mut Connection, Try) -> Result<T, Trouble>,
    ) -> Result<T, Failure> {
        for count in 1.. {
            let why = match self.once(&mut requests, Try { again: count > 1 }) {
                Ok(done) => return Ok(done),
                Err(Trouble::Final(failure)) => return Err(failure),
                Err(Trouble::No(answer)) => return Err(answer.failure(which)),
                Err(Trouble::Lost(why)) => why,
            };
            self.connection = None;
            if count >= self.tries || self.given_up.load(Ordering::Relaxed) {
                let why = format!("{}: {why} {}", self.address, given_up_after(count));
                return Err(Failure::new(Status::Lost, why));
            }
            log::info!("{}: {why}; trying again", self.address);
            self.pause(count);
        }
        Err(Failure::new(Status::Lost, self.address.to_string()))
    }

    /// Makes the requests once, and only on an existing connection. Use it for optional work, which
    /// is not worth a reconnection.
    pub(crate) fn try_to<T>(
        &mut self,
        requests: impl FnOnce(&mut Connection) -> Result<T, Trouble>,
    ) -> Option<T> {
        self.connection.as_mut().and_then(|connection| requests(connection).ok())
    }

    fn once<T>(
        &mut self,
        requests: &mut impl FnMut(&mut Connection, Try) -> Result<T, Trouble>,
        this: Try,
    ) -> Result<T, Trouble> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(Connection::open(&self.settings, self.timeout)?),
        };
        requests(connection, this)
    }

    /// Waits for 1, 4, 16 … seconds.
    fn pause(&self, count: u32) {
        let end = Instant::now() + pause_after(count);
        while Instant::now() < end && !self.given_up.load(Ordering::Relaxed) {
            sleep(Duration::from_millis(50));
        }
    }
}
