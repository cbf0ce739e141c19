//! The text of a seal: the files of a set, and their hashes.
//!
//! A comment line `# moobacker seal 1` comes first. The set, the hash of the seal before it, and
//! the backup's identity and origin follow, and what a person has said
//! of the set. Each file has a line as from `sha256sum`, so `sha256sum
//! -c` checks all files. The SHA-1, the size and the checkpoints of a file are in comments right before its
//! line. Seals of older versions have no identity, no origin, no sizes and no checkpoints.

use std::collections::BTreeSet;

use crate::{Error, FileName, Identity, Labels, Origin, SetId, parse_further};

const FIRST: &str = "# moobacker seal 1";

/// The content of a seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// The set.
    pub set: SetId,
    /// The SHA-256 of the file of the seal before it, in lower-case hexadecimal.
    pub previous: Option<String>,
    /// The identity of the backup, or `None` in seals of older versions.
    pub identity: Option<Identity>,
    /// The hash of identity, host and source; only with an identity.
    pub origin: Option<Origin>,
    /// Its tags and its note.
    pub labels: Labels,
    /// Of a set that a passphrase alone opens: 80 hexadecimal digits that tell whether a passphrase
    /// is that one. A guess takes as long as with one of the messages.
    pub passphrase: Option<String>,
    /// The set's files as stored, the seal itself aside.
    pub files: Vec<SealedFile>,
}

/// A file of a set as stored, with hashes in lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedFile {
    /// Its name, without a folder.
    pub name: String,
    /// Its SHA-256.
    pub sha256: String,
    /// Its SHA-1, which duplicity's manifest wants of a volume.
    pub sha1: Option<String>,
    /// Its size in bytes, or `None` in seals of older versions.
    pub size: Option<u64>,
    /// Its checkpoints as the manifest has them, if it has any.
    pub checkpoints: Option<String>,
}

impl SealedFile {
    /// Whether it is a further file of the set: one that no restore needs and duplicity does not
    /// know. Checks and copies of the set include it.
    pub fn is_further(&self) -> bool {
        FileName::parse(&self.name).is_none() && parse_further(&self.name).is_some()
    }
}

impl Seal {
    /// A seal of a set of which nothing else is known.
    pub fn of(set: SetId) -> Seal {
        Seal {
            set,
            previous: None,
            identity: None,
            origin: None,
            labels: Labels::default(),
            passphrase: None,
            files: Vec::new(),
        }
    }

    /// The text that is to be signed.
    pub fn encode(&self) -> Vec<u8> {
        let previous = self.previous.as_deref().unwrap_or("none");
        let mut text = format!("{FIRST}\n# set {}\n# previous {previous}\n", self.set);
        if let Some(identity) = &self.identity {
            text.push_str(&format!("# identity {identity}\n"));
        }
        if let Some(origin) = &self.origin {
            text.push_str(&format!("# origin {origin}\n"));
        }
        for tag in self.labels.tags() {
            text.push_str(&format!("# tag {tag}\n"));
        }
        if let Some(note) = self.labels.note() {
            text.push_str(&format!("# note {note}\n"));
        }
        if let Some(digest) = &self.passphrase {
            text.push_str(&format!("# passphrase {digest}\n"));
        }
        for file in &self.files {
            if let Some(sha1) = &file.sha1 {
                text.push_str(&format!("# sha1 {sha1} {}\n", file.name));
            }
            if let Some(size) = file.size {
                text.push_str(&format!("# size {size} {}\n", file.name));
            }
            if let Some(checkpoints) = &file.checkpoints {
                text.push_str(&format!("# checkpoints {checkpoints} {}\n", file.name));
            }
            text.push_str(&format!("{}  {}\n", file.sha256, file.name));
        }
        text.into_bytes()
    }

