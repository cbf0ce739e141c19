//! The process that starts the command, reaps what it leaves, and kills all of it when the lifeline
//! is cut.

use std::io;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, getpid, getppid, kill_process, set_child_subreaper, wait,
};

use crate::scratch::Scratch;
use crate::{Run, family, signals};

/// How often the keeper looks whether the supervisor lives and whether it was stopped.
const PULSE: Duration = Duration::from_millis(100);
/// Between two looks at what is still to be killed.
const PAUSE: Duration = Duration::from_millis(5);
/// How long a process may take to die of SIGKILL: one that the kernel holds is left behind.
const PATIENCE: Duration = Duration::from_secs(5);
/// The exit status after the family was killed.
const KILLED: u8 = 128 + 9;

/// Runs the command to its end.
pub(crate) fn keep(run: &Run) -> io::Result<u8> {
    let mut signals = signals::handled()?;
    let supervisor = getppid();
    set_child_subreaper(Some(getpid()))?;
    let mut command = Command::new(&run.program);
    command.args(&run.arguments);
    // A command that cleans up after itself shares its temporary files with others, such as hooks.
    let scratch = if run.forward { None } else { Scratch::make().ok() };
    if let Some(scratch) = &scratch {
        command.env("TMPDIR", scratch.path()).env("MOO_SCRATCH", scratch.path());
    }
    let scratch = Arc::new(Mutex::new(scratch));
    let child = command.spawn()?;
    let child = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let forward = run.forward;
    std::thread::spawn(move || {
        for number in signals.forever() {
            if forward {
                child.zip(Signal::from_named_raw(number)).map(|(pid, s)| kill_process(pid, s));
            }
        }
    });
    let cut = Arc::new(AtomicBool::new(false));
    let (is_cut, kept) = (Arc::clone(&cut), Arc::clone(&scratch));
    std::thread::spawn(move || {
        watch(supervisor);
        is_cut.store(true, Ordering::SeqCst);
        kill_family();
        kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        std::process::exit(KILLED.into());
    });
    let status = reap(child);
    if cut.load(Ordering::SeqCst) {
        // The other thread ends the process, when all others have ended too.
        sleep(2 * PATIENCE);
    }
    scratch.lock().unwrap_or_else(PoisonError::into_inner).take();
    Ok(status)
}

/// Reaps all that ends, until the command does. Returns its status.
fn reap(child: Option<Pid>) -> u8 {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if Some(pid) == child => return code(status),
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return KILLED,
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
            let signal = if stop { Signal::STOP } else { Signal::CONT };
            send(&family::descendants(), signal);
            stopped = stop;
        }
    }
}

/// Kills all descendants, parents first: a shell reports nothing of its dead stages then.
fn kill_family() {
    let end = Instant::now() + PATIENCE;
    loop {
        let family = family::descendants();
        if family.is_empty() || Instant::now() > end {
            return;
        }
        send(&family, Signal::KILL);
        sleep(PAUSE);
    }
}

fn send(family: &[Pid], signal: Signal) {
    for pid in family {
        // One that has just ended, or belongs to another user, is not ours to end.
        let _ = kill_process(*pid, signal);
    }
}
