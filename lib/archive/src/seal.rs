//! The text of a seal: what files a set has, and their hashes.
//!
//! A comment line `# moobacker seal 1` comes first, then the set, the hash of the seal before it,
//! and for each file a line as `sha256sum` writes it, so that `sha256sum -c` checks them all. A
//! file that the manifest names has its SHA-1 in a comment right above.

use std::collections::BTreeSet;

use crate::{Error, SetId};

const FIRST: &str = "# moobacker seal 1";

/// What a seal says of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// The set.
    pub set: SetId,
    /// The SHA-256 of the file of the seal before it, in lower-case hexadecimal.
    pub previous: Option<String>,
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
}

impl Seal {
    /// The text that is to be signed.
    pub fn encode(&self) -> Vec<u8> {
        let previous = self.previous.as_deref().unwrap_or("none");
        let mut text = format!("{FIRST}\n# set {}\n# previous {previous}\n", self.set);
        for file in &self.files {
            if let Some(sha1) = &file.sha1 {
                text.push_str(&format!("# sha1 {sha1} {}\n", file.name));
            }
            text.push_str(&format!("{}  {}\n", file.sha256, file.name));
        }
        text.into_bytes()
    }

    /// Reads the text of a seal, once its signature has been checked. Comment lines that nobody
    /// knows are passed over.
    ///
    /// # Errors
    /// Anything else that [`Seal::encode`] does not write: an unknown version, no set, a hash of
    /// another length, a name with a folder, a name twice.
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

/// A seal that is being read; a method says none where a line does not hold.
#[derive(Default)]
struct Reader<'a> {
    set: Option<SetId>,
    previous: Option<Option<String>>,
    sha1: Option<(&'a str, &'a str)>,
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
            Some(("sha1", rest)) => once(&mut self.sha1, rest.split_once(' ')?),
            _ => Some(()),
        }
    }

    fn file(&mut self, line: &'a str) -> Option<()> {
        let (sha256, name) = line.split_once("  ")?;
        let sha1 = match self.sha1.take() {
            Some((sha1, of)) if of == name => Some(hash(sha1, 40)?),
            Some(_) => return None,
            None => None,
        };
        let fits = is_plain_name(name) && self.names.insert(name);
        let file = SealedFile { name: name.to_owned(), sha256: hash(sha256, 64)?, sha1 };
        fits.then(|| self.files.push(file))
    }

    fn finish(self) -> Option<Seal> {
        let whole = self.sha1.is_none();
        whole.then_some(Seal { set: self.set?, previous: self.previous?, files: self.files })
    }
}

fn once<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    slot.is_none().then(|| *slot = Some(value))
}

fn hash(hex: &str, length: usize) -> Option<String> {
    let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    (hex.len() == length && hex.bytes().all(digit)).then(|| hex.to_owned())
}

/// Whether `sha256sum -c` and a signed text take a name as it is: one component, without
/// controls, backslash and outer blanks, and not `-`, which stands for standard input.
fn is_plain_name(name: &str) -> bool {
    !matches!(name, "" | "." | ".." | "-")
        && name.trim() == name
        && !name.contains(|c: char| c.is_control() || matches!(c, '/' | '\\'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::tests::names;
    use crate::set::tests::sets;
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    fn seals() -> impl Strategy<Value = Seal> {
        let file = (names(), "[0-9a-f]{64}", option::of("[0-9a-f]{40}"))
            .prop_map(|(name, sha256, sha1)| SealedFile { name: name.encode(), sha256, sha1 });
        (sets(), option::of("[0-9a-f]{64}"), vec(file, 0..5)).prop_map(
            |(set, previous, mut files)| {
                files.sort_by(|a, b| a.name.cmp(&b.name));
                files.dedup_by(|a, b| a.name == b.name);
                Seal { set, previous, files }
            },
        )
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
        ] {
            assert!(with(&bad).is_err(), "{bad}");
        }
        assert_eq!(with("x").unwrap_err(), "seal line 4: malformed");
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
