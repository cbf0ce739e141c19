//! One call of one process that fails, and which calls can fail how.

use std::fmt;

/// A process of a pipe: a program, and a pattern of the shell for its words, which tells it from
/// others of the same program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::faults) struct Process {
    pub(in crate::faults) program: &'static str,
    pub(in crate::faults) words: &'static str,
}

/// The only process of its program.
pub(in crate::faults) const fn only(program: &'static str) -> Process {
    Process { program, words: "*" }
}

/// The processes of `moo backup`, in their order.
pub(in crate::faults) const BACKUP: [Process; 9] = [
    Process { program: "moo-fetch", words: "*--receipts*" },
    Process { program: "moo-commit", words: "*--reconcile*" },
    only("moo-scan"),
    only("moo-sign"),
    only("moo-delta"),
    only("moo-pack"),
    only("moo-encrypt"),
    only("moo-upload"),
    Process { program: "moo-commit", words: "--archive*" },
];

/// The processes of `moo restore`.
pub(in crate::faults) const RESTORE: [Process; 3] =
    [only("moo-fetch"), only("moo-decrypt"), only("moo-patch")];

/// The process behind sshd that serves a session.
pub(in crate::faults) const SERVER: Process = only(SFTP_SERVER);

/// OpenSSH's program.
pub(in crate::faults) const SFTP_SERVER: &str = "sftp-server";

/// What a call that is interrupted says; it is only to be called again.
pub(in crate::faults) const INTERRUPTED: &str = "EINTR";

/// The calls that are made to fail, each with the errors that it can have. Memory is left out, and
/// so is `close`: what was written is synced before, and Rust's own library panics where a
/// directory can't be closed.
pub(in crate::faults) const CALLS: [(&str, &[&str]); 46] = [
    ("read", &["EIO", INTERRUPTED]),
    ("pread64", &["EIO", INTERRUPTED]),
    ("write", &["EIO", "ENOSPC", INTERRUPTED]),
    ("writev", &["EIO", "ENOSPC", INTERRUPTED]),
    ("pwrite64", &["EIO", "ENOSPC", INTERRUPTED]),
    ("copy_file_range", &["EIO", "ENOSPC"]),
    ("sendfile", &["EIO", INTERRUPTED]),
    ("splice", &["EIO", INTERRUPTED]),
    ("open", &["EIO", "EACCES"]),
    ("openat", &["EIO", "EACCES", "EMFILE"]),
    ("getdents64", &["EIO"]),
    ("stat", &["EIO", "EACCES"]),
    ("lstat", &["EIO", "EACCES"]),
    ("fstat", &["EIO"]),
    ("newfstatat", &["EIO", "EACCES"]),
    ("statx", &["EIO", "EACCES"]),
    ("statfs", &["EIO"]),
    ("lseek", &["EIO"]),
    ("ftruncate", &["EIO", "ENOSPC", INTERRUPTED]),
    ("fsync", &["EIO", "ENOSPC", INTERRUPTED]),
    ("fdatasync", &["EIO", INTERRUPTED]),
    ("flock", &["EIO", "ENOLCK"]),
    ("fcntl", &["EIO", "EMFILE"]),
    ("mkdir", &["EIO", "ENOSPC", "EACCES"]),
    ("mkdirat", &["EIO", "ENOSPC", "EACCES"]),
    ("rename", &["EIO", "ENOSPC", "EACCES"]),
    ("renameat", &["EIO", "ENOSPC", "EACCES"]),
    ("renameat2", &["EIO", "ENOSPC", "EACCES"]),
    ("link", &["EIO", "EACCES"]),
    ("linkat", &["EIO", "EACCES"]),
    ("unlink", &["EIO", "EACCES"]),
    ("unlinkat", &["EIO", "EACCES"]),
    ("rmdir", &["EIO", "EACCES"]),
    ("readlink", &["EIO"]),
    ("readlinkat", &["EIO"]),
    ("symlinkat", &["EIO", "ENOSPC"]),
    ("fchmod", &["EIO", "EPERM"]),
    ("fchmodat", &["EIO", "EPERM"]),
    ("fchown", &["EIO", "EPERM"]),
    ("fchownat", &["EIO", "EPERM"]),
    ("utimensat", &["EIO", "EPERM"]),
    ("clone3", &["EAGAIN"]),
    ("socket", &["EMFILE"]),
    ("connect", &["ECONNREFUSED", "ETIMEDOUT", INTERRUPTED]),
    ("sendto", &["ECONNRESET", INTERRUPTED]),
    ("recvfrom", &["ECONNRESET", INTERRUPTED]),
];

/// The which-th call of that name in each thread of a process fails with that error.
#[derive(Clone, Copy, Debug)]
pub(in crate::faults) struct Failing {
    pub(in crate::faults) process: Process,
    pub(in crate::faults) call: &'static str,
    pub(in crate::faults) error: &'static str,
    /// The first is 1.
    pub(in crate::faults) number: usize,
}

impl fmt::Display for Failing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failing { process: Process { program, words }, call, error, number } = self;
        write!(f, "{program} ({words}): {error} at {call} {number}")
    }
}
