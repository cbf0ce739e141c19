//! The process that the caller knows.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{Mode, fchmod};
use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::low_level::emulate_default_handler;

use crate::{Run, signals, words};

/// The read end gets a high number, where no script looks for a descriptor of its own.
const HIGH: i32 = 100;
/// The least number where the limit of descriptors is low; scripts use one digit.
const LOW: i32 = 10;

/// Runs the command to its end and returns its exit status, 128 and the signal's number after a
/// signal. Dies of the signal that interrupted it.
pub(crate) fn supervise(run: &Run) -> io::Result<u8> {
    if !Path::new("/proc/self/fd").exists() {
        // Nothing can be found or watched there: the command runs on its own.
        return Err(Command::new(&run.program).args(&run.arguments).exec());
    }
    let mut signals = signals::handled()?;
    let (reader, writer) = lifeline()?;
    let inode = File::from(reader.as_fd().try_clone_to_owned()?).metadata()?.ino();
    let number = std::os::fd::AsRawFd::as_raw_fd(&reader);
    let mut command = Command::new(std::env::current_exe()?);
    command.args(run.forward.then_some("--forward")).args(["--keeper", "--", &run.name]);
    command.arg(&run.program).args(&run.arguments);
    command.env(cli::lifeline::VARIABLE, format!("{number}:{inode}"));
    let mut keeper = command.spawn()?;
    drop(reader);
    let keepers = i32::try_from(keeper.id()).ok().and_then(Pid::from_raw);
    let caught = Arc::new(AtomicI32::new(0));
    let (seen, forward) = (Arc::clone(&caught), run.forward);
    let writer = Arc::new(Mutex::new(Some(writer)));
    let held = Arc::clone(&writer);
    std::thread::spawn(move || {
        for number in signals.forever() {
            if forward {
                keepers.zip(Signal::from_named_raw(number)).map(|(pid, s)| kill_process(pid, s));
            } else {
                seen.store(number, Ordering::SeqCst);
                held.lock().unwrap_or_else(PoisonError::into_inner).take();
            }
        }
    });
    let status = keeper.wait()?;
    // The lifeline is held to here, whatever happens.
    drop(writer);
    let signal = caught.load(Ordering::SeqCst);
    if signal != 0 {
        eprintln!("{}: interrupted; {}", words::shown(&run.name), words::interrupted(&run.name));
        emulate_default_handler(signal)?;
    }
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    Ok(u8::try_from(code).unwrap_or(u8::MAX))
}

/// The pipe: a read end that is inherited, and a write end that is not.
fn lifeline() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
    let reader =
        fcntl_dupfd_cloexec(&reader, HIGH).or_else(|_| fcntl_dupfd_cloexec(&reader, LOW))?;
    fcntl_setfd(&reader, FdFlags::empty())?;
    // Stages that run as another user open it anew.
    fchmod(&reader, Mode::RUSR | Mode::RGRP | Mode::ROTH)?;
    Ok((reader, writer))
}
