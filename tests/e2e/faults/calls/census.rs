//! The calls of a process, counted from a log of strace.

use std::collections::{BTreeSet, HashMap};

use super::call::{CALLS, Failing, Process};

/// Where files of the system are, which our programs read as far as they can.
const SYSTEM: [&str; 6] = ["/usr/", "/etc/", "/proc/", "/sys/", "/dev/", "/var/run/"];

/// One call in a log.
#[derive(Clone, Copy)]
struct Call<'a> {
    thread: &'a str,
    name: &'a str,
    /// Whether it is about a file of the system.
    system: bool,
}

/// Each call in that log of a process, with each error that it can have. What the loader calls
/// before the program is there is left out, and what is about files of the system.
///
/// A thread whose first calls are as many as the loader's is not hit there: the loader's would be,
/// too.
pub(in crate::faults) fn calls_to_fail(process: Process, log: &str) -> Vec<Failing> {
    let calls: Vec<_> = log.lines().filter_map(call).collect();
    let loaded = loaded(&calls).unwrap_or_else(|| panic!("{process:?} has not run"));
    let (loader, _) = count(&calls[..loaded]);
    let (_, numbers) = count(&calls);
    let mut found = Vec::new();
    for (call, errors) in CALLS {
        let first = loader.get(call).copied().unwrap_or(0) + 1;
        for error in errors {
            let numbers = numbers.range((call, first)..=(call, usize::MAX));
            found.extend(numbers.map(|(_, number)| Failing {
                process,
                call,
                error,
                number: *number,
            }));
        }
    }
    found
}

/// How many calls there are before the program's own: up to a call that Rust's start makes, or, in
/// a program of another language, its first wait.
fn loaded(calls: &[Call<'_>]) -> Option<usize> {
    let main = calls.first()?.thread;
    let mark = |mark| calls.iter().position(|call| call.thread == main && call.name == mark);
    mark("gettid").or_else(|| mark("poll"))
}

/// How often the first thread makes each call, and which number each call has in its thread.
fn count<'a>(calls: &[Call<'a>]) -> (HashMap<&'a str, usize>, BTreeSet<(&'a str, usize)>) {
    let mut counts = HashMap::new();
    let mut numbers = BTreeSet::new();
    for Call { thread, name, system } in calls {
        let count: &mut usize = counts.entry((*thread, *name)).or_default();
        *count += 1;
        if !system {
            numbers.insert((*name, *count));
        }
    }
    let main = calls.first().map(|call| call.thread);
    counts.retain(|(thread, _), _| Some(*thread) == main);
    (counts.into_iter().map(|((_, name), count)| (name, count)).collect(), numbers)
}

/// What a line like `123 read(0, …` tells.
fn call(line: &str) -> Option<Call<'_>> {
    let (thread, rest) = line.split_once(' ')?;
    let (name, arguments) = rest.trim_start().split_once('(')?;
    let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let opened = |place: &str| [format!("<{place}"), format!("\"{place}")];
    let system = SYSTEM.iter().flat_map(|place| opened(place)).any(|at| arguments.contains(&at));
    is_name.then_some(Call { thread, name, system })
}
