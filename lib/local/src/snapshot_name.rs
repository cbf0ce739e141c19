//! The names of the snapshots that moo-snapshot makes.

use std::fs::File;
use std::io::{self, Read};

/// The folder of the snapshots of a subvolume of btrfs, at its top.
pub const SNAPSHOTS: &str = ".moobacker-snapshots";

/// What names begin with.
const PREFIX: &str = "moobacker-";
/// Digits after it.
const DIGITS: usize = 16;

/// A name that nothing has.
///
/// # Errors
/// There are no random numbers.
pub fn new_snapshot_name() -> io::Result<String> {
    let mut bytes = [0; DIGITS / 2];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(format!("{PREFIX}{:0width$x}", u64::from_be_bytes(bytes), width = DIGITS))
}

/// Whether a name is one that moo-snapshot gives.
pub fn is_snapshot_name(name: &str) -> bool {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    name.strip_prefix(PREFIX)
        .is_some_and(|digits| digits.len() == DIGITS && digits.bytes().all(is_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_of_ours_is_one() {
        assert!(
            is_snapshot_name(&new_snapshot_name().unwrap())
                && new_snapshot_name().unwrap() != new_snapshot_name().unwrap()
        );
        for other in
            ["moobacker-", "moobacker-0123456789abcdeF", "moobacker-0123456789abcdef0", "moobacker"]
        {
            assert!(!is_snapshot_name(other), "{other}");
        }
    }
}
