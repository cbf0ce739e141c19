//! Standard input and output as pipes want them: 64 KiB at a time through a pipe of 1 MiB. Larger
//! buffers fall out of the processor's cache and double the cost.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};

use failure::{Failure, OrFail, Status};

/// Bytes of a read or a write in a pipe.
pub const BUFFER: usize = 64 << 10;
const PIPE: usize = 1 << 20;

/// Standard input, without a buffer of its own.
pub fn input() -> Result<File, Failure> {
    open(std::io::stdin().as_fd(), "standard input")
}

/// Standard output, without a buffer of its own.
pub fn output() -> Result<File, Failure> {
    open(std::io::stdout().as_fd(), "standard output")
}

fn open(fd: BorrowedFd<'_>, name: &str) -> Result<File, Failure> {
    let file: File = fd.try_clone_to_owned().or_fail(Status::Failed, name)?.into();
    // No pipe, or no room for larger ones: slower, not wrong.
    let _ = rustix::pipe::fcntl_setpipe_size(&file, PIPE);
    Ok(file)
}
