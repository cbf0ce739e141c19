//! Checkpoints of a stored volume: hashes of its beginnings, so that who reads it can check it piece by piece.
//!
//! A checkpoint lies at each multiple of [`CHECKPOINT`] bytes before the end of the file, and has the SHA-256
//! of all bytes before it. The manifest has those of a volume in one `Hash` line, which duplicity carries
//! along like any hash that it does not know.

use sha2::{Digest, Sha256};

/// Bytes from one checkpoint to the next.
pub const CHECKPOINT: usize = 8 << 20;

/// The name of the checkpoints in a manifest. Their value is the SHA-256 of the first 8 MiB, 16 MiB, 24 MiB and
/// so on, in lower-case hexadecimal, one right after the other.
pub(crate) const CHECKPOINTS: &str = "SHA256-8MIB";

/// The most checkpoints of a volume, which is enough for 64 GiB: a line of a manifest has room for twice as many.
/// A larger volume has none.
const MOST: usize = 8192;

/// Hexadecimal digits of a SHA-256.
const DIGITS: usize = 64;

/// A SHA-256 of a stored file, with its checkpoints.
#[derive(Default)]
pub struct CheckpointHasher {
    hash: Sha256,
    /// Bytes since the last checkpoint.
    since: usize,
    /// The value so far, that of a checkpoint at the present end among them. It stops growing where it has too many.
    value: String,
}

impl CheckpointHasher {
    /// Takes the next bytes of the file.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(CHECKPOINT - self.since));
            self.hash.update(now);
            self.since += now.len();
            if self.since == CHECKPOINT && self.value.len() <= (MOST + 1) * DIGITS {
                self.value.push_str(&format!("{:x}", self.hash.clone().finalize()));
            }
            self.since %= CHECKPOINT;
            bytes = later;
        }
    }

    /// The SHA-256 of the whole file, and the value of its checkpoints, if it is long enough to have any.
    pub fn finish(mut self) -> (String, Option<String>) {
        if self.since == 0 {
            // What lies at the end is the hash of the whole file.
            self.value.truncate(self.value.len().saturating_sub(DIGITS));
        }
        let checkpoints =
            Some(self.value).filter(|value| (1..=MOST * DIGITS).contains(&value.len()));
        (format!("{:x}", self.hash.finalize()), checkpoints)
    }
}

/// The SHA-256 at each checkpoint of a volume, in lower-case hexadecimal, from the hashes in its block of the
/// manifest. None if there are none, or not as they should be, or more than one row of them.
pub fn read_checkpoints(hashes: &[(String, String)]) -> Option<Vec<String>> {
    let mut rows = hashes.iter().filter(|(name, _)| name.eq_ignore_ascii_case(CHECKPOINTS));
    let (Some((_, value)), None) = (rows.next(), rows.next()) else { return None };
    let value = value.to_ascii_lowercase();
    let is_hex = value.bytes().all(|digit| digit.is_ascii_hexdigit());
    let fits = is_hex && value.len() % DIGITS == 0;
    fits.then(|| {
        value
            .as_bytes()
            .chunks(DIGITS)
            .map(|one| String::from_utf8_lossy(one).into_owned())
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sha256(bytes: &[u8]) -> String {
        format!("{:x}", Sha256::digest(bytes))
    }

    fn of(bytes: &[u8], piece: usize) -> (String, Option<Vec<String>>) {
        let mut hasher = CheckpointHasher::default();
        bytes.chunks(piece).for_each(|piece| hasher.update(piece));
        let (whole, value) = hasher.finish();
        (whole, value.and_then(|value| read_checkpoints(&[(CHECKPOINTS.to_owned(), value)])))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn each_checkpoint_has_the_hash_of_what_lies_before_it(
            length in prop_oneof![Just(0), Just(CHECKPOINT), Just(2 * CHECKPOINT), 1..3 * CHECKPOINT],
            piece in 100_000usize..9_000_000,
        ) {
            let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let (whole, checkpoints) = of(&bytes, piece);
            prop_assert_eq!(whole, sha256(&bytes));
            let count = length.saturating_sub(1) / CHECKPOINT;
            let expected: Vec<_> = (1..=count).map(|n| sha256(&bytes[..n * CHECKPOINT])).collect();
            prop_assert_eq!(checkpoints, Some(expected).filter(|all| !all.is_empty()));
        }
    }

    #[test]
    fn a_volume_whose_row_would_not_fit_a_line_of_a_manifest_has_none() {
        for (count, fits) in [(MOST, true), (MOST + 1, false), (3 * MOST, false)] {
            let mut hasher = CheckpointHasher::default();
            // As if all but the last piece had come.
            for _ in 1..count {
                if hasher.value.len() <= (MOST + 1) * DIGITS {
                    hasher.value.push_str(&"0".repeat(DIGITS));
                }
            }
            hasher.update(&vec![1; CHECKPOINT + 1]);
            assert_eq!(hasher.finish().1.is_some(), fits, "{count}");
        }
        const { assert!((MOST + 1) * DIGITS < crate::LONGEST_LINE) };
    }

    #[test]
    fn what_is_no_row_of_hashes_is_none() {
        let hash = "aB".repeat(32);
        let read =
            |value: &str| read_checkpoints(&[(CHECKPOINTS.to_lowercase(), value.to_owned())]);
        assert_eq!(read(&hash.repeat(2)), Some(vec!["ab".repeat(32); 2]));
        for bad in [&hash[1..], &format!("{}x", &hash[1..]), &format!("{hash}a")] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(read_checkpoints(&[("SHA256".to_owned(), hash.clone())]), None);
        let row = (CHECKPOINTS.to_owned(), hash);
        assert_eq!(read_checkpoints(&[row.clone(), row]), None);
    }
}
