//! The names of the files of a store and of a local archive.

use std::fmt;

use crate::name_grammar::{self, Parsed};
use crate::{SetId, SetTime};

/// The kind of a file of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// The tar of content with that number, from 1.
    Volume(u64),
    /// The tar of signatures.
    Signatures,
    /// The index of the volumes, with whose arrival the set exists.
    Manifest,
    /// duplicity 3's statistics (`jsonstat`).
    Stats,
}

/// How a file is compressed or encrypted, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wrapping {
    /// Not at all.
    Plain,
    /// `.gz` or `.z`.
    Gzip,
    /// `.gpg`, `.g` or `.p7m`.
    OpenPgp,
}

impl Wrapping {
    /// The wrapping of a file of that name.
    pub fn of_name(raw: &str) -> Wrapping {
        let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| raw.ends_with(suffix));
        if ends(&[".gz", ".z"]) {
            return Wrapping::Gzip;
        }
        if ends(&[".gpg", ".g", ".p7m"]) {
            return Wrapping::OpenPgp;
        }
        Wrapping::Plain
    }

    /// The suffix that we write.
    pub fn suffix(self) -> &'static str {
        match self {
            Wrapping::Plain => "",
            Wrapping::Gzip => ".gz",
            Wrapping::OpenPgp => ".gpg",
        }
    }
}

/// The parsed name of a file of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName {
    /// The set that the file belongs to.
    pub set: SetId,
    /// Its kind.
    pub kind: FileKind,
    /// How it is wrapped.
    pub wrapping: Wrapping,
    /// Whether it is still being written (`.part`; in local archives only).
    pub partial: bool,
}

impl FileName {
    /// Parses a name as duplicity's readers do: long and short names, old and lower-case times,
    /// `.part`, and *anything after a further dot*, so that `….difftar.gz.sha256` counts as a
    /// volume too. [`FileName::is_stranger`] recognizes such names.
    pub fn parse(raw: &str) -> Option<FileName> {
        let Parsed { set, kind, partial, .. } = name_grammar::parse(raw)?;
        Some(FileName { set, kind, wrapping: Wrapping::of_name(raw), partial })
    }

    /// Whether `raw` is spelt as [`FileName::encode`] spells this name.
    pub fn is_canonical(&self, raw: &str) -> bool {
        self.encode() == raw
    }

    /// Whether a parsed name has a suffix that no duplicity writes, such as `….gpg.par2` or
    /// `….gz.tmp`: a foreign file.
    pub fn is_stranger(raw: &str) -> bool {
        const ENDS: [&str; 6] = ["", ".gz", ".z", ".gpg", ".g", ".p7m"];
        name_grammar::parse(raw).is_some_and(|name| !ENDS.contains(&name.tail))
    }

    /// The long name, as this project and duplicity write it.
    pub fn encode(&self) -> String {
        self.to_string()
    }

    fn stem(&self) -> &'static str {
        match (self.kind, self.set.is_full()) {
            (FileKind::Signatures, true) => "duplicity-full-signatures",
            (FileKind::Signatures, false) => "duplicity-new-signatures",
            (_, true) => "duplicity-full",
            (_, false) => "duplicity-inc",
        }
    }
}

/// The long name.
impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.set.base {
            None => write!(f, "{}.{}", self.stem(), self.set.time)?,
            Some(base) => write!(f, "{}.{base}.to.{}", self.stem(), self.set.time)?,
        }
        match self.kind {
            FileKind::Volume(number) => write!(f, ".vol{number}.difftar")?,
            FileKind::Signatures => f.write_str(".sigtar")?,
            FileKind::Manifest => f.write_str(".manifest")?,
            FileKind::Stats => f.write_str(".jsonstat")?,
        }
        let part = if self.partial { ".part" } else { "" };
        write!(f, "{part}{}", self.wrapping.suffix())
    }
}

/// The name of the seal of a set; duplicity ignores it.
pub fn seal_name(time: SetTime) -> String {
    format!("moobacker.{time}.seal")
}

