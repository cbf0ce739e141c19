//! A tar member without its body: an inode, in the terms of POSIX pax.

use std::fmt::{self, Write};
use std::str::FromStr;

use crate::attributes::Attributes;

/// The fact of a file's true size in bytes. A body that is a piece, a delta or a signature has
/// another size.
pub const SIZE: &str = "size";
/// The fact of the SHA-256 of a file's whole content, in hex.
pub const SHA256: &str = "sha256";
/// The fact of the SHA-1 of a stored file, in hex.
pub const SHA1: &str = "sha1";
/// The fact that a file of a file stream is damaged or missing at the store.
pub const LOST: &str = "lost";
/// The fact of the time of the last change of the inode.
pub const CTIME: &str = "ctime";
/// The fact that a file was changed while it was read. The value is ignored.
pub const DOUBT: &str = "doubt";
/// The fact that a file was read so soon after its last change that a further change could have left
/// no trace: the clock of its file system had not ticked. The value is ignored.
pub const RECENT: &str = "recent";
/// The fact of the inode's number.
pub const INODE: &str = "inode";
/// The fact that extended attributes are compared by: a hash, [`NO_XATTRS`] or [`UNKNOWN_XATTRS`].
/// Sets of versions that kept no attributes lack it.
pub const XATTRS: &str = "xattrs";
/// The value of [`XATTRS`] for an object without attributes.
pub const NO_XATTRS: &str = "0";
/// The value of [`XATTRS`] for attributes that could not be read.
pub const UNKNOWN_XATTRS: &str = "?";
/// The fact of a hard link: the path of the first name of the file.
pub const LINK: &str = "link";
/// The fact that a file has holes. The value is ignored.
pub const SPARSE: &str = "sparse";
/// The fact of a modification time before 1970, on which duplicity would fail in pax's `mtime`.
pub(crate) const MTIME: &str = "mtime";

/// What a member is; the tar type flags of POSIX.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    #[default]
    File,
    /// A link to another member. It is never written, and a restore refuses it.
    HardLink,
    /// A symbolic link.
    Symlink,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A directory.
    Directory,
    /// A named pipe.
    Fifo,
    /// Any other type flag.
    Other(u8),
}

impl Kind {
    pub(crate) fn from_flag(flag: u8) -> Kind {
        match flag {
            b'0' | 0 | b'7' => Kind::File,
            b'1' => Kind::HardLink,
            b'2' => Kind::Symlink,
            b'3' => Kind::CharDevice,
            b'4' => Kind::BlockDevice,
            b'5' => Kind::Directory,
            b'6' => Kind::Fifo,
            other => Kind::Other(other),
        }
    }

    pub(crate) fn flag(self) -> u8 {
        match self {
            Kind::File => b'0',
            Kind::HardLink => b'1',
            Kind::Symlink => b'2',
            Kind::CharDevice => b'3',
            Kind::BlockDevice => b'4',
            Kind::Directory => b'5',
            Kind::Fifo => b'6',
            Kind::Other(flag) => flag,
        }
    }

    /// Whether the member is a device, so that its numbers count.
    pub fn is_device(self) -> bool {
        matches!(self, Kind::CharDevice | Kind::BlockDevice)
    }
}

/// A moment: seconds since 1970 (rounded down) and nanoseconds within the second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp {
    /// Seconds since 1970, negative before.
    pub secs: i64,
    /// Nanoseconds from there on, below 1,000,000,000.
    pub nanos: u32,
}

/// Pax's decimal form, with as many digits as are needed: `1700000000.25`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanos == 0 {
            return write!(f, "{}", self.secs);
        }
        let (sign, secs, nanos) = if self.secs < 0 {
            ("-", -(self.secs + 1), 1_000_000_000 - self.nanos)
        } else {
            ("", self.secs, self.nanos)
        };
        // Without a text of its own: every entry of a backup has three of them.
        let zeros = (1..=8).take_while(|n| nanos.is_multiple_of(10_u32.pow(*n))).count();
        let (digits, width) = (nanos / 10_u32.pow(zeros as u32), 9 - zeros);
        write!(f, "{sign}{secs}.{digits:0width$}")
    }
}

