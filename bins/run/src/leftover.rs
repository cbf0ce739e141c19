//! What a restore that was ended leaves beside its destination.

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
    if name != "restore" {
        return;
    }
    let waits = || supervisor.is_some() && getppid() == supervisor;
    if let Some(Note::Staging(folder)) = note::find().filter(|_| waits()) {
        let _ = run(&folder, waits);
    }
}

fn run(folder: &Path, waits: impl Fn() -> bool) -> std::io::Result<()> {
    let mut command = Command::new(std::env::current_exe()?.with_file_name("moo-patch"));
    command.arg("--clear").arg(folder).env_remove(cli::lifeline::VARIABLE);
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
