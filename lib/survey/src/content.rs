//! The content of stored files: its hash, and what a failure to read it says.

use std::io::{self, Read};

use failure::{Failure, OrFail, Status};
use sha2::Digest;

/// The hash of a stored file, in lower-case hexadecimal.
///
/// # Errors
/// The file cannot be read.
pub fn digest<D: Digest>(name: &str, file: &mut impl Read) -> Result<String, Failure> {
    let mut hash = D::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            Ok(n) => hash.update(&buffer[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error).or_fail(Status::Refused, name),
        }
    }
}

/// Whether a failure concerns a single file, and not the store.
pub fn of_one_file(failure: &Failure) -> bool {
    matches!(failure.status(), Status::Refused | Status::Absent | Status::Integrity)
}
