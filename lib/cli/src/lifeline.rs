//! The lifeline: a pipe whose write end only the supervisor (`moo-run`) holds. It closes when the
//! supervisor ends, however it ends. Then no stage may change anything any more.
//!
//! [`VARIABLE`] contains `DESCRIPTOR:INODE` of the read end. The inode proves that the descriptor
//! is still that pipe; a stale variable is ignored.

use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::sync::OnceLock;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fstat};
use rustix::io::{Errno, FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use rustix::process::{Signal, getpid, kill_process};

/// The environment variable that names the read end.
pub const VARIABLE: &str = "MOO_LIFELINE";
/// How long the watching thread leaves the killing to the supervisor, which ends the shells before
/// their stages, so that no shell reports a killed stage.
const GRACE: Duration = Duration::from_millis(100);

static LIFELINE: OnceLock<Option<File>> = OnceLock::new();

/// Ends the process if it has a lifeline that was cut. To be called before each change that others
/// see: a new name, a removal.
pub fn check() {
    if LIFELINE.get_or_init(find).as_ref().is_some_and(is_cut) {
        die();
    }
}

/// Waits up to that time. Returns whether the lifeline is cut; one that is missing counts as cut.
pub fn wait(time: Duration) -> bool {
    let Some(pipe) = LIFELINE.get_or_init(find) else { return true };
    let time = Timespec::try_from(time).ok();
    let _ = poll(&mut [PollFd::new(pipe, PollFlags::IN)], time.as_ref());
    is_cut(pipe)
}

/// Opens the lifeline, if there is one, and from then on ends the process when it is cut.
pub(crate) fn watch() {
    if LIFELINE.get_or_init(find).is_none() {
        return;
    }
    check();
    // Without the thread, the supervisor still kills and each change still checks.
    let _ = std::thread::Builder::new().name("lifeline".into()).spawn(|| {
        let Some(Some(pipe)) = LIFELINE.get() else { return };
        while !is_cut(pipe) {
            let _ = poll(&mut [PollFd::new(pipe, PollFlags::IN)], None);
        }
        std::thread::sleep(GRACE);
        die();
    });
}

fn find() -> Option<File> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    inherited(VARIABLE, File::options().read(true).custom_flags(flags))
}

/// What is handed down gets a high number.
const HIGH: i32 = 100;
/// The least number where the limit of descriptors is low; scripts use one digit.
const LOW: i32 = 10;

/// The same file under a number where no script looks for a descriptor of its own; it is inherited. The
/// counterpart of [`inherited`].
///
/// # Errors
/// Too many files are open.
pub fn hand_down(file: impl AsFd) -> rustix::io::Result<OwnedFd> {
    let file = file.as_fd();
    let high = fcntl_dupfd_cloexec(file, HIGH).or_else(|_| fcntl_dupfd_cloexec(file, LOW))?;
    fcntl_setfd(&high, FdFlags::empty())?;
    Ok(high)
}

/// The value of the variable that names a file which is handed down: `DESCRIPTOR:INODE`.
///
/// # Errors
/// The system does not tell what the file is.
pub fn value(file: &OwnedFd) -> rustix::io::Result<String> {
    Ok(format!("{}:{}", file.as_raw_fd(), fstat(file)?.st_ino))
}

/// The descriptor that the supervisor has passed in that variable, opened again, so that the
/// inherited one does not change.
pub fn inherited(variable: &str, options: &OpenOptions) -> Option<File> {
    let value = std::env::var(variable).ok()?;
    let (descriptor, inode) = value.split_once(':')?;
    let descriptor: u32 = descriptor.parse().ok()?;
    let file = options.open(format!("/proc/self/fd/{descriptor}")).ok()?;
    let found = file.metadata().ok()?.ino();
    (inode.parse() == Ok(found)).then_some(file)
}

/// Nothing is ever written, so there is nothing to read but the end.
fn is_cut(pipe: &File) -> bool {
    !matches!(rustix::io::read(pipe, &mut [0]), Err(Errno::AGAIN | Errno::INTR))
}

fn die() -> ! {
    let _ = kill_process(getpid(), Signal::KILL);
    std::process::abort();
}
