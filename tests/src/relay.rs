//! A TCP relay on loopback that cuts, stalls, delays, slows, refuses and babbles.

mod carry;
mod shared;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use shared::Shared;

/// A direction through the relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// What happens to the connections that are made from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// All goes through.
    Pass,
    /// Each is closed once that many of its bytes went that way.
    Cut(Way, u64),
    /// Each stays open, but nothing goes either way once that many of its bytes went that way.
    Stall(Way, u64),
    /// Nobody listens.
    Refuse,
    /// Each gets these bytes as an answer, and its end; the server hears nothing.
    Answer(Vec<u8>),
}

/// A relay; its connections end with it.
pub struct Relay {
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

impl Relay {
    /// A relay to that port of 127.0.0.1, which lets all pass.
    pub fn to(port: u16) -> Relay {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let shared = Arc::new(Shared::new(listener.local_addr().unwrap().port(), port));
        let of_thread = Arc::clone(&shared);
        let thread = thread::spawn(move || of_thread.listen(listener));
        Relay { shared, listener: Some(thread) }
    }

    /// The port of 127.0.0.1 that it listens on.
    pub fn port(&self) -> u16 {
        self.shared.port
    }

    /// Treats all connections to come so.
    pub fn set(&self, mode: Mode) {
        self.shared.turn(mode, usize::MAX);
    }

    /// Treats that many connections so, and then lets all pass.
    pub fn first(&self, connections: usize, mode: Mode) {
        assert_ne!(mode, Mode::Refuse, "what is refused can't be counted");
        self.shared.turn(mode, connections);
    }

    /// Makes every byte later by that much from now on, each way, but none rarer.
    pub fn delay(&self, latency: Duration) {
        self.shared.state().delay = latency;
    }

    /// Lets that many bytes a second through from now on, each way; all, for none.
    pub fn limit(&self, rate: Option<u64>) {
        self.shared.state().rate = rate;
    }

    /// Closes all connections that there are.
    pub fn cut(&self) {
        self.shared.cut();
    }

    /// Waits until the last byte of all connections is through; those that stall have no last one.
    pub fn settle(&self) {
        self.shared.settle();
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.shared.state().connections
    }

    /// How many bytes went that way.
    pub fn bytes(&self, way: Way) -> u64 {
        self.shared.bytes[way as usize].load(Ordering::Relaxed)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.end();
        if let Some(thread) = self.listener.take() {
            let _ = thread.join();
        }
    }
}
