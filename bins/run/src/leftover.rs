//! What a command that was ended leaves: a restore beside its destination, a mount where it is mounted, and
//! the snapshot of a source.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use cli::note::{self, Note};
use rustix::process::{Pid, getppid};

/// Between two looks at who is still there.
const PAUSE: Duration = Duration::from_millis(5);

/// Lets `moo-patch` delete the folder of a restore, as far as it is provably its own, for as long as
/// the supervisor waits. After SIGKILL nothing changes any more: the next restore deletes it.
///
/// The stages of a restore have the rights of the caller; what others leave in the note is not for
/// the caller to delete.
pub(crate) fn delete(name: &str, supervisor: Option<Pid>) {
    let waits = || supervisor.is_some() && getppid() == supervisor;
    match (name, note::find()) {
        ("restore", Some(Note::Staging(folder))) if waits() => {
            let _ = run("moo-patch", "--clear", &folder, waits);
        }
        // Whoever waits, a dead file system serves nobody.
        ("mount", Some(Note::Staging(folder))) => {
            let _ = unmount(&folder);
        }
        _ => {}
    }
}

/// Lets `moo-snapshot` delete the snapshot that a record names, if there is one. Whoever waits, it would take
/// up more room every day.
pub(crate) fn delete_snapshot(record: &Path) {
    if record.exists() {
        let _ = run("moo-snapshot", "--clear", record, || true);
    }
}

/// Lets `moo-mount` unmount the file system of one that has been killed.
pub(crate) fn unmount(folder: &Path) -> std::io::Result<()> {
    run("moo-mount", "--unmount", folder, || true)
}

fn run(
    program: &str,
    option: &str,
    folder: &Path,
    waits: impl Fn() -> bool,
) -> std::io::Result<()> {
    let mut command = Command::new(std::env::current_exe()?.with_file_name(program));
    command.arg(option).arg(folder).env_remove(cli::lifeline::VARIABLE);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    while child.try_wait()?.is_none() {
        if !waits() {
            child.kill()?;
        }
        sleep(PAUSE);
    }
    Ok(())
}
