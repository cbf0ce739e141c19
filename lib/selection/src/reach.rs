//! Where in a backup something of a part may be: which volumes have to be read.

use archive::{TreePath, VolumeRange};

use crate::{Pattern, Sign, Spelling};

/// The places of a part.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// The one path that is wanted; the root for all.
    path: TreePath,
    limits: Vec<Limit>,
}

/// Some subtrees, in index order. Nothing outside of them is wanted but the directories above.
#[derive(Clone, Debug)]
struct Limit {
    subtrees: Vec<TreePath>,
    /// The subtrees and all directories above them.
    all: Vec<TreePath>,
}

impl Reach {
    pub(crate) fn new(path: TreePath, paths: &[TreePath], patterns: &[Pattern]) -> Reach {
        let several = Some(paths.to_vec()).filter(|paths| !paths.is_empty());
        let limits = several.into_iter().chain(of_patterns(patterns)).map(Limit::new).collect();
        Reach { path, limits }
    }

    /// Whether a volume may hold something of the part.
    pub fn may_hold(&self, volume: &VolumeRange) -> bool {
        volume.may_hold(&self.path) && self.limits.iter().all(|limit| limit.may_hold(volume))
    }
}

impl Limit {
    fn new(mut subtrees: Vec<TreePath>) -> Limit {
        subtrees.sort_unstable();
        let mut all: Vec<TreePath> = subtrees.iter().flat_map(above).collect();
        all.extend(subtrees.iter().cloned());
        all.sort_unstable();
        all.dedup();
        Limit { subtrees, all }
    }

    fn may_hold(&self, volume: &VolumeRange) -> bool {
        let (start, end) = (&volume.start.path, &volume.end.path);
        let next = self.all.partition_point(|path| path < start);
        self.all.get(next).is_some_and(|path| path <= end)
            || above(start).any(|path| self.subtrees.binary_search(&path).is_ok())
    }
}

/// The directories above a path, the root last.
fn above(path: &TreePath) -> impl Iterator<Item = TreePath> + use<> {
    std::iter::successors(path.parent(), TreePath::parent)
}

/// The subtrees that patterns are limited to; none if they are not: only what stands before the
/// exclusion of everything is included then.
fn of_patterns(patterns: &[Pattern]) -> Option<Vec<TreePath>> {
    let spelling = Spelling::of_backup();
    let mut subtrees = Vec::new();
    for pattern in patterns {
        if pattern.is_regexp {
            match pattern.sign {
                Sign::Include => return None,
                Sign::Exclude => continue,
            }
        }
        let glob = spelling.read(&pattern.text).ok()?;
        match pattern.sign {
            Sign::Exclude if glob.takes_all() => return Some(subtrees),
            Sign::Exclude => {}
            Sign::Include => subtrees.push(TreePath::parse(&glob.directory()).ok()?),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use archive::EntryPosition;

    use super::*;

    fn path(text: &str) -> TreePath {
        TreePath::parse(text.as_bytes()).unwrap()
    }

    fn volume(start: &str, end: &str) -> VolumeRange {
        let place = |text: &str| EntryPosition { path: path(text), piece: None };
        VolumeRange { number: 1, start: place(start), end: place(end), hashes: Vec::new() }
    }

    fn patterns(words: &str) -> Vec<Pattern> {
        let one = |word: &str| match word.split_at(1) {
            ("+", glob) => Pattern::glob(Sign::Include, glob.as_bytes()),
            ("-", glob) => Pattern::glob(Sign::Exclude, glob.as_bytes()),
            (_, text) => Pattern::regexp(Sign::Include, text.as_bytes()),
        };
        words.split_whitespace().map(one).collect()
    }

    #[test]
    fn volumes_hold_subtrees_and_the_directories_above() {
        let paths = [path("a/b"), path("c/d")];
        let reach = Reach::new(TreePath::root(), &paths, &[]);
        for (start, end, expected) in [
            ("", "0", true),
            ("a", "a/a/z", true),
            ("a/a", "a/a/z", false),
            ("a/a", "a/b", true),
            ("a/b/x", "a/b/y", true),
            ("a/b/x", "b", true),
            ("a/c", "b", false),
            ("b", "c", true),
            ("c/a", "c/c", false),
            ("c/d/9", "z", true),
            ("c/e", "z", false),
        ] {
            assert_eq!(reach.may_hold(&volume(start, end)), expected, "{start} {end}");
        }
    }

    #[test]
    fn patterns_limit_a_part_only_if_all_else_is_excluded() {
        for (words, expected) in [
            ("+a/b +c/*.d -**", Some("a/b c")),
            ("-a/x +a -** +c", Some("a")),
            ("+a", None),
            ("+a -b", None),
            ("+**.d -**", Some("")),
            ("+ignorecase:a -**", Some("")),
            ("/x +a -**", None),
            ("-**", Some("-")),
        ] {
            let subtrees = of_patterns(&patterns(words));
            let expected = expected.map(|text| match text {
                "" => vec![TreePath::root()],
                "-" => Vec::new(),
                text => text.split(' ').map(path).collect(),
            });
            assert_eq!(subtrees, expected, "{words}");
        }
    }
}