/// A text that is no time in pax's decimal form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseTimestampError;

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    fn from_str(text: &str) -> Result<Timestamp, ParseTimestampError> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let negative = whole.starts_with('-');
        let secs: i64 = whole.parse().map_err(|_| ParseTimestampError)?;
        if !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return Err(ParseTimestampError);
        }
        let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(9);
        let nanos = digits.fold(0, |nanos, digit| nanos * 10 + u32::from(digit - b'0'));
        if !negative || nanos == 0 {
            return Ok(Timestamp { secs, nanos });
        }
        let secs = secs.checked_sub(1).ok_or(ParseTimestampError)?;
        Ok(Timestamp { secs, nanos: 1_000_000_000 - nanos })
    }
}

/// The annotations of a member without a field in tar: words by key.
///
/// They are in pax's `comment` record, which every tar ignores: `comment=moobacker KEY=VALUE
/// KEY=VALUE`. In memory they are one text as well, because annotations are passed on much more often
/// than they are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Annotations(String);

const START: &str = "moobacker";
/// Bytes that an entry's annotations usually take, without the hash.
const USUAL: usize = 96;

impl Annotations {
    /// The value of a fact.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.words().find_map(|word| value_of(key, word))
    }

    /// The values of several annotations, found in one go.
    pub fn pick<const N: usize>(&self, keys: [&str; N]) -> [Option<&str>; N] {
        let mut found = [None; N];
        for word in self.words() {
            for (key, value) in keys.iter().zip(&mut found) {
                if value.is_none() {
                    *value = value_of(key, word);
                }
            }
        }
        found
    }

    /// The parsed value of a fact, or `None` if it cannot be parsed.
    pub fn parse<T: FromStr>(&self, key: &str) -> Option<T> {
        self.get(key)?.parse().ok()
    }

    /// Sets a fact, in place of an older one of that key. Key and value are words without blanks.
    pub fn set(&mut self, key: &str, value: impl fmt::Display) {
        self.remove(key);
        if self.0.is_empty() {
            self.0.reserve(USUAL);
        }
        // Writing to a `String` cannot fail.
        let _ = write!(self.0, " {key}={value}");
    }

    /// The bytes of a fact, or `None` if they are wrongly encoded.
    pub fn bytes(&self, key: &str) -> Option<Vec<u8>> {
        archive::unescape(self.get(key)?)
    }

    /// Sets a fact of any bytes. Blanks, and bytes that are not UTF-8, are written as `\xHH`.
    pub fn set_bytes(&mut self, key: &str, value: &[u8]) {
        self.set(key, archive::escape(value).replace(' ', "\\x20"));
    }

    /// Takes a fact away.
    pub fn remove(&mut self, key: &str) {
        if self.get(key).is_some() {
            self.retain(|word| value_of(key, word).is_none());
        }
    }

    /// Sets all annotations of another list.
    pub fn extend(&mut self, others: &Annotations) {
        for (key, value) in others.words().filter_map(|word| word.split_once('=')) {
            self.set(key, value);
        }
    }

    /// Keeps only the given annotations.
    pub fn keep(&mut self, keys: &[&str]) {
        self.retain(|word| keys.iter().any(|key| value_of(key, word).is_some()));
    }

    /// Whether there is no fact.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn encode(&self) -> String {
        [START, &self.0].concat()
    }

    /// The annotations in a comment, or `None` if moobacker did not write it.
    pub(crate) fn decode(comment: &[u8]) -> Annotations {
        let text = std::str::from_utf8(comment).unwrap_or_default();
        let words = text.strip_prefix(START).filter(|words| words.starts_with(' '));
        let mut annotations = Annotations(words.unwrap_or_default().to_owned());
        if annotations.words().any(|word| !word.contains('=')) {
            annotations.retain(|word| word.contains('='));
        }
        annotations
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        let mut rest = self.0.as_str();
        std::iter::from_fn(move || {
            let words = rest.strip_prefix(' ')?;
            let end = memchr::memchr(b' ', words.as_bytes()).unwrap_or(words.len());
            let (word, behind) = words.split_at(end);
            rest = behind;
            Some(word)
        })
    }

    fn retain(&mut self, is_kept: impl Fn(&str) -> bool) {
        let mut kept = String::with_capacity(self.0.len());
        for word in self.words().filter(|word| is_kept(word)) {
            kept.push(' ');
            kept.push_str(word);
        }
        self.0 = kept;
    }
}

