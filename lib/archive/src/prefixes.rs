//! Prefixes of the names of files, by their kinds: several backups lie beside each other in one folder.

use std::fmt;

use crate::{FileKind, FileName, set_time};

/// The most bytes of one prefix. A name with two of them, and the token of an upload, still fits into
/// the 255 bytes of common file systems.
const LONGEST: usize = 40;

/// Names that no prefix may turn into another name of a backup.
const SAMPLES: [&str; 4] = [
    "duplicity-full.20000101T000000Z.manifest",
    "df.a.m",
    "moobacker.20000101T000000Z.seal",
    "moobacker.20000101T000000Z.parity.1",
];

/// The options for the prefixes of the kinds.
const OPTIONS: [&str; 4] = [
    "file-prefix-manifest",
    "file-prefix-archive",
    "file-prefix-signature",
    "file-prefix-jsonstat",
];

/// A prefix that can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongPrefix {
    /// The option for it, without the dashes.
    pub option: &'static str,
    /// Why not.
    pub why: &'static str,
}

/// What the names of files begin with. The prefix of all files comes before that of their kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prefixes {
    /// Of all files.
    all: String,
    /// Of manifests, volumes, signature files and statistics.
    kinds: [String; 4],
}

/// The place in [`Prefixes::kinds`] of the kind that a file has by its name. Seals and parity are none of
/// duplicity's kinds: they go with the manifest.
fn place(name: &str) -> usize {
    match FileName::parse(name).map(|name| name.kind) {
        None | Some(FileKind::Manifest) => 0,
        Some(FileKind::Volume(_)) => 1,
        Some(FileKind::Signatures) => 2,
        Some(FileKind::Stats) => 3,
    }
}

impl Prefixes {
    /// The prefix of all files, and those of manifests, volumes, signature files and statistics.
    ///
    /// # Errors
    /// A prefix can't be used.
    pub fn new(all: &str, kinds: [&str; 4]) -> Result<Prefixes, WrongPrefix> {
        let of = |option| move |why| WrongPrefix { option, why };
        check(all, LONGEST).map_err(of("file-prefix"))?;
        for (kind, option) in kinds.iter().zip(OPTIONS) {
            let whole = format!("{all}{kind}");
            let checked = check_length(kind, LONGEST).and_then(|()| check(&whole, 2 * LONGEST));
            checked.map_err(of(option))?;
        }
        Ok(Prefixes { all: all.to_owned(), kinds: kinds.map(str::to_owned) })
    }

    /// Whether no name begins with anything.
    pub fn is_empty(&self) -> bool {
        *self == Prefixes::default()
    }

    /// The name in the folder of a file of a backup.
    pub fn outer(&self, name: &str) -> String {
        format!("{}{}{name}", self.all, self.kinds[place(name)])
    }

    /// The name that a file of the folder has in its backup, or `None` if it is not of the backup with
    /// these prefixes.
    pub fn inner<'a>(&self, name: &'a str) -> Option<&'a str> {
        let rest = name.strip_prefix(&self.all)?;
        self.kinds.iter().enumerate().find_map(|(number, prefix)| {
            let inner = rest.strip_prefix(prefix.as_str())?;
            (Prefixes::is_of_backup(inner) && place(inner) == number).then_some(inner)
        })
    }

    /// Whether a name is that of a file of a backup.
    pub fn is_of_backup(name: &str) -> bool {
        set_time(name).is_some()
    }

    /// Whether a name is that of a file of a backup behind some prefix. To a backup without prefixes, such a
    /// file is one of another backup, or one of its own that was renamed.
    pub fn has_prefix(name: &str) -> bool {
        // Those that moobacker writes, and those of duplicity.
        let may_begin = |rest: &str| {
            ["moobacker.", "duplicity-", "df", "di", "dns."]
                .iter()
                .any(|stem| rest.starts_with(stem))
        };
        let mut rests = name.char_indices().skip(1).map(|(at, _)| &name[at..]);
        !Prefixes::is_of_backup(name)
            && rests.any(|rest| may_begin(rest) && Prefixes::is_of_backup(rest))
    }

    /// Reads what is shown.
    pub fn parse(text: &str) -> Option<Prefixes> {
        let mut lines = text.split('\n');
        let mut line = || lines.next();
        let (all, kinds) = (line()?, [line()?, line()?, line()?, line()?]);
        Prefixes::new(all, kinds).ok().filter(|_| line() == Some("") && line().is_none())
    }
}

