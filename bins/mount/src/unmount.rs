//! Unmounting, also after a program that was killed.

use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::statfs;
use rustix::io::Errno;
use rustix::mount::{UnmountFlags, unmount as detach};

/// The type of FUSE file systems, see statfs(2).
const FUSE: i128 = 0x6573_5546;
/// How long the kernel may take to see that the program has ended, and the pause between two looks.
const PATIENCE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(20);

/// Unmounts, even if files are in use: those stay readable for as long as this process lives.
pub(crate) fn unmount(folder: &Path) -> io::Result<()> {
    match detach(folder, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW) {
        // Only root can; others need a program that may.
        Err(Errno::PERM) => {
            let mut command = Command::new("fusermount3");
            command.args(["-u", "-q", "-z", "--"]).arg(folder);
            let status = command.stdin(Stdio::null()).stderr(Stdio::null()).status()?;
            if status.success() { Ok(()) } else { Err(io::Error::other("fusermount3 has failed")) }
        }
        done => Ok(done?),
    }
}

/// Starts a process that unmounts once this one has ended, however it ends. It is ended by what it returns.
pub(crate) fn guard(folder: &Path) -> io::Result<Child> {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new(std::env::current_exe()?);
    // With a process group of its own, it outlives what a terminal sends to this one.
    command.arg("--unmount").arg("--").arg(folder).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()
}

/// What the guard does: waits for the end of standard input, then unmounts if the program has ended.
pub(crate) fn after_input(folder: &Path) -> io::Result<()> {
    io::copy(&mut io::stdin().lock(), &mut io::sink())?;
    let start = Instant::now();
    loop {
        match statfs(folder) {
            Err(Errno::NOTCONN) => return unmount(folder),
            Ok(found) if i128::from(found.f_type) == FUSE => {}
            _ => return Ok(()),
        }
        if start.elapsed() > PATIENCE {
            return Ok(());
        }
        sleep(PAUSE);
    }
}
