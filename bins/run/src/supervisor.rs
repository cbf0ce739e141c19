//! The process that the caller knows.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, sleep};
use std::time::{Duration, Instant};

use cli::note::Note;
use cli::{lifeline, signals};
use failure::{Failure, Status};
use progress::{Asker, Memory, Painter};
use rustix::fs::{MemfdFlags, Mode, fchmod, memfd_create};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{
    Pid, Resource, Signal, getpid, getrlimit, kill_process, set_child_subreaper,
};
use signal_hook::low_level::emulate_default_handler;

use crate::typing::Typing;
use crate::{Run, family, leftover, words};

/// How long a signal may take to be seen, and the pause between two looks.
const PATIENCE: Duration = Duration::from_millis(200);
const PAUSE: Duration = Duration::from_millis(5);

/// With fewer open files some command or its shell fails.
const LEAST_FILES: u64 = 20;

/// Runs the command to its end and returns its exit status, 128 and the signal's number after a
/// signal. Dies of the signal that interrupted it.
pub(crate) fn supervise(run: &Run) -> io::Result<u8> {
    if !Path::new("/proc/self/fd").exists() {
        // Nothing can be found or watched there: the command runs on its own.
        return Err(Command::new(&run.program).args(&run.arguments).exec());
    }
    check_limits()?;
    let mut signals = signals::handled(signals::ENDING.into_iter().chain([signals::ASKING]))?;
    // Whatever the keeper leaves, should it be killed, becomes a child of this process.
    set_child_subreaper(Some(getpid()))?;
    let (reader, writer) = new_lifeline()?;
    // Without it a message says less.
    let note = shared("note");
    // Commands that a forwarding one starts show their own.
    let shown = if run.forward { None } else { shared("progress") };
    let mut command = Command::new(std::env::current_exe()?);
    command.args(run.forward.then_some("--forward")).args(["--keeper", "--", &run.name]);
    command.arg(&run.program).args(&run.arguments);
    command.env(lifeline::VARIABLE, lifeline::value(&reader)?).env_remove(cli::note::VARIABLE);
    if let Some(note) = &note {
        command.env(cli::note::VARIABLE, lifeline::value(note)?);
    }
    command.env_remove(cli::form::VARIABLE);
    if let Some(shown) = &shown {
        command.env(cli::form::VARIABLE, lifeline::value(shown)?);
    }
    let typing = Typing::remember();
    let painter = shown.and_then(|memory| {
        let memory = Memory::new(File::from(memory));
        Painter::start(memory, &run.name, words::shown(&run.name))
    });
    let mut keeper = command.spawn()?;
    drop(reader);
    let keepers = i32::try_from(keeper.id()).ok().and_then(Pid::from_raw);
    let caught = Arc::new(AtomicI32::new(0));
    let (seen, forward) = (Arc::clone(&caught), run.forward);
    let writer = Arc::new(Mutex::new(Some(writer)));
    let held = Arc::clone(&writer);
    let asker = painter.as_ref().map(Painter::asker);
    let watching = Builder::new().spawn(move || {
        for number in signals.forever() {
            if number == signals::ASKING && !forward {
                asker.iter().for_each(Asker::line);
                continue;
            }
            if forward {
                keepers.zip(Signal::from_named_raw(number)).map(|(pid, s)| kill_process(pid, s));
            } else {
                seen.store(number, Ordering::SeqCst);
                cut(&held);
            }
            // A keeper that somebody has stopped could do nothing of it.
            keepers.map(|pid| kill_process(pid, Signal::CONT));
        }
    });
    if let Err(error) = watching {
        // The keeper ends the command, unless it could not begin it and has said so.
        drop(writer);
        let told = keeper.wait()?.code() == Some(Status::Failed.code().into());
        return if told { Ok(Status::Failed.code()) } else { Err(error) };
    }
    let status = keeper.wait()?;
    // The lifeline is held to here, whatever happens. The thread above has it too: it is cut and not dropped,
    // before any stage can see that its neighbour has gone.
    cut(&writer);
    if status.signal().is_some() {
        family::kill(true);
        let left =
            note.as_ref().and_then(|note| cli::note::read(&File::from(note.try_clone().ok()?)));
        if let ("mount", Some(Note::Staging(folder))) = (run.name.as_str(), left) {
            let _ = leftover::unmount(&folder);
        }
    }
    let signal = settled(&caught, status);
    let code = match signal {
        0 => status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default()),
        signal => 128 + signal,
    };
    let code = u8::try_from(code).unwrap_or(u8::MAX);
    if let Some(painter) = painter {
        painter.finish(code);
    }
    if signal != 0 {
        typing.restore();
        let note = note.and_then(|note| cli::note::read(&File::from(note)));
        let stands = words::interrupted(&run.name, note.as_ref(), &run.arguments);
        eprintln!("{}: interrupted; {stands}", words::shown(&run.name));
        emulate_default_handler(signal)?;
    }
    Ok(code)
}

/// Closes the write end of the lifeline, whoever else holds it.
fn cut(writer: &Mutex<Option<OwnedFd>>) {
    writer.lock().unwrap_or_else(PoisonError::into_inner).take();
}

/// The signal that has ended the command; 0 if there was none. A terminal sends it to all processes: the
/// command can die of it before it is seen here.
fn settled(caught: &AtomicI32, status: ExitStatus) -> i32 {
    let died = |signal: &i32| status.code() == Some(128 + signal);
    let start = Instant::now();
    while signals::ENDING.iter().any(died) && start.elapsed() < PATIENCE {
        let signal = caught.load(Ordering::SeqCst);
        if signal != 0 {
            return signal;
        }
        sleep(PAUSE);
    }
    caught.load(Ordering::SeqCst)
}

/// Memory that is handed down to all processes of the command.
fn shared(name: &str) -> Option<OwnedFd> {
    memfd_create(name, MemfdFlags::CLOEXEC).and_then(|memory| lifeline::hand_down(&memory)).ok()
}

/// Checks that the shell and the stages can open what they need.
fn check_limits() -> Result<(), Failure> {
    let files = getrlimit(Resource::Nofile).current;
    if files.is_none_or(|files| files >= LEAST_FILES) {
        return Ok(());
    }
    let why = format!("fewer than {LEAST_FILES} files may be open; raise the limit (ulimit -n)");
    Err(Failure::new(Status::Failed, why))
}

/// The pipe: a read end that is inherited, and a write end that is not.
fn new_lifeline() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
    let reader = lifeline::hand_down(&reader)?;
    // Stages that run as another user open it anew.
    fchmod(&reader, Mode::RUSR | Mode::RGRP | Mode::ROTH)?;
    Ok((reader, writer))
}
