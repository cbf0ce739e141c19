//! What the relay does with a connection: a thread that reads and one that writes, each way, so
//! that a delay is a latency and no rate.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use super::shared::{Connection, Shared};
use super::{Mode, Way};

/// The most that is read at once.
const CHUNK: usize = 16 * 1024;

/// How many chunks are under way at most: what fits into the wire.
const UNDER_WAY: usize = 512;

/// What is under way, and when it arrives.
struct Parcel {
    due: Instant,
    content: Content,
}

enum Content {
    Data(Vec<u8>),
    /// This way has ended.
    End,
    Cut,
    Stall,
}

impl Shared {
    /// Carries a connection to its end.
    pub(super) fn carry(self: Arc<Shared>, client: TcpStream, mode: &Mode) {
        if let Mode::Answer(bytes) = mode {
            return answer(&client, bytes);
        }
        let Ok(server) = TcpStream::connect(("127.0.0.1", self.target)) else {
            return;
        };
        for socket in [&client, &server] {
            let _ = socket.set_nodelay(true);
        }
        let connection = Arc::new(Connection { client, server, stalled: false.into() });
        self.keep(&connection);
        scope(|scope| {
            for way in [Way::Up, Way::Down] {
                let (sender, receiver) = sync_channel(UNDER_WAY);
                let (connection, mode, shared) = (&connection, mode, &self);
                scope.spawn(move || shared.read(connection, way, mode, &sender));
                scope.spawn(move || shared.write(connection, way, &receiver));
            }
        });
        // A stalled one stays open.
        if !connection.stalled.load(Ordering::SeqCst) {
            self.forget(&connection);
        }
    }

    fn read(&self, connection: &Connection, way: Way, mode: &Mode, queue: &SyncSender<Parcel>) {
        let mut left = limit(mode, way);
        loop {
            let content = match left {
                Some(0) => fault(mode),
                _ => self.take(connection.from(way), left),
            };
            let len = if let Content::Data(bytes) = &content { bytes.len() as u64 } else { 0 };
            left = left.map(|left| left - len);
            let due = Instant::now() + self.state().delay;
            // Nobody writes any more once the connection is stalled or cut.
            if queue.send(Parcel { due, content }).is_err() || len == 0 {
                return;
            }
        }
    }

    /// The next bytes, as fast as they may come.
    fn take(&self, mut from: &TcpStream, left: Option<u64>) -> Content {
        let rate = self.state().rate;
        let share = rate.map_or(CHUNK as u64, |rate| (rate / 50).clamp(64, CHUNK as u64));
        let mut bytes = vec![0; share.min(left.unwrap_or(share)) as usize];
        match from.read(&mut bytes) {
            Ok(0) => return Content::End,
            Ok(len) => bytes.truncate(len),
            Err(_) => return Content::Cut,
        }
        if let Some(rate) = rate {
            sleep(Duration::from_secs_f64(bytes.len() as f64 / rate as f64));
        }
        Content::Data(bytes)
    }

    fn write(&self, connection: &Connection, way: Way, queue: &Receiver<Parcel>) {
        for Parcel { due, content } in queue {
            sleep(due.saturating_duration_since(Instant::now()));
            if connection.stalled.load(Ordering::SeqCst) || !self.deliver(connection, way, content)
            {
                return;
            }
        }
    }

    /// Whether more may follow.
    fn deliver(&self, connection: &Connection, way: Way, content: Content) -> bool {
        let mut to = connection.to(way);
        match content {
            Content::Data(bytes) if to.write_all(&bytes).is_ok() => {
                self.bytes[way as usize].fetch_add(bytes.len() as u64, Ordering::Relaxed);
                return true;
            }
            Content::End => drop(to.shutdown(Shutdown::Write)),
            Content::Stall => connection.stalled.store(true, Ordering::SeqCst),
            Content::Cut | Content::Data(_) => connection.cut(),
        }
        false
    }
}

impl Connection {
    fn from(&self, way: Way) -> &TcpStream {
        if way == Way::Up { &self.client } else { &self.server }
    }

    fn to(&self, way: Way) -> &TcpStream {
        if way == Way::Up { &self.server } else { &self.client }
    }
}

/// After how many bytes that way something happens.
fn limit(mode: &Mode, way: Way) -> Option<u64> {
    match mode {
        Mode::Cut(of, after) | Mode::Stall(of, after) if *of == way => Some(*after),
        _ => None,
    }
}

fn fault(mode: &Mode) -> Content {
    if matches!(mode, Mode::Stall(..)) { Content::Stall } else { Content::Cut }
}

/// Says that, and waits until the client has gone: closed before, it would drop the answer.
fn answer(mut client: &TcpStream, bytes: &[u8]) {
    let _ = client.write_all(bytes);
    let _ = client.shutdown(Shutdown::Write);
    let _ = client.set_read_timeout(Some(Duration::from_secs(5)));
    while client.read(&mut [0; 4096]).is_ok_and(|len| len > 0) {}
}
