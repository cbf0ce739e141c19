//! Programs of the system that make and delete snapshots.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use failure::{Failure, Status, legible};

/// The package of Debian that has a program.
fn package(program: &str) -> &'static str {
    match program {
        "btrfs" => "btrfs-progs",
        "zfs" => "zfsutils-linux",
        _ => "lvm2",
    }
}

/// Runs a program to its end, and returns what it prints.
///
/// # Errors
/// It is missing, or it fails: with the last line of what it says.
pub(crate) fn run<S: AsRef<OsStr>>(program: &str, arguments: &[S]) -> Result<Vec<u8>, Failure> {
    let mut command = Command::new(program);
    command.args(arguments).env("LC_ALL", "C").stdin(Stdio::null());
    // What a terminal sends to end the backup must not end what cleans up after it.
    command.process_group(0);
    let output = command.output().map_err(|error| {
        let why = match error.kind() {
            ErrorKind::NotFound => format!("not found; install {}", package(program)),
            _ => error.to_string(),
        };
        Failure::of(Status::Failed, program, why)
    })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let last = said.lines().map(str::trim).rfind(|line| !line.is_empty());
    let last = last.map(|line| legible::line(line.trim_start_matches("ERROR: ")));
    let why = last.unwrap_or_else(|| output.status.to_string());
    let words = arguments.iter().map(|word| word.as_ref().to_string_lossy());
    let verb: Vec<_> = words.take_while(|word| !word.starts_with('-')).collect();
    let called = [&[program.into()], &verb[..]].concat().join(" ");
    Err(Failure::of(Status::Failed, called, why))
}

/// The first line that a program prints, split at a sign.
pub(crate) fn fields(text: &[u8], sign: char) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let line = text.lines().next().unwrap_or_default();
    line.trim().split(sign).map(str::to_owned).collect()
}