    /// Parses the text of a seal whose signature has been checked. Unknown comment lines are
    /// ignored.
    ///
    /// # Errors
    /// Any form that [`Seal::encode`] does not write: an unknown version, no set, a hash of another
    /// length, a name with a folder, a name twice, an origin without an identity.
    pub fn parse(text: &[u8]) -> Result<Seal, Error> {
        let text = std::str::from_utf8(text).map_err(|_| Error::new("seal", "not text"))?;
        let mut lines = text.lines();
        if lines.next() != Some(FIRST) {
            return Err(Error::new("seal", "of an unknown version"));
        }
        let mut reader = Reader::default();
        lines.zip(2u64..).try_for_each(|(line, number)| {
            reader.line(line).ok_or_else(|| Error::new(format!("seal line {number}"), "malformed"))
        })?;
        reader.finish().ok_or_else(|| Error::new("seal", "lacks its set or the seal before it"))
    }
}

/// A seal that is being parsed. A method returns `None` for an invalid line.
#[derive(Default)]
struct Reader<'a> {
    set: Option<SetId>,
    previous: Option<Option<String>>,
    identity: Option<Identity>,
    origin: Option<Origin>,
    labels: Labels,
    passphrase: Option<String>,
    sha1: Option<(&'a str, &'a str)>,
    size: Option<(&'a str, &'a str)>,
    checkpoints: Option<(&'a str, &'a str)>,
    names: BTreeSet<&'a str>,
    files: Vec<SealedFile>,
}

impl<'a> Reader<'a> {
    fn line(&mut self, line: &'a str) -> Option<()> {
        let Some(comment) = line.strip_prefix('#') else {
            return self.file(line);
        };
        match comment.trim_start_matches(' ').split_once(' ') {
            Some(("set", set)) => once(&mut self.set, set.parse().ok()?),
            Some(("previous", "none")) => once(&mut self.previous, None),
            Some(("previous", hex)) => once(&mut self.previous, Some(hash(hex, 64)?)),
            Some(("identity", hex)) => once(&mut self.identity, hex.parse().ok()?),
            Some(("origin", hex)) => once(&mut self.origin, hex.parse().ok()?),
            Some(("tag", text)) => self.labels.add_tag(text),
            Some(("note", text)) => self.labels.add_note(text),
            Some(("passphrase", hex)) => once(&mut self.passphrase, hash(hex, 80)?),
            Some(("sha1", rest)) => once(&mut self.sha1, rest.split_once(' ')?),
            Some(("size", rest)) => once(&mut self.size, rest.split_once(' ')?),
            Some(("checkpoints", rest)) => once(&mut self.checkpoints, rest.split_once(' ')?),
            _ => Some(()),
        }
    }

    fn file(&mut self, line: &'a str) -> Option<()> {
        let (sha256, name) = line.split_once("  ")?;
        let sha1 = about(self.sha1.take(), name, |hex| hash(hex, 40))?;
        let size = about(self.size.take(), name, number)?;
        let checkpoints = about(self.checkpoints.take(), name, hashes)?;
        let fits = is_plain_name(name) && self.names.insert(name);
        let (name, sha256) = (name.to_owned(), hash(sha256, 64)?);
        let file = SealedFile { name, sha256, sha1, size, checkpoints };
        fits.then(|| self.files.push(file))
    }

    fn finish(self) -> Option<Seal> {
        let whole = self.sha1.is_none() && self.size.is_none() && self.checkpoints.is_none();
        let fits = self.identity.is_some() || self.origin.is_none();
        let Reader { identity, origin, labels, passphrase, files, .. } = self;
        let (set, previous) = (self.set?, self.previous?);
        let seal = Seal { set, previous, identity, origin, labels, passphrase, files };
        (whole && fits).then_some(seal)
    }
}

/// Parses a comment about the file in the next line, which it must name.
fn about<T>(
    comment: Option<(&str, &str)>,
    name: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Option<Option<T>> {
    match comment {
        Some((value, of)) if of == name => read(value).map(Some),
        Some(_) => None,
        None => Some(None),
    }
}

/// A number of digits alone, without leading zeros.
fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

fn once<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    slot.is_none().then(|| *slot = Some(value))
}

fn hash(hex: &str, length: usize) -> Option<String> {
    let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    (hex.len() == length && hex.bytes().all(digit)).then(|| hex.to_owned())
}

