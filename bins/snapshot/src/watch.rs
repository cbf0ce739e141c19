//! The program that reads the snapshot, and the signals that end it: the snapshot is deleted after it.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread::Builder;

use cli::signals;
use rustix::process::{Pid, Signal, kill_process};

/// A process that a signal has killed counts as this and the signal's number.
const SIGNALED: i32 = 128;

/// What has asked to end, and what runs; 0 for nothing.
#[derive(Default)]
struct State {
    signal: AtomicI32,
    running: AtomicI32,
}

impl State {
    fn end(&self) {
        let signal = Signal::from_named_raw(self.signal.load(Ordering::SeqCst));
        let running = Pid::from_raw(self.running.load(Ordering::SeqCst));
        // One that has just ended is not there any more.
        signal.zip(running).map(|(signal, pid)| kill_process(pid, signal));
    }
}

/// From here on no signal that ends a command ends this one.
pub(crate) struct Watch(Arc<State>);

impl Watch {
    pub(crate) fn start() -> io::Result<Watch> {
        let state = Arc::new(State::default());
        let mut handled = signals::handled(signals::ENDING)?;
        let other = Arc::clone(&state);
        Builder::new().spawn(move || {
            for signal in handled.forever() {
                other.signal.store(signal, Ordering::SeqCst);
                other.end();
            }
        })?;
        Ok(Watch(state))
    }

    /// The exit status that a signal has asked for.
    pub(crate) fn stopped(&self) -> Option<u8> {
        let signal = self.0.signal.load(Ordering::SeqCst);
        u8::try_from(SIGNALED + signal).ok().filter(|_| signal != 0)
    }

    /// Runs a program to its end, unless a signal has come; its exit status.
    pub(crate) fn run(&self, command: &mut Command) -> io::Result<u8> {
        let mut child = command.spawn()?;
        self.0.running.store(child.id().cast_signed(), Ordering::SeqCst);
        // One that came before.
        self.0.end();
        let status = child.wait();
        self.0.running.store(0, Ordering::SeqCst);
        let status = status?;
        let code = status.code().unwrap_or_else(|| SIGNALED + status.signal().unwrap_or_default());
        Ok(self.stopped().unwrap_or(u8::try_from(code).unwrap_or(u8::MAX)))
    }
}
