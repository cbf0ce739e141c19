//! Globs, case by case, and laws.

use proptest::prelude::*;

use crate::Glob;
use crate::text::symbols;

fn glob(glob: &str) -> Glob {
    let (glob, ignore_case) = match glob.strip_prefix("ignorecase:") {
        Some(rest) => (rest, true),
        None => (glob, false),
    };
    Glob::new(glob.as_bytes(), ignore_case).unwrap()
}

fn matches(pattern: &str, path: &[u8]) -> bool {
    let (path, is_directory) = match path.strip_suffix(b"/") {
        Some(rest) => (rest, true),
        None => (path, false),
    };
    glob(pattern).matches(&symbols(path), is_directory)
}

/// Patterns, what they match, and what not; a slash at the end of a path marks a directory.
const MEANINGS: [(&str, &[&str], &[&str]); 27] = [
    ("a", &["a", "a/", "a/b/c"], &["ab", "b/a", "A"]),
    ("a/", &["a/", "a/b"], &["a", "ab/"]),
    ("a/*", &["a/b", "a/b/c", "a/.b"], &["a/", "ab"]),
    ("a/**", &["a/b", "a/b/c"], &["a/", "ab"]),
    ("*", &["a", ".a", "a/b"], &[]),
    ("*b", &["b", "ab", "ab/c"], &["a/b", "ba"]),
    ("a*c", &["ac", "abc", "abbc/d"], &["a/c", "ab/c"]),
    ("a**c", &["ac", "abc", "a/c", "a/b/c", "a/b/c/d"], &["a/b"]),
    ("**/b", &["a/b", "a/c/b", "a/b/c"], &["b", "ab", "b/a"]),
    ("a/**/b", &["a/c/b", "a/c/d/b/e"], &["a/b"]),
    ("**b", &["b", "a/b", "a/cb"], &["a"]),
    ("***b", &["b", "a/b"], &["a"]),
    ("**/", &["a/", "a/b/"], &["a", "a/b"]),
    ("**/b/", &["a/b/", "a/b/c"], &["a/b", "a/b/c/b"]),
    ("a?c", &["abc", "aéc", "a?c"], &["ac", "a/c", "abbc"]),
    ("??", &["ab", "éé"], &["é", "a", "abc"]),
    ("[ab]", &["a", "b", "a/c"], &["c", "ab"]),
    ("[!ab]", &["c", "é"], &["a", "b"]),
    ("[^ab]", &["c", "!"], &["a", "b"]),
    ("[a-c-]", &["b", "-"], &["d"]),
    ("[]a]", &["]", "a"], &["[", "b"]),
    ("[!]a]", &["["], &["]", "a"]),
    ("[a", &["[a"], &["a"]),
    (r"\*[*][[]", &[r"\b*["], &["*[", r"\b*b"]),
    ("ignorecase:A[b-c]É", &["abé", "ABÉ", "aCé/d"], &["adé"]),
    ("ignorecase:[A-z]1", &["a1", "M1", "z1"], &["_1"]),
    ("ignorecase:[a-Z]1", &["a1", "M1", "Z1"], &["11"]),
];

#[test]
fn globs_mean_what_duplicity_means() {
    for (pattern, yes, no) in MEANINGS {
        for path in yes {
            assert!(matches(pattern, path.as_bytes()), "{pattern} matches {path}");
        }
        for path in no {
            assert!(!matches(pattern, path.as_bytes()), "{pattern} does not match {path}");
        }
    }
}

#[test]
fn a_byte_that_is_no_letter_is_one_for_the_question_mark() {
    assert!(matches("a?c", b"a\xffc") && !matches("a??c", b"a\xffc"));
    assert!(!matches("a[a-z]", b"a\xff") && matches("a*", b"a\xff"));
    let glob = Glob::new(b"\xff*", false).unwrap();
    assert!(glob.matches(&symbols(b"\xffa"), false) && !glob.matches(&symbols(b"\xfea"), false));
}