/// The text after the key and `=`, if the word has that key.
fn value_of<'a>(key: &str, word: &'a str) -> Option<&'a str> {
    // Most words are of other keys, of which most are not as long.
    let is_as_long = word.as_bytes().get(key.len()) == Some(&b'=');
    if is_as_long { word.strip_prefix(key)?.strip_prefix('=') } else { None }
}

/// A tar member without its body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// The complete name, without a trailing slash on reading.
    pub name: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    /// Bytes in the body. Writers take the body's own length.
    pub size: u64,
    /// The twelve permission bits.
    pub mode: u32,
    /// The owner's number.
    pub uid: u64,
    /// The group's number.
    pub gid: u64,
    /// The owner's name; empty where unknown.
    pub uname: Vec<u8>,
    /// The group's name; empty where unknown.
    pub gname: Vec<u8>,
    /// Time of the last change of the content.
    pub mtime: Timestamp,
    /// Where a link points to.
    pub link: Vec<u8>,
    /// Major and minor number of a device.
    pub device: (u32, u32),
    /// Extended attributes. If a body is in pieces, the first piece has them.
    pub attributes: Attributes,
    /// Annotations without a field above.
    pub annotations: Annotations,
}

impl Member {
    /// A plain file without an owner: a control member, or a part of a file stream.
    pub fn named(name: impl Into<Vec<u8>>) -> Member {
        Member { name: name.into(), mode: 0o644, ..Member::default() }
    }

    /// Whether it is known which extended attributes the object had.
    pub fn knows_attributes(&self) -> bool {
        let told = self.annotations.get(XATTRS).is_some_and(|fact| fact != UNKNOWN_XATTRS);
        told || !self.attributes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn stamps_are_written_as_pax_writes_them() {
        let half = Timestamp { secs: 12, nanos: 500_000_000 };
        assert_eq!(half.to_string(), "12.5");
        assert_eq!(Timestamp { secs: -2, nanos: 750_000_000 }.to_string(), "-1.25");
        assert_eq!(Timestamp { secs: -1, nanos: 750_000_000 }.to_string(), "-0.25");
        assert_eq!(Timestamp { secs: -2, nanos: 0 }.to_string(), "-2");
        assert_eq!("x".parse::<Timestamp>(), Err(ParseTimestampError));
        assert_eq!("1.x".parse::<Timestamp>(), Err(ParseTimestampError));
    }

    #[test]
    fn facts_are_told_apart_by_their_whole_keys() {
        let mut annotations = Annotations::decode(b"moobacker size=1 odd sizes=2 size2=3");
        annotations.set("size", 4);
        let get = |annotations: &Annotations, key| annotations.parse::<u8>(key);
        let known = ["size", "sizes", "size2", "siz"].map(|key| get(&annotations, key));
        assert_eq!(known, [Some(4), Some(2), Some(3), None]);
        assert_eq!(annotations.pick(["size2", "siz", "size"]), [Some("3"), None, Some("4")]);
        annotations.keep(&["size2", "odd"]);
        assert_eq!(annotations.encode(), "moobacker size2=3");
        annotations.remove("size2");
        assert!(annotations.is_empty());
        assert!(Annotations::decode(b"moobackers size=1").is_empty());
    }

    proptest! {
        #[test]
        fn a_fact_of_any_bytes_is_one_word_and_comes_back(bytes: Vec<u8>) {
            let mut annotations = Annotations::default();
            annotations.set_bytes(LINK, &bytes);
            annotations.set(SIZE, "1");
            prop_assert_eq!(&Annotations::decode(annotations.encode().as_bytes()), &annotations);
            prop_assert_eq!(annotations.bytes(LINK), Some(bytes));
        }

        #[test]
        fn stamps_come_back_as_they_were(secs in -(1i64 << 40)..(1i64 << 40), nanos in 0u32..1_000_000_000) {
            let stamp = Timestamp { secs, nanos };
            prop_assert_eq!(stamp.to_string().parse(), Ok(stamp));
        }
    }
}
