//! What a parity file says of its group: the files, the shards, and a checksum of each shard.
//!
//! All numbers are little-endian. A parity file has several copies of the description, between its
//! recovery shards; each ends with the SHA-256 of all before it.

use std::io::{self, Read};

use archive::{SetId, set_time};
use sha2::{Digest, Sha256};

use crate::geometry::{Geometry, MOST_VOLUMES};
use crate::share::Share;

/// How each copy begins.
const MAGIC: [u8; 16] = *b"moobacker parity";
const VERSION: u32 = 1;
/// The bytes before the name of the set: the magic, then the numbers.
const HEAD: usize = 16 + 9 * 4;
/// The SHA-256 at the end.
const END: usize = 32;
/// The longest that a description can be: 64 volumes and some more files, and all elements.
const LONGEST: usize = 1 << 20;
/// The most files of a group: the volumes, and signature file, statistics, seal and manifest.
const MOST_FILES: usize = MOST_VOLUMES + 4;
/// The copies in a parity file, if it has enough recovery shards to lie between them.
const COPIES: usize = 4;
/// How many places that look like a copy are tried.
const TRIED: usize = 64;

/// A file of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protected {
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// How many of its bytes the group has, from the first one on.
    pub covered: u64,
    /// Its SHA-256.
    pub sha256: [u8; 32],
}

/// What a parity file says of its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The set.
    pub set: SetId,
    /// How much parity was asked for.
    pub share: Share,
    /// The shards.
    pub geometry: Geometry,
    /// The files, one after the other.
    pub files: Vec<Protected>,
    /// The checksums of the shards, the recovery shards after the others.
    pub(crate) sums: Vec<u64>,
}

impl Description {
    /// How many copies a parity file has.
    pub(crate) fn copies(&self) -> usize {
        COPIES.min(self.geometry.recovery + 1)
    }

    /// How many recovery shards come before each copy but the first, with those before them.
    pub(crate) fn recovery_before(&self, copy: usize) -> usize {
        self.geometry.recovery * copy / (self.copies() - 1)
    }

    /// The checksums of the shards.
    pub(crate) fn shard_sums(&self) -> &[u64] {
        &self.sums[..self.geometry.shards]
    }

    /// The checksums of the recovery shards.
    pub(crate) fn recovery_sums(&self) -> &[u64] {
        &self.sums[self.geometry.shards..]
    }

    /// A copy as it is written.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let set = self.set.to_string();
        let Geometry { shard, shards, recovery, chunk } = self.geometry;
        let mut body = Vec::new();
        let numbers = [set.len(), self.files.len(), shard, shards, recovery, chunk];
        numbers.iter().for_each(|number| body.extend((*number as u32).to_le_bytes()));
        body.extend(set.bytes());
        for file in &self.files {
            body.extend((file.name.len() as u32).to_le_bytes());
            body.extend(file.name.bytes());
            body.extend(file.size.to_le_bytes());
            body.extend(file.covered.to_le_bytes());
            body.extend(file.sha256);
        }
        self.sums.iter().for_each(|sum| body.extend(sum.to_le_bytes()));
        let length = 16 + 3 * 4 + body.len() + END;
        let mut copy = MAGIC.to_vec();
        for number in [VERSION, length as u32, self.share.millionths()] {
            copy.extend(number.to_le_bytes());
        }
        copy.extend(body);
        let hash = Sha256::digest(&copy);
        copy.extend(hash);
        copy
    }

    /// Reads a copy, with which the bytes begin, if it is undamaged and possible.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Description> {
        let length = told_length(bytes)?;
        let (told, hash) = bytes.get(..length)?.split_at_checked(length - END)?;
        if Sha256::digest(told).as_slice() != hash {
            return None;
        }
        let mut rest = Fields(told.get(16 + 8..)?);
        let share = Share::of_millionths(rest.number()?)?;
        let (set_length, count) = (rest.number()?, rest.number()?);
        let numbers = [rest.number()?, rest.number()?, rest.number()?, rest.number()?];
        let geometry = Geometry::told(numbers)?;
        let set: SetId = rest.text(set_length)?.parse().ok()?;
        if count as usize > MOST_FILES {
            return None;
        }
        let files = (0..count).map(|_| rest.file()).collect::<Option<Vec<_>>>()?;
        let bytes = rest.0.chunks_exact(8);
        let sums: Vec<u64> =
            bytes.filter_map(|sum| sum.try_into().ok().map(u64::from_le_bytes)).collect();
        let whole = rest.0.len() == (geometry.shards + geometry.recovery) * 8;
        let described = Description { set, share, geometry, files, sums };
        (whole && described.fits()).then_some(described)
    }

    /// Whether the files are those of the set, each once, and fill the shards.
    fn fits(&self) -> bool {
        let mut names: Vec<&str> = self.files.iter().map(|file| file.name.as_str()).collect();
        names.sort_unstable();
        let once = names.windows(2).all(|two| two[0] != two[1]);
        let of_set = names.iter().all(|name| set_time(name) == Some(self.set.time));
        let covered = self.files.iter().try_fold(0u64, |sum, file| {
            (file.covered <= file.size).then_some(())?;
            sum.checked_add(file.covered)
        });
        let shard = self.geometry.shard as u64;
        once && of_set
            && covered
                .is_some_and(|bytes| bytes.div_ceil(shard).max(1) == self.geometry.shards as u64)
    }

    /// The first undamaged copy in a parity file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn find(mut from: impl Read) -> io::Result<Option<Description>> {
        let finder = memchr::memmem::Finder::new(&MAGIC);
        let mut window = Vec::new();
        let mut ended = false;
        let mut tried = 0;
        while tried < TRIED {
            if !ended {
                let missing = (2 * LONGEST).saturating_sub(window.len()) as u64;
                let read = from.by_ref().take(missing).read_to_end(&mut window)?;
                ended = (read as u64) < missing;
            }
            let Some(at) = finder.find(&window) else {
                if ended {
                    return Ok(None);
                }
                // The start of the next one may be at the end of this part.
                window.drain(..window.len() - MAGIC.len() + 1);
                continue;
            };
            // Once at its start, a copy is in the window completely.
            if at > LONGEST && !ended {
                window.drain(..at);
                continue;
            }
            if let Some(found) = Description::parse(&window[at..]) {
                return Ok(Some(found));
            }
            tried += 1;
            window.drain(..=at);
        }
        Ok(None)
    }
}

