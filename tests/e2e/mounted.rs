//! `moo mount`: all states as a file system.

mod content;
mod ends;
mod hostile;
mod large;
mod requests;
mod states;

use std::fs::File;

use tests::{Run, Sandbox, not_tried};

use crate::moo::stored;
use crate::signals::kit::{Background, Ended, until};

/// The backup in `store`, mounted on `mnt` until it is dropped.
struct Mounted<'a> {
    sandbox: &'a Sandbox,
    run: Option<Background>,
}

/// The options of `moo mount` that name the archive directory of [`crate::moo::Moo`].
const ARCHIVE: &str = "--archive-dir . --name archive";

impl<'a> Mounted<'a> {
    /// With these options; none, which is noted, where there is no FUSE.
    fn new(sandbox: &'a Sandbox, options: &str) -> Option<Mounted<'a>> {
        if !can_mount() {
            return None;
        }
        sandbox.sh("mkdir -p mnt").silent();
        let command = format!("moo mount {options} file://$PWD/store mnt");
        let mounted = Mounted { sandbox, run: Some(Background::start(sandbox, &command)) };
        until("the mount", || is_mounted(sandbox) || sandbox.path("status").exists());
        assert!(is_mounted(sandbox), "{}", mounted.said());
        Some(mounted)
    }

    /// What it has written to standard error so far.
    fn said(&self) -> String {
        std::fs::read_to_string(self.sandbox.path("said")).unwrap_or_default()
    }

    /// Sends a signal, and waits for the end.
    fn end(mut self, signal: &str) -> Ended {
        self.run.take().unwrap().end(self.sandbox, signal)
    }

    /// Unmounts it, and waits for the end.
    fn unmount(mut self) -> Ended {
        self.sandbox.sh("umount mnt || fusermount3 -u mnt").silent();
        // There is no such process when it has ended, and else no signal: this only waits.
        self.run.take().unwrap().end(self.sandbox, "0")
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        if let Some(run) = self.run.take() {
            let _ = run.end(self.sandbox, "TERM");
        }
        let _ = self.sandbox.sh("! mountpoint -q mnt || umount -l mnt");
    }
}

/// Whether this machine has FUSE; where it has not, that is noted.
pub(crate) fn can_mount() -> bool {
    let device = File::options().read(true).write(true).open("/dev/fuse");
    if let Err(error) = &device {
        not_tried(&format!("no FUSE here: /dev/fuse: {error}"));
    }
    device.is_ok()
}

fn is_mounted(sandbox: &Sandbox) -> bool {
    sandbox.sh("mountpoint -q mnt").status == 0
}

/// The folders of the states, the oldest first.
fn folders(sandbox: &Sandbox) -> Vec<String> {
    let of = |time: &String| {
        let (day, hour) = time.trim_end_matches('Z').split_once('T').unwrap();
        let day = format!("{}-{}-{}", &day[..4], &day[4..6], &day[6..]);
        format!("{day}T{}:{}:{}Z", &hour[..2], &hour[2..4], &hour[4..])
    };
    stored(sandbox).iter().map(of).collect()
}

/// Restores the state of that folder to `out`, and runs a snippet with `$state` and `$out`, which are the
/// folders of the state and of the restore.
#[must_use = "a run proves nothing until something is asserted of it"]
fn beside(sandbox: &Sandbox, folder: &str, restored: &str, script: &str) -> Run {
    sandbox.sh(&format!(
        "rm -rf out && moo restore {restored} --time {folder} file://$PWD/store out &&
            state=$PWD/mnt/{folder} && out=$PWD/out && {{ {script}; }}"
    ))
}