#[test]
fn directories_are_entered_only_where_something_below_could_match() {
    for (pattern, above, not) in [
        ("a/b/c", &["a", "a/b"][..], &["a/b/c", "b", "a/c"][..]),
        ("a/*/c", &["a", "a/b", "a/x"], &["a/b/d", "b"]),
        ("a**c", &["a", "ab", "a/b/d"], &["b"]),
        ("**/c", &["a", "a/b"], &[]),
        ("a[!x]c", &[], &["a"]),
    ] {
        let reaches = |path: &str| glob(pattern).reaches_below(&symbols(path.as_bytes()));
        assert!(above.iter().all(|path| reaches(path)), "{pattern}");
        assert!(!not.iter().any(|path| reaches(path)), "{pattern}");
    }
}

#[test]
fn what_cannot_be_a_glob_is_refused() {
    for wrong in ["", "a[b-a]"] {
        assert!(Glob::new(wrong.as_bytes(), false).is_err(), "{wrong}");
    }
}

#[test]
fn a_hostile_pattern_takes_no_longer_than_others() {
    let pattern = "*a**".repeat(200) + "b";
    assert!(!matches(&pattern, "a".repeat(4000).as_bytes()));
}

/// The same by trying everything.
fn naive(pattern: &[u8], path: &[u8]) -> bool {
    match (pattern, path) {
        ([b'*', b'*', rest @ ..], _) => (0..=path.len()).any(|at| naive(rest, &path[at..])),
        ([b'*', rest @ ..], _) => {
            let end = path.iter().position(|byte| *byte == b'/').unwrap_or(path.len());
            (0..=end).any(|at| naive(rest, &path[at..]))
        }
        ([b'?', rest @ ..], [first, after @ ..]) => *first != b'/' && naive(rest, after),
        ([], _) => path.is_empty() || path.starts_with(b"/"),
        ([own, rest @ ..], [first, after @ ..]) => own == first && naive(rest, after),
        _ => false,
    }
}

proptest! {
    #[test]
    fn a_glob_matches_what_trying_everything_matches(
        pattern in "[ab/?*]{0,7}[ab?*]", path in "[ab]{1,3}(/[ab]{1,3}){0,3}"
    ) {
        prop_assert_eq!(matches(&pattern, path.as_bytes()), naive(pattern.as_bytes(), path.as_bytes()));
    }

    #[test]
    fn what_is_below_a_match_matches_and_what_is_above_is_entered(
        pattern in "[ab/?*]{0,7}[ab?*]", path in "[ab]{1,3}(/[ab]{1,3}){0,3}"
    ) {
        if matches(&pattern, path.as_bytes()) {
            let below = format!("{path}/x");
            prop_assert!(matches(&pattern, below.as_bytes()));
            let mut above = path.as_str();
            while let Some((parent, _)) = above.rsplit_once('/') {
                let reached = glob(&pattern).reaches_below(&symbols(parent.as_bytes()));
                prop_assert!(reached || matches(&pattern, parent.as_bytes()));
                above = parent;
            }
        }
    }

    #[test]
    fn a_glob_after_a_base_matches_what_it_matches_with_it(
        pattern in "[ab/?*]{0,7}[ab?*]", base in "[ab]{1,2}(/[ab]){0,2}", path in "[ab](/[ab]{1,2}){0,2}"
    ) {
        let whole = format!("{base}/{path}");
        let after = glob(&pattern).after(format!("{base}/").as_bytes());
        let found = after.is_some_and(|glob| glob.matches(&symbols(path.as_bytes()), false));
        prop_assert_eq!(found, matches(&pattern, whole.as_bytes()));
    }

    #[test]
    fn any_bytes_are_a_glob_or_refused(pattern: Vec<u8>, path: Vec<u8>) {
        if let Ok(glob) = Glob::new(&pattern, true) {
            glob.matches(&symbols(&path), false);
            glob.reaches_below(&symbols(&path));
            let _ = glob.after(&path).map(|glob| glob.literal());
        }
    }
}