/// The time of the set of a seal, if that is its name. duplicity ignores seals.
pub fn parse_seal(raw: &str) -> Option<SetTime> {
    raw.strip_prefix("moobacker.")?.strip_suffix(".seal")?.parse().ok()
}

/// The time of the set that a file belongs to, if its name is that of a further file,
/// `moobacker.T.WORD`, and not of a seal. duplicity ignores such files.
pub fn parse_further(raw: &str) -> Option<SetTime> {
    let (time, word) = raw.strip_prefix("moobacker.")?.split_once('.')?;
    (!matches!(word, "" | "seal")).then(|| time.parse().ok()).flatten()
}

/// The name of a parity file of a set.
pub fn parity_name(time: SetTime, number: u64) -> String {
    format!("moobacker.{time}.parity.{number}")
}

/// The time of the set of a parity file, and its number, if that is its name.
pub fn parse_parity(raw: &str) -> Option<(SetTime, u64)> {
    let number = raw.strip_prefix("moobacker.")?.split_once(".parity.")?.1.parse().ok()?;
    let time = parse_further(raw)?;
    (number > 0 && parity_name(time, number) == raw).then_some((time, number))
}

/// The name of a file that replaces the damaged file `name` of a set in a store that keeps it.
pub fn repaired_name(time: SetTime, number: u64, name: &str) -> String {
    format!("moobacker.{time}.repaired.{number}.{name}")
}

/// The name of the file that a repaired file replaces, if its name is one of [`repaired_name`].
pub fn parse_repaired(raw: &str) -> Option<&str> {
    let (number, name) =
        raw.strip_prefix("moobacker.")?.split_once(".repaired.")?.1.split_once('.')?;
    let time = parse_further(raw)?;
    let number = number.parse().ok()?;
    (set_time(name) == Some(time) && repaired_name(time, number, name) == raw).then_some(name)
}

