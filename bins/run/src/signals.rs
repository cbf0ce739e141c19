//! The signals that end a command.

use std::fs;
use std::io;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// A handle on those of SIGHUP, SIGINT and SIGTERM that the caller does not ignore: what `nohup` or a
/// shell's `&` ignores stays ignored.
pub(crate) fn handled() -> io::Result<Signals> {
    let ignored = ignored();
    let wanted = [SIGHUP, SIGINT, SIGTERM];
    Signals::new(wanted.into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0))
}

/// The set of ignored signals; bit 0 is signal 1.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).unwrap_or_default()
}
