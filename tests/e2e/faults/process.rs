//! Pipes that are running, and the processes in them.

use std::fs;
use std::process::{Child, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tests::Sandbox;

/// How long a test waits for something that has to happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A snippet that is running, as the leader of its process group.
pub(crate) struct Running {
    child: Child,
}

impl Running {
    /// Starts a snippet. What it prints is dropped.
    pub(crate) fn start(sandbox: &Sandbox, script: &str) -> Running {
        let mut command = sandbox.command(script);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Running { child: command.spawn().unwrap() }
    }

    /// The process of that name, once there is one; none where the snippet ends before.
    pub(crate) fn find(&mut self, name: &str) -> Option<Pid> {
        let group = self.child.id();
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(pid) = member(group, name) {
                return Some(pid);
            }
            if self.child.try_wait().unwrap().is_some() {
                return None;
            }
        }
        panic!("{name} does not start");
    }

    /// Kills all of it at once.
    pub(crate) fn kill(&self) {
        // It may have ended.
        let _ = kill_process_group(pid(self.child.id()), Signal::KILL);
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(number.try_into().unwrap()).unwrap()
}

/// Sends a signal to a process, which may have ended.
pub(crate) fn signal(process: Pid, signal: Signal) {
    let _ = kill_process(process, signal);
}

/// The process of that name in a group.
fn member(group: u32, name: &str) -> Option<Pid> {
    let numbers = fs::read_dir("/proc").unwrap().flatten();
    let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let found = numbers.filter(|number| {
        let stat = fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
        is_member(&stat, group, name)
    });
    found.map(pid).next()
}

/// Whether a line like `12 (moo-scan) S 1 12 …`, the fifth word of which is the group, is of it.
fn is_member(stat: &str, group: u32, name: &str) -> bool {
    let Some((start, rest)) = stat.rsplit_once(") ") else {
        return false;
    };
    let words: Vec<_> = rest.split(' ').collect();
    let is_named = start.split_once('(').is_some_and(|(_, found)| found == name);
    is_named && words.first() != Some(&"Z") && words.get(2) == Some(&group.to_string().as_str())
}

/// Waits until something holds.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "{what}: does not come true");
        sleep(Duration::from_millis(2));
    }
}

/// Waits until a process has written much, and then nothing more, since nobody takes it.
pub(crate) fn until_stuck(process: Pid) {
    const MUCH: u64 = 60_000;
    let mut last = 0;
    until("a process gets stuck in its pipe", || {
        sleep(Duration::from_millis(60));
        let now = written(process);
        let stuck = now == last && now > MUCH;
        last = now;
        stuck
    });
}

fn written(process: Pid) -> u64 {
    let io = fs::read_to_string(format!("/proc/{}/io", process.as_raw_nonzero()));
    let io = io.unwrap_or_default();
    let line = io.lines().find_map(|line| line.strip_prefix("wchar: "));
    line.and_then(|number| number.parse().ok()).unwrap_or(0)
}
