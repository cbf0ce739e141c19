//! Streams with a damaged byte.
//!
//! A header block has a checksum, so what it tells (names, types, lengths, owners) is checked.
//! Bodies are not, and the records of an extended header and the control members are bodies of
//! tar: content has its own hashes, and pipes do not damage what passes through them.

use std::ops::Range;

use crate::made::{Reader, each};

const DAMAGES: [u8; 4] = [0x01, 0x20, 0x80, 0xff];

#[test]
fn a_damaged_byte_changes_nothing_that_is_taken_but_in_a_body() {
    for (whole, read) in each() {
        let bodies = bodies(&whole);
        let told = read(&whole).unwrap();
        for_each_damage(&whole, read, |at, damaged| {
            if let Ok(damaged) = damaged
                && !bodies.iter().any(|body| body.contains(&at))
            {
                assert_eq!(damaged, told, "byte {at}");
            }
        });
    }
}

#[test]
fn a_damaged_byte_never_ends_a_stream_early() {
    for (whole, read) in each() {
        let told = read(&whole).unwrap();
        for_each_damage(&whole, read, |at, damaged| {
            if let Ok(damaged) = damaged {
                assert_eq!(damaged.lines().count(), told.lines().count(), "byte {at}");
            }
        });
    }
}

fn for_each_damage(
    whole: &[u8],
    read: Reader,
    check: impl Fn(usize, Result<String, failure::Failure>),
) {
    let mut damaged = whole.to_vec();
    for at in 0..whole.len() {
        for damage in DAMAGES {
            damaged[at] ^= damage;
            check(at, read(&damaged));
            damaged[at] ^= damage;
        }
    }
}

/// Where the bodies are, as another reader finds them: extended headers count as members.
fn bodies(whole: &[u8]) -> Vec<Range<usize>> {
    let mut tar = tar::Archive::new(whole);
    let entries = tar.entries().unwrap().raw(true).map(|entry| {
        let entry = entry.unwrap();
        let start = usize::try_from(entry.raw_file_position()).unwrap();
        start..start + usize::try_from(entry.size()).unwrap()
    });
    entries.collect()
}
