//! Reading attributes.

use rustix::io::{Errno, Result};
use sha2::{Digest, Sha256};
use stream::Attributes;

use crate::counts;
use crate::object::Object;

/// Most lists and values are shorter.
const SHORT: usize = 256;
/// The system has no longer ones.
const LONGEST: usize = 64 << 10;

/// Why an object's attributes are not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The user may not read them, or the object is gone.
    Hidden,
    /// They are more than [`Attributes::MOST`] bytes.
    TooLarge,
    /// The system says so.
    System(Errno),
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let most = Attributes::MOST;
        match self {
            Trouble::Hidden => f.write_str("can't be read"),
            Trouble::TooLarge => write!(f, "are more than {most} bytes"),
            Trouble::System(error) => write!(f, "can't be read: {error}"),
        }
    }
}

impl std::error::Error for Trouble {}

impl From<Errno> for Trouble {
    fn from(error: Errno) -> Trouble {
        match error {
            Errno::ACCESS | Errno::PERM | Errno::NOENT => Trouble::Hidden,
            Errno::TOOBIG => Trouble::TooLarge,
            error => Trouble::System(error),
        }
    }
}

/// All attributes of an object that a backup keeps, as far as the user may see them.
///
/// # Errors
/// They cannot be read, or there are too many. A file system without attributes is no error.
pub fn read(object: Object<'_>) -> std::result::Result<Attributes, Trouble> {
    let mut attributes = Attributes::default();
    for name in names(object)?.split(|byte| *byte == 0).filter(|name| counts(name)) {
        let value = match sized(|buffer| object.get(name, buffer)) {
            // Removed since it was listed.
            Err(Errno::NODATA) => continue,
            value => value?,
        };
        if !attributes.insert(name, value) {
            return Err(Trouble::TooLarge);
        }
    }
    Ok(attributes)
}

/// The names of all attributes, each with a NUL behind it.
pub(crate) fn names(object: Object<'_>) -> Result<Vec<u8>> {
    match sized(|buffer| object.list(buffer)) {
        Err(Errno::NOTSUP) => Ok(Vec::new()),
        names => names,
    }
}

/// What a call writes that wants a buffer of the right size.
pub(crate) fn sized(call: impl Fn(&mut [u8]) -> Result<usize>) -> Result<Vec<u8>> {
    let mut short = [0; SHORT];
    match call(&mut short) {
        Err(Errno::RANGE) => {}
        length => return Ok(short[..length?].to_vec()),
    }
    let mut long = vec![0; LONGEST];
    let length = call(&mut long)?;
    long.truncate(length);
    Ok(long)
}

/// What stands for attributes where they are compared: half of a SHA-256 in hex; `0` for none.
pub fn digest(attributes: &Attributes) -> String {
    if attributes.is_empty() {
        return "0".to_owned();
    }
    let mut hash = Sha256::new();
    for (name, value) in attributes.iter() {
        for part in [name, value] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    let hash = format!("{:x}", hash.finalize());
    hash.get(..32).unwrap_or_default().to_owned()
}