/// One SHA-256 or more in a row.
fn hashes(hex: &str) -> Option<String> {
    hash(hex, hex.len().next_multiple_of(64).max(64))
}

/// Whether a name is literal for `sha256sum -c` and in a signed text: one component, without
/// controls, backslash and outer blanks, and not `-`, which means standard input.
fn is_plain_name(name: &str) -> bool {
    !matches!(name, "" | "." | ".." | "-")
        && name.trim() == name
        && !name.contains(|c: char| c.is_control() || matches!(c, '/' | '\\'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::tests::identities;
    use crate::labels::tests::labels;
    use crate::name::tests::names;
    use crate::set::tests::sets;
    use crate::time::tests::times;
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    /// Files of duplicity's kinds, and further ones, with all that may be known of them or less.
    fn sealed_files() -> impl Strategy<Value = SealedFile> {
        let further = (times(), r"[a-z]{1,9}(\.[0-9]{1,3})?");
        let further = further.prop_map(|(time, word)| format!("moobacker.{time}.{word}"));
        let name = prop_oneof![4 => names().prop_map(|name| name.encode()), 1 => further];
        let checkpoints = option::of("[0-9a-f]{64}([0-9a-f]{64})?");
        (name, "[0-9a-f]{64}", option::of("[0-9a-f]{40}"), option::of(any::<u64>()), checkpoints)
            .prop_map(|(name, sha256, sha1, size, checkpoints)| SealedFile {
                name,
                sha256,
                sha1,
                size,
                checkpoints,
            })
    }

    fn seals() -> impl Strategy<Value = Seal> {
        let origin = (identities(), any::<Vec<u8>>(), any::<bool>());
        let told = (labels(), option::of("[0-9a-f]{80}"));
        let parts = (sets(), option::of("[0-9a-f]{64}"), option::of(origin), told);
        (parts, vec(sealed_files(), 0..5)).prop_map(|((set, previous, of, told), mut files)| {
            let (labels, passphrase) = told;
            files.sort_by(|a, b| a.name.cmp(&b.name));
            files.dedup_by(|a, b| a.name == b.name);
            let identity = of.as_ref().map(|(identity, ..)| *identity);
            let told = of.filter(|(.., told)| *told);
            let origin = told.map(|(identity, host, _)| identity.origin(&host, b"/etc"));
            Seal { set, previous, identity, origin, labels, passphrase, files }
        })
    }

    /// The seal as a version before 0.2 wrote it.
    fn older(seal: &Seal) -> Seal {
        let file = |file: &SealedFile| SealedFile { size: None, checkpoints: None, ..file.clone() };
        let files = seal.files.iter().map(file).collect();
        let labels = Labels::default();
        Seal { identity: None, origin: None, labels, passphrase: None, files, ..seal.clone() }
    }

    proptest! {
        #[test]
        fn a_seal_comes_back_as_it_went(seal in seals()) {
            let text = seal.encode();
            prop_assert_eq!(Seal::parse(&text), Ok(seal.clone()));
            let dos = String::from_utf8(text).unwrap().replace('\n', "\r\n");
            prop_assert_eq!(Seal::parse(dos.as_bytes()), Ok(seal));
        }

        #[test]
        fn what_is_new_are_comments_alone_and_a_seal_without_them_is_read(seal in seals()) {
            let text = String::from_utf8(seal.encode()).unwrap();
            let is_new = |line: &str| {
                let new =
                    ["identity", "origin", "tag", "note", "passphrase", "size", "checkpoints"];
                let new = new.map(|word| format!("# {word} "));
                new.iter().any(|new| line.starts_with(new.as_str()))
            };
            let old: String = text.split_inclusive('\n').filter(|line| !is_new(line)).collect();
            let expected = older(&seal);
            prop_assert_eq!(old.as_bytes(), expected.encode());
            prop_assert_eq!(Seal::parse(old.as_bytes()), Ok(expected));
        }

        #[test]
        fn no_text_makes_the_parser_fall_over(seal in seals(), cut: prop::sample::Index, junk: Vec<u8>) {
            let mut text = seal.encode();
            text.truncate(cut.index(text.len()));
            let _ = Seal::parse(&[text, junk].concat());
        }
    }

    fn with(lines: &str) -> Result<Seal, String> {
        let text = format!("{FIRST}\n# set full 20261122T201340Z\n# previous none\n{lines}");
        Seal::parse(text.as_bytes()).map_err(|e| e.to_string())
    }

    #[test]
    fn what_is_not_a_line_of_a_seal_is_refused() {
        let (hex, short) = ("a".repeat(64), "b".repeat(40));
        assert!(with(&format!("# a remark\n#\n{hex}  a b\n")).is_ok());
        for bad in [
            format!("{hex} a\n"),
            format!("{hex}  a/b\n"),
            format!("{hex}  ..\n"),
            format!("{hex}  -\n"),
            format!("{hex}  a\n{hex}  a\n"),
            format!("{short}  a\n"),
            format!("{}  a\n", "A".repeat(64)),
            format!("\n{hex}  a\n"),
            format!("# sha1 {short} b\n{hex}  a\n"),
            format!("{hex}  a\tb\n"),
            format!("# sha1 {hex} a\n{hex}  a\n"),
            format!("# sha1 {short} a\n# sha1 {short} a\n{hex}  a\n"),
            format!("# sha1 {short} a\n"),
            "# set full 20261122T201340Z\n".into(),
            "# previous none\n".into(),
            format!("\\{hex}  a\\\\b\n"),
            format!("{hex}   a\n"),
            format!("{hex} *a\n"),
            format!("# size 1 b\n{hex}  a\n"),
            format!("# size +1 a\n{hex}  a\n"),
            format!("# size 01 a\n{hex}  a\n"),
            format!("# size -1 a\n{hex}  a\n"),
            format!("# size 18446744073709551616 a\n{hex}  a\n"),
            format!("# size 1 a\n# size 1 a\n{hex}  a\n"),
            "# size 1 a\n".to_owned(),
            format!("# checkpoints {hex} b\n{hex}  a\n"),
            format!("# checkpoints {short} a\n{hex}  a\n"),
            format!("# checkpoints  a\n{hex}  a\n"),
            format!("# checkpoints {hex} a\n"),
            format!("# identity {hex}\n"),
            format!("# identity {}\n", "A".repeat(32)),
            format!("# identity {0}\n# identity {0}\n", "a".repeat(32)),
            format!("# identity {}\n# origin {short}\n", "a".repeat(32)),
            format!("# origin {hex}\n"),
            "# tag a\n# tag a\n".to_owned(),
            "# tag a \n".to_owned(),
            "# tag \n".to_owned(),
            "# tag \\x41\n".to_owned(),
            format!("# tag {}\n", "a".repeat(129)),
            "# note a\n# note b\n".to_owned(),
            format!("# note {}\n", "a".repeat(4097)),
        ] {
            assert!(with(&bad).is_err(), "{bad}");
        }
        assert_eq!(with("x").unwrap_err(), "seal line 4: malformed");
    }

    #[test]
    fn a_file_that_duplicity_does_not_know_is_a_further_one() {
        let hex = "a".repeat(64);
        let is_further =
            |name: &str| with(&format!("{hex}  {name}\n")).unwrap().files[0].is_further();
        assert!(is_further("moobacker.20261122T201340Z.parity.1"));
        assert!(!is_further("moobacker.20261122T201340Z.seal"));
        assert!(!is_further("duplicity-full.20261122T201340Z.manifest"));
        assert!(!is_further("a b"));
    }

    #[test]
    fn a_seal_needs_its_head() {
        assert!(Seal::parse(b"").is_err());
        assert!(Seal::parse(format!("{FIRST}\n# set full 20261122T201340Z\n").as_bytes()).is_err());
        assert!(Seal::parse(format!("{FIRST}\n# previous none\n").as_bytes()).is_err());
        let error = Seal::parse(b"# moobacker seal 2\n").unwrap_err();
        assert_eq!(error.to_string(), "seal: of an unknown version");
    }
}
