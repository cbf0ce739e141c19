//! One moment at which something is killed: as exact as a call of the system, and the same in each
//! run.

use std::fmt;

use tests::spread;

use crate::faults::calls::call::{Failing, Process};

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::faults) enum Victim {
    /// The process itself, just before the call.
    Stage,
    /// All processes at once, just behind the call.
    Group,
    /// The shell that waits for them, just behind the call. They run on.
    Shell,
}

/// A victim, and the which-th call of that name of a process; the first is 1.
#[derive(Clone, Copy, Debug)]
pub(in crate::faults) struct Point {
    pub(in crate::faults) process: Process,
    call: &'static str,
    number: usize,
    victim: Victim,
}

/// The calls that leave something behind, on a disk or in a pipe, or wait for a lock: between two
/// of them it is all the same when somebody is killed.
const CALLS: [&str; 23] = [
    "write",
    "writev",
    "pwrite64",
    "copy_file_range",
    "sendto",
    "connect",
    "openat",
    "flock",
    "ftruncate",
    "fsync",
    "fdatasync",
    "mkdir",
    "mkdirat",
    "rename",
    "renameat",
    "renameat2",
    "linkat",
    "unlink",
    "unlinkat",
    "rmdir",
    "symlinkat",
    "fchmod",
    "utimensat",
];

/// A point for each of these calls, but of each kind of call in each process at most so many, with
/// the first and the last.
pub(super) fn points(calls: &[Failing], most: usize) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    for kind in kinds(calls) {
        points.extend(spread(most, kind.len()).into_iter().map(|index| kind[index]));
    }
    points
}

/// The points, with all of one process and one call together.
fn kinds(calls: &[Failing]) -> Vec<Vec<Point>> {
    let mut kinds: Vec<Vec<Point>> = Vec::new();
    for Failing { process, call, number, .. } in calls.iter().copied() {
        if !CALLS.contains(&call) {
            continue;
        }
        let point = Point { process, call, number, victim: Victim::Stage };
        let same = |last: &&mut Vec<Point>| last[0].process == process && last[0].call == call;
        match kinds.last_mut().filter(same) {
            // The same call stands there once for each error that it can have.
            Some(kind) if kind.iter().any(|known| known.number == number) => {}
            Some(kind) => kind.push(point),
            None => kinds.push(vec![point]),
        }
    }
    kinds
}

impl Point {
    /// The same moment for another victim.
    pub(super) fn of(self, victim: Victim) -> Point {
        Point { victim, ..self }
    }

    /// Whether it is at a call of that name.
    pub(super) fn is_of(&self, call: &str) -> bool {
        self.call == call
    }

    /// The options of strace that make it happen, and a file be made by which it can be known. A
    /// filter in the kernel (--seccomp-bpf) would let no signal be sent.
    pub(in crate::faults) fn options(&self, mark: &str) -> String {
        let Point { call, number, process, victim } = self;
        let program = process.program;
        let shell = "pkill -KILL -o -s 0 -x \"moo-(backup|restore)\"";
        let (signal, seen, once) = match victim {
            Victim::Stage => ("KILL", "killed by SIGKILL", ":"),
            Victim::Group => ("STOP", STOPPED, "kill -KILL 0"),
            Victim::Shell => ("STOP", STOPPED, shell),
        };
        // Each of its threads stops at its call of that number, and so does the ssh that it asks.
        let then = format!(
            "[ -e \"{mark}\" ] || {{ : >\"{mark}\"; {once}; }}; pkill -CONT -s 0 -x \"{program}|ssh\""
        );
        let watch = format!("grep --line-buffered \"{seen}\" | while read -r _; do {then}; done");
        format!("-q -e trace={call} -e inject={call}:signal={signal}:when={number} -o '|{watch}'")
    }
}

/// What strace tells of a process that has stopped indeed: one that is only about to would stop
/// behind the signal that lets it go on, and for ever.
const STOPPED: &str = "stopped by SIGSTOP";

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Point { process: Process { program, words }, call, number, victim } = self;
        write!(f, "{victim:?} at {call} {number} of {program} ({words})")
    }
}
