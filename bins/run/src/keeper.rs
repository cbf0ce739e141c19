//! The process that starts the command, reaps what it leaves, and kills all of it when the lifeline
//! is cut.

use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::thread::Builder;
use std::time::Duration;

use cli::signals;
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, getpid, getppid, kill_process, set_child_subreaper, wait,
};

use crate::scratch::Scratch;
use crate::{Run, family, leftover};

/// How often the keeper looks whether the supervisor lives and whether it was stopped.
const PULSE: Duration = Duration::from_millis(100);
/// The exit status after the family was killed.
const KILLED: u8 = 128 + 9;

/// What is done at the end.
struct End {
    name: String,
    supervisor: Option<Pid>,
    scratch: Mutex<Option<Scratch>>,
    /// Where moo-snapshot records a snapshot.
    record: Option<PathBuf>,
    killed: Once,
}

impl End {
    /// Kills the family, and deletes what it leaves. Done once: the second caller waits.
    fn kill(&self, is_cut: bool) {
        self.killed.call_once(|| {
            family::kill(is_cut);
            leftover::delete(&self.name, self.supervisor);
            self.record.iter().for_each(|record| leftover::delete_snapshot(record));
            self.clear();
        });
    }

    fn clear(&self) {
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Runs the command to its end.
pub(crate) fn keep(run: &Run) -> io::Result<u8> {
    // Stopped by the terminal, it could not kill the others: it stops them instead, as the supervisor
    // is stopped. The supervisor alone says how far the command is.
    let asking = [signals::ASKING];
    let wanted = signals::ENDING.into_iter().chain(signals::STOPPING).chain(asking);
    let mut signals = signals::handled(wanted)?;
    let supervisor = getppid();
    set_child_subreaper(Some(getpid()))?;
    let mut command = Command::new(&run.program);
    command.args(&run.arguments);
    // A command that cleans up after itself shares its temporary files with others, such as hooks.
    let scratch = if run.forward { None } else { Some(Scratch::make()?) };
    if let Some(scratch) = &scratch {
        command.env("TMPDIR", scratch.path()).env("MOO_SCRATCH", scratch.path());
    }
    let record = scratch.as_ref().map(Scratch::record);
    let (name, scratch) = (run.name.clone(), Mutex::new(scratch));
    let end = Arc::new(End { name, supervisor, scratch, record, killed: Once::new() });
    let child = command.spawn()?;
    let child = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let forward = run.forward;
    let killing = |error: io::Error| {
        end.kill(false);
        error
    };
    let forwarding = Builder::new().spawn(move || {
        for number in signals.forever() {
            if forward && !signals::STOPPING.contains(&number) {
                child.zip(Signal::from_named_raw(number)).map(|(pid, s)| kill_process(pid, s));
                // What somebody has stopped could not end.
                family::send(Signal::CONT);
            }
        }
    });
    forwarding.map_err(killing)?;
    let cut = Arc::new(AtomicBool::new(false));
    let (is_cut, other) = (Arc::clone(&cut), Arc::clone(&end));
    let watching = Builder::new().spawn(move || {
        watch(supervisor);
        is_cut.store(true, Ordering::SeqCst);
        other.kill(true);
        std::process::exit(KILLED.into());
    });
    watching.map_err(killing)?;
    let status = reap(child);
    // Killed by itself, it has left its family behind.
    let cut = cut.load(Ordering::SeqCst);
    if cut || status.is_none_or(WaitStatus::signaled) {
        end.kill(cut);
    }
    end.clear();
    Ok(status.map_or(KILLED, code))
}

/// Reaps all that ends, until the command does. Returns its status.
fn reap(child: Option<Pid>) -> Option<WaitStatus> {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if Some(pid) == child => return Some(status),
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return None,
        }
    }
}

fn code(status: WaitStatus) -> u8 {
    let signal = || status.terminating_signal().map(|signal| 128 + signal);
    let code = status.exit_status().or_else(signal);
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(KILLED)
}

/// Returns when the lifeline is cut. Until then all stop while the supervisor is stopped.
fn watch(supervisor: Option<Pid>) {
    let mut stopped = false;
    while !cli::lifeline::wait(PULSE) {
        let stop = supervisor.is_some_and(family::is_stopped);
        if stop || stopped {
            family::send(if stop { Signal::STOP } else { Signal::CONT });
            stopped = stop;
        }
    }
}
