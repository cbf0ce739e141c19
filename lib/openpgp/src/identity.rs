//! The identity of a backup: where it is remembered, and how it is made.

use std::fs::File;
use std::io::Read;

use archive::Identity;
use failure::{Failure, OrFail, Status};

use crate::read_seal;

/// The kernel's random source.
const RANDOM: &str = "/dev/urandom";

/// The identity in the newest of these seals that has one: pairs of a name and the seal's bytes,
/// the newest first. Seals without it are of older versions.
///
/// # Errors
/// A seal that is damaged: a backup that went on with another identity could not be restored.
pub fn known_identity<N: std::fmt::Display>(
    seals: impl IntoIterator<Item = Result<(N, Vec<u8>), Failure>>,
) -> Result<Option<Identity>, Failure> {
    for seal in seals {
        let (name, bytes) = seal?;
        if let Some(identity) = read_seal(&name.to_string(), &bytes)?.identity {
            return Ok(Some(identity));
        }
    }
    Ok(None)
}

/// A new identity.
pub fn new_identity() -> Result<Identity, Failure> {
    let mut random = [0; 16];
    let read = File::open(RANDOM).and_then(|mut file| file.read_exact(&mut random));
    read.or_fail(Status::Failed, RANDOM)?;
    Ok(Identity::new(random))
}