/// The time of the set that a file of that name belongs to.
pub fn set_time(raw: &str) -> Option<SetTime> {
    let of_duplicity = FileName::parse(raw).map(|name| name.set.time);
    of_duplicity.or_else(|| parse_seal(raw)).or_else(|| parse_further(raw))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::set::tests::sets;
    use crate::time::tests::times;
    use proptest::prelude::*;

    /// Any name that a file can have.
    pub(crate) fn names() -> impl Strategy<Value = FileName> {
        let kind = prop_oneof![
            (1u64..).prop_map(FileKind::Volume),
            Just(FileKind::Signatures),
            Just(FileKind::Manifest),
            Just(FileKind::Stats),
        ];
        let wraps = vec![Wrapping::Plain, Wrapping::Gzip, Wrapping::OpenPgp];
        (sets(), kind, prop::sample::select(wraps), any::<bool>())
            .prop_map(|(set, kind, wrapping, partial)| FileName { set, kind, wrapping, partial })
    }

    proptest! {
        #[test]
        fn a_name_comes_back_as_it_went(name in names()) {
            let raw = name.encode();
            prop_assert_eq!(FileName::parse(&raw), Some(name));
            prop_assert!(name.is_canonical(&raw) && !FileName::is_stranger(&raw));
            let suffixed = format!("{raw}.par2");
            prop_assert!(FileName::parse(&suffixed).is_some() && FileName::is_stranger(&suffixed));
            let dotted = name.partial || name.wrapping != Wrapping::Plain;
            prop_assert_eq!(FileName::parse(&format!("{raw}2")).is_some(), dotted);
            prop_assert_eq!(FileName::parse(&format!(".{raw}")), None);
        }

        #[test]
        fn no_name_makes_the_parser_fall_over(raw in ".{0,40}", name in names(), cut: prop::sample::Index) {
            let _ = FileName::parse(&raw);
            let whole = name.encode();
            let _ = FileName::parse(&whole[..cut.index(whole.len())]);
            let _ = FileName::parse(&format!("{}{raw}", &whole[..cut.index(whole.len())]));
        }

        #[test]
        fn the_name_of_a_seal_comes_back_as_it_went(time in times()) {
            let raw = seal_name(time);
            prop_assert_eq!(parse_seal(&raw), Some(time));
            prop_assert_eq!(FileName::parse(&raw), None);
        }
    }

    #[test]
    fn short_and_old_names_are_read() {
        let of = |raw: &str| FileName::parse(raw).map(|name| name.encode());
        let long = |name: &str| Some(name.to_owned());
        let set = "20261122T202832Z.to.20261122T202834Z";
        assert_eq!(
            of("di.tox7jk.tox7jm.a.dt.z"),
            long(&format!("duplicity-inc.{set}.vol10.difftar.gz"))
        );
        assert_eq!(of("di.tox7jk.tox7jm.m"), long(&format!("duplicity-inc.{set}.manifest")));
        assert_eq!(
            of("dns.tox7jk.tox7jm.st.p"),
            long(&format!("duplicity-new-signatures.{set}.sigtar.part"))
        );
        assert_eq!(
            of("dfs.tox7jk.st.g"),
            long("duplicity-full-signatures.20261122T202832Z.sigtar.gpg")
        );
        assert_eq!(of("df.tox7jk.m.p7m"), long("duplicity-full.20261122T202832Z.manifest.gpg"));
        assert_eq!(
            of("duplicity-full.2002-08-06T04:22:00-07:00.vol01.difftar.gz"),
            long("duplicity-full.20020806T112200Z.vol1.difftar.gz")
        );
    }

    #[test]
    fn foreign_names_are_passed_over() {
        for raw in [
            "",
            "foo.txt",
            "lock",
            "duplicity-full.20261122T201320Z.idx",
            "duplicity-full.20261122T201320Z.manifestx",
            "duplicity-full.20261122T201320Z.vol0.difftar",
            "duplicity-full.20261122T201320Z.sigtar",
            "Duplicity-full.20261122T201320Z.manifest",
            "duplicity-inc.20261122T201320Z.manifest",
            "duplicity-index.20261122T201320Z.db",
            "duplicity-inc.20261122T201320Z.to.20261122T201320Z.manifest",
            "df.TOX7JK.m",
            "df.tox7jk.mp",
            "df.tox7jk.1.m",
            "duplicity-full.now.manifest",
            "di.tox7jk.to.tox7jm.m",
        ] {
            assert_eq!(FileName::parse(raw), None, "{raw}");
        }
    }

    #[test]
    fn parity_and_repaired_files_belong_to_the_set_of_their_time() {
        let time: SetTime = "20261122T201320Z".parse().unwrap();
        let parity = parity_name(time, 12);
        assert_eq!(parity, "moobacker.20261122T201320Z.parity.12");
        assert_eq!((parse_parity(&parity), set_time(&parity)), (Some((time, 12)), Some(time)));
        let volume = "duplicity-full.20261122T201320Z.vol1.difftar.gpg";
        for name in [volume, &seal_name(time)] {
            let repaired = repaired_name(time, 1, name);
            assert_eq!(parse_repaired(&repaired), Some(name));
            assert_eq!(set_time(&repaired), Some(time));
            assert_eq!(FileName::parse(&repaired), None);
        }
        for raw in [
            "moobacker.20261122T201320Z.parity.",
            "moobacker.20261122T201320Z.parity.0",
            "moobacker.20261122T201320Z.parity.01",
            "moobacker.20261122T201320Z.parity.1.gpg",
            "moobacker.2026.parity.1",
            "moobacker.20261122T201320Z.repaired.1.notes",
            "moobacker.20261122T201320Z.repaired.x.duplicity-full.20261122T201320Z.manifest",
            "moobacker.20261122T201320Z.repaired.1.duplicity-full.20261123T201320Z.manifest",
        ] {
            assert_eq!((parse_parity(raw), parse_repaired(raw)), (None, None), "{raw}");
        }
    }
}
