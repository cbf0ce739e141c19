//! The state of a relay, and its listener.

use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, sleep};
use std::time::Duration;

use super::Mode;

/// What the threads share.
pub(super) struct Shared {
    pub(super) port: u16,
    pub(super) target: u16,
    /// Up and down.
    pub(super) bytes: [AtomicU64; 2],
    state: Mutex<State>,
    changed: Condvar,
}

pub(super) struct State {
    mode: Mode,
    /// For how many connections the mode holds.
    left: usize,
    pub(super) delay: Duration,
    /// Bytes a second.
    pub(super) rate: Option<u64>,
    pub(super) connections: usize,
    live: Vec<Arc<Connection>>,
    listens: bool,
    ends: bool,
}

/// Both sockets of a connection.
pub(super) struct Connection {
    pub(super) client: TcpStream,
    pub(super) server: TcpStream,
    pub(super) stalled: AtomicBool,
}

impl Connection {
    /// Closes both; one that is closed already is.
    pub(super) fn cut(&self) {
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }
}

impl State {
    fn must_listen(&self) -> bool {
        self.mode != Mode::Refuse
    }

    /// The mode of the next connection.
    fn next(&mut self) -> Mode {
        self.connections += 1;
        if self.left == 0 {
            self.mode = Mode::Pass;
        }
        self.left = self.left.saturating_sub(1);
        self.mode.clone()
    }
}

impl Shared {
    pub(super) fn new(port: u16, target: u16) -> Shared {
        let state = State {
            mode: Mode::Pass,
            left: usize::MAX,
            delay: Duration::ZERO,
            rate: None,
            connections: 0,
            live: Vec::new(),
            listens: true,
            ends: false,
        };
        let (state, changed) = (Mutex::new(state), Condvar::new());
        Shared { port, target, bytes: Default::default(), state, changed }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Changes the mode for so many connections, and comes back when it holds.
    pub(super) fn turn(&self, mode: Mode, connections: usize) {
        let listens = mode != Mode::Refuse;
        let mut state = self.state();
        (state.mode, state.left) = (mode, connections);
        drop(state);
        self.changed.notify_all();
        if !listens {
            self.wake();
        }
        self.wait_until(|state| state.listens == listens);
    }

    /// Ends it all.
    pub(super) fn end(&self) {
        self.state().ends = true;
        self.changed.notify_all();
        self.wake();
        self.cut();
    }

    pub(super) fn cut(&self) {
        self.state().live.drain(..).for_each(|connection| connection.cut());
    }

    /// Keeps a connection open until it has ended or is cut.
    pub(super) fn keep(&self, connection: &Arc<Connection>) {
        let mut state = self.state();
        state.live.push(Arc::clone(connection));
        if state.ends {
            connection.cut();
        }
    }

    /// Lets go of a connection.
    pub(super) fn forget(&self, connection: &Arc<Connection>) {
        self.state().live.retain(|live| !Arc::ptr_eq(live, connection));
        self.changed.notify_all();
    }

    pub(super) fn settle(&self) {
        self.wait_until(|state| state.live.is_empty());
    }

    fn wait_until(&self, holds: impl Fn(&State) -> bool) {
        drop(self.changed.wait_while(self.state(), |state| !holds(state)).unwrap());
    }

    /// Makes the listener look at what has changed.
    fn wake(&self) {
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }

    /// Listens whenever it has to, until the end.
    pub(super) fn listen(self: Arc<Shared>, listener: TcpListener) {
        let mut listener = Some(listener);
        loop {
            self.accept(&listener.take().unwrap_or_else(|| bind(self.port)));
            self.state().listens = false;
            self.changed.notify_all();
            self.wait_until(|state| state.must_listen() || state.ends);
            if self.state().ends {
                return;
            }
        }
    }

    /// Takes connections as long as it has to listen.
    fn accept(self: &Arc<Shared>, listener: &TcpListener) {
        self.state().listens = true;
        self.changed.notify_all();
        for client in listener.incoming() {
            let mut state = self.state();
            if state.ends || !state.must_listen() {
                return;
            }
            let mode = state.next();
            let (shared, client) = (Arc::clone(self), client.unwrap());
            thread::spawn(move || shared.carry(client, &mode));
        }
    }
}

/// The same port again; somebody else may have it for a moment.
fn bind(port: u16) -> TcpListener {
    for _ in 0..500 {
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) {
            return listener;
        }
        sleep(Duration::from_millis(10));
    }
    panic!("port {port} is taken by somebody else");
}
