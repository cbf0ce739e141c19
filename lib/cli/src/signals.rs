//! The signals that end a command, those that a terminal stops it by, and the one that asks how far
//! it is.

use std::fs;
use std::io;

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGUSR1};
use signal_hook::iterator::Signals;

/// What ends a command.
pub const ENDING: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];
/// What a terminal stops a command by: SIGSTOP can't be handled.
pub const STOPPING: [i32; 3] = [SIGTSTP, SIGTTIN, SIGTTOU];

/// What asks a command how far it is.
pub const ASKING: i32 = SIGUSR1;

/// A handle on those of the signals that the caller does not ignore: what `nohup` or a shell's `&`
/// ignores stays ignored.
///
/// # Errors
/// The system refuses a handler.
pub fn handled(wanted: impl IntoIterator<Item = i32>) -> io::Result<Signals> {
    let ignored = ignored();
    Signals::new(wanted.into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0))
}

/// The set of ignored signals; bit 0 is signal 1.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).unwrap_or_default()
}