/// A line for each prefix, that of all files first.
impl fmt::Display for Prefixes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        std::iter::once(&self.all).chain(&self.kinds).try_for_each(|one| writeln!(f, "{one}"))
    }
}

fn check_length(prefix: &str, most: usize) -> Result<(), &'static str> {
    if prefix.len() > most { Err("longer than 40 bytes") } else { Ok(()) }
}

fn check(prefix: &str, most: usize) -> Result<(), &'static str> {
    check_length(prefix, most)?;
    if prefix.starts_with('.') {
        return Err("begins with a dot, as the temporary names of uploads do");
    }
    if prefix.bytes().any(|byte| byte == b'/' || byte.is_ascii_control()) {
        return Err("has a slash or a control character");
    }
    let is_taken = |(at, _): (usize, char)| {
        SAMPLES.iter().any(|name| set_time(&format!("{}{name}", &prefix[at..])).is_some())
    };
    match prefix.char_indices().any(is_taken) {
        true => Err("makes names that a backup without a prefix has"),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::tests::names;
    use crate::{parity_name, seal_name};
    use proptest::prelude::*;

    fn prefixes() -> impl Strategy<Value = Prefixes> {
        let one = || "[a-c-]{0,3}";
        (one(), one(), one(), one(), one())
            .prop_map(|(all, a, b, c, d)| Prefixes::new(&all, [&a, &b, &c, &d]).unwrap())
    }

    proptest! {
        #[test]
        fn a_name_comes_back_and_is_seen_with_its_own_prefixes_only(
            name in names(), one in prefixes(), other in prefixes()
        ) {
            for inner in [name.encode(), seal_name(name.set.time), parity_name(name.set.time, 3)] {
                let outer = one.outer(&inner);
                prop_assert_eq!(one.inner(&outer), Some(&*inner));
                let is_equal = other.outer(&inner) == outer;
                prop_assert_eq!(other.inner(&outer), is_equal.then_some(&*inner));
                prop_assert_eq!(Prefixes::default().inner(&inner), Some(&*inner));
                prop_assert!(!Prefixes::has_prefix(&inner));
            }
        }

        #[test]
        fn prefixes_come_back_as_they_went(one in prefixes(), text in "\\PC{0,30}") {
            prop_assert_eq!(Prefixes::parse(&one.to_string()), Some(one.clone()));
            let _ = one.inner(&text);
            let _ = Prefixes::parse(&text);
        }
    }

    #[test]
    fn a_prefix_is_known_by_the_name_behind_it_and_other_strangers_have_none() {
        let none = Prefixes::default();
        for other in [
            "g-m-duplicity-full.20000101T000000Z.manifest",
            "xdf.tox7jk.m",
            "xmoobacker.20000101T000000Z.seal",
            "duplicity-duplicity-full.20000101T000000Z.manifest.gpg",
        ] {
            assert!(Prefixes::has_prefix(other), "{other}");
            assert_eq!(none.inner(other), None, "{other}");
        }
        let repaired =
            "moobacker.20000101T000000Z.repaired.1.duplicity-full.20000101T000000Z.manifest";
        for own in ["notes", "aside-duplicity", "lost+found", "\u{e9}", repaired] {
            assert!(!Prefixes::has_prefix(own), "{own}");
        }
    }

    #[test]
    fn prefixes_that_would_mix_backups_are_refused() {
        let none = ["", "", "", ""];
        let long = "x".repeat(41);
        for wrong in [
            ".upload-1-",
            "a/b",
            "a\n",
            &long,
            "moobacker.20000101T000000Z.",
            "x-duplicity-full.20260101T000000Z.vol1.difftar.",
        ] {
            assert!(Prefixes::new(wrong, none).is_err(), "{wrong}");
            assert!(Prefixes::new("", [wrong, "", "", ""]).is_err(), "{wrong}");
        }
        for right in ["", "a", "duplicity-", "etc.", "a b", "é"] {
            assert!(Prefixes::new(right, none).is_ok(), "{right}");
        }
        assert!(Prefixes::default().is_empty());
    }
}
