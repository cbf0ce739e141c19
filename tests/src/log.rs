//! What a run of the tests writes down for `tests/run`, in the folder that the variable `MOO_TEST_LOG`
//! names: how long each test took, and what was not tried on this machine.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::Instant;

/// The variable that lets tests leave out what this machine can't do.
const MAY_SKIP: &str = "MOO_MAY_SKIP";

/// Notes that a test leaves something out, and why: `tests/run` lists it at its end.
///
/// # Panics
/// Unless the variable `MOO_MAY_SKIP` is set: a test that silently passes proves nothing.
pub fn not_tried(why: &str) {
    assert!(env::var_os(MAY_SKIP).is_some(), "not tried: {why} (set {MAY_SKIP}=yes to allow that)");
    append("not-tried", &format!("{}: {}", test(), why.trim_end()));
}

/// Measures a test, from here until it is dropped.
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Stopwatch {
        Stopwatch(Instant::now())
    }
}

impl Drop for Stopwatch {
    fn drop(&mut self) {
        append("times", &format!("{:.1} {}", self.0.elapsed().as_secs_f64(), test()));
    }
}

/// The test that this thread runs.
fn test() -> String {
    thread::current().name().unwrap_or("a helper of a test").to_owned()
}

/// Appends a line to a file of the log, if one is kept.
fn append(name: &str, line: &str) {
    let folder = env::var_os("MOO_TEST_LOG").unwrap_or_default();
    if folder.is_empty() {
        return;
    }
    let file = OpenOptions::new().create(true).append(true).open(Path::new(&folder).join(name));
    // One write a line: other tests write to the same file.
    file.unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
}
