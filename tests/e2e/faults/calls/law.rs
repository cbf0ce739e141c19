//! What a run says of a call that has failed in it.

use tests::Run;

use super::call::{Failing, INTERRUPTED};

/// What stands for itself in messages.
const PLACES: [&str; 7] = [
    "standard input",
    "standard output",
    "configuration of ssh",
    "working directory",
    "staging folder",
    "thread",
    ".",
];

/// So does this, before the name of its folder.
const TEMPORARY: &str = "temporary file in TMPDIR (";

/// A failure is told in one line that names what has failed; what only was to be called again, or
/// is no harm, in none. Returns the exit status.
///
/// A stage that can't write to its pipe can't tell the next one of it either: that finds its input
/// cut, and says so too.
pub(in crate::faults) fn is_told(run: Run, failing: &Failing, failed: &[String]) -> i32 {
    let ours = failing.process.program.starts_with("moo-");
    // The C library's own files, which a program of others such as ssh does not try to read again.
    let systems = failed.iter().any(|call| call.contains("</etc/"));
    let again = failing.error == INTERRUPTED && ours && !systems;
    let said = run.err();
    // A server leaves out of its list what it can't look at, and the next full set is made.
    let unlisted = !ours && run.status == 0 && said.contains(": the store has lost ");
    // A folder that could not be deleted is named, and all else is done.
    let left = run.status == 0 && said.contains("could not be deleted: ");
    if !unlisted && !left && (failed.is_empty() || again || run.status == 0) {
        return run.silent().status;
    }
    assert!(!said.contains("panicked"), "a panic");
    let mute = ours && failed.iter().any(|call| is_of_output(call));
    let lines: Vec<_> = said.lines().collect();
    if mute && lines.len() == 2 {
        assert!(lines.iter().any(|line| line.contains(": standard output: ")), "names its output");
        assert!(lines.iter().any(|line| line.contains(": standard input: ")), "a cut input");
    } else {
        assert_eq!(lines.len(), 1, "one line");
        // Of a connection that lives on behind its reset, what has not come was refused.
        let lives = |call: &String| call.contains("ECONNRESET") && said.contains("offers no sftp");
        let named = || failed.iter().any(|call| names(&said, call) || lives(call));
        assert!(!ours || run.status == KEY || named(), "names what failed");
    }
    run.status
}

/// Of a key file that cannot be examined, the line names the key.
const KEY: i32 = 6;

/// Whether a call like `write(3<pipe:[7]>, …` is about the pipe to the next stage.
fn is_of_output(call: &str) -> bool {
    let writes = call.starts_with("write(") || call.starts_with("writev(");
    (writes && call.contains("<pipe:")) || call.starts_with("fcntl(1<")
}

/// Whether a line like `moo-scan: src/a file: permission denied` names the object of a call, or
/// the folder that it is in. What a restore builds bears other names until it is whole.
fn names(line: &str, call: &str) -> bool {
    let (_, which) = line.split_once(": ").expect("the name of a program");
    let (which, _) = which.rsplit_once(": ").expect("what has failed");
    let which = which.split(": ").next().unwrap_or(which);
    let mut parts = which.rsplit('/').take(2).filter(|part| !part.is_empty());
    let built = call.contains("/.out.moo-");
    // What is in a folder is named, and the folder is synced.
    let synced = call.starts_with("fsync(") && line.contains(": write to the disk: ");
    built
        || synced
        || PLACES.contains(&which)
        || which.starts_with(TEMPORARY)
        || parts.any(|part| call.contains(part))
}