/// The bytes of a SHA-256 in hexadecimal, or `None` if it is none.
pub fn hash_of_hex(hex: &str) -> Option<[u8; 32]> {
    let digits = (hex.len() == 2 * END).then_some(hex.as_bytes())?;
    let mut bytes = [0; END];
    for (byte, two) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok()?;
    }
    Some(bytes)
}

/// The length that a copy tells, if it is one.
fn told_length(bytes: &[u8]) -> Option<usize> {
    let mut fields = Fields(bytes.strip_prefix(&MAGIC)?);
    let (version, length) = (fields.number()?, fields.number()? as usize);
    (version == VERSION && (HEAD + END..=LONGEST).contains(&length)).then_some(length)
}

/// What is left of a copy that is being read.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (field, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(field)
    }

    fn number(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn long(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_le_bytes)
    }

    fn text(&mut self, length: u32) -> Option<&'a str> {
        std::str::from_utf8(self.take(length as usize)?).ok()
    }

    fn file(&mut self) -> Option<Protected> {
        let length = self.number()?;
        let name = self.text(length)?.to_owned();
        let (size, covered) = (self.long()?, self.long()?);
        let sha256 = self.take(32)?.try_into().ok()?;
        Some(Protected { name, size, covered, sha256 })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::strategy::ValueTree;

    prop_compose! {
        /// Descriptions of all shapes, of a few files.
        fn descriptions()(
            sizes in vec(0u64..9_000, 1..6), over in 0u64..3, millionths in 1000u32..=1_000_000, sum: u64,
        ) -> Description {
            let set: SetId = "inc 20261121T201500Z to 20261122T201500Z".parse().unwrap();
            let share = Share::of_millionths(millionths).unwrap();
            let bytes = sizes.iter().sum();
            let geometry = Geometry::of(bytes, 0, share);
            let file = |(number, covered): (usize, &u64)| Protected {
                name: format!("duplicity-inc.20261121T201500Z.to.20261122T201500Z.vol{}.difftar", number + 1),
                size: covered + over,
                covered: *covered,
                sha256: [number as u8; 32],
            };
            let files = sizes.iter().enumerate().map(file).collect();
            let sums = (0..(geometry.shards + geometry.recovery) as u64).map(|n| n ^ sum).collect();
            Description { set, share, geometry, files, sums }
        }
    }

    proptest! {
        #[test]
        fn a_description_comes_back_as_it_went(described in descriptions()) {
            prop_assert_eq!(Description::parse(&described.encode()), Some(described));
        }

        #[test]
        fn no_bytes_make_the_reader_fall_over(described in descriptions(), at: prop::sample::Index, with: u8, cut: prop::sample::Index) {
            let mut bytes = described.encode();
            let at = at.index(bytes.len());
            bytes[at] ^= with;
            // Behind a right hash, too.
            let end = bytes.len() - END;
            let hash = Sha256::digest(&bytes[..end]);
            bytes[end..].copy_from_slice(&hash);
            let _ = Description::parse(&bytes);
            bytes.truncate(cut.index(bytes.len()));
            prop_assert_eq!(Description::parse(&bytes), None);
        }

        #[test]
        fn one_undamaged_copy_is_found(described in descriptions(), before in vec(any::<u8>(), 0..99), damage: prop::sample::Index) {
            let copy = described.encode();
            let mut damaged = copy.clone();
            let at = damage.index(damaged.len());
            damaged[at] ^= 1;
            let file = [&before, &damaged, &MAGIC[..], &copy].concat();
            prop_assert_eq!(Description::find(&file[..]).unwrap(), Some(described));
            prop_assert_eq!(Description::find(&damaged[..]).unwrap(), None);
        }
    }

    #[test]
    fn a_copy_far_inside_is_found_and_false_ones_are_tried_a_while_only() {
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let described = descriptions().new_tree(&mut runner).unwrap().current();
        let copy = described.encode();
        for before in [LONGEST - 1, LONGEST, 2 * LONGEST - 7, 2 * LONGEST, 5 * LONGEST + 3] {
            let file = [vec![0; before], copy.clone()].concat();
            assert_eq!(
                Description::find(&file[..]).unwrap().as_ref(),
                Some(&described),
                "{before}"
            );
        }
        let mut endless = io::repeat(b'm');
        assert_eq!(Description::find(endless.by_ref().take(9 << 20)).unwrap(), None);
        let false_ones = MAGIC.repeat(1 << 20);
        assert_eq!(Description::find(false_ones.as_slice().chain(io::repeat(0))).unwrap(), None);
    }
}
