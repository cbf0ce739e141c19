//! The processes that the command has started, found in `/proc`.

use std::collections::HashMap;
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getpid, kill_process};

/// Between two looks at what is still to be killed.
const PAUSE: Duration = Duration::from_millis(5);
/// How long a process may take to die of SIGKILL: one that the kernel holds is left behind.
const PATIENCE: Duration = Duration::from_secs(5);

/// What `/proc/PID/stat` says of a process.
struct Stat {
    state: u8,
    parent: i32,
}

/// All descendants of this process that have not ended, each after its parent.
fn descendants() -> Vec<Pid> {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
        if let Some((number, stat)) = number.and_then(|number| Some((number, stat(number)?)))
            && !matches!(stat.state, b'Z' | b'X')
        {
            children.entry(stat.parent).or_default().push(number);
        }
    }
    let mut found = Vec::new();
    let mut waiting = vec![getpid().as_raw_nonzero().get()];
    while let Some(parent) = waiting.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            waiting.push(child);
            found.extend(Pid::from_raw(child));
        }
    }
    found
}

/// Sends a signal to all descendants, parents first.
pub(crate) fn send(signal: Signal) {
    for pid in descendants() {
        // One that has just ended, or belongs to another user, is not ours to end.
        let _ = kill_process(pid, signal);
    }
}

/// Kills all descendants, parents first: a shell reports nothing of its dead stages then. No stage
/// reports that its neighbour has gone once the lifeline is cut. Where it is not, they are stopped
/// before; should this process be killed in between, the supervisor kills them.
pub(crate) fn kill(is_cut: bool) {
    if !is_cut {
        send(Signal::STOP);
    }
    let end = Instant::now() + PATIENCE;
    while !descendants().is_empty() && Instant::now() < end {
        send(Signal::KILL);
        sleep(PAUSE);
    }
}

/// Whether a signal has stopped the process.
pub(crate) fn is_stopped(pid: Pid) -> bool {
    stat(pid.as_raw_nonzero().get()).is_some_and(|stat| stat.state == b'T')
}

/// The name in parentheses may hold anything; what follows it may not.
fn stat(number: i32) -> Option<Stat> {
    let text = fs::read(format!("/proc/{number}/stat")).ok()?;
    let end = text.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(text.get(end + 1..)?).ok()?;
    let mut words = rest.split_ascii_whitespace();
    Some(Stat { state: *words.next()?.as_bytes().first()?, parent: words.next()?.parse().ok()? })
}
