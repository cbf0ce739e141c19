//! Paths inside the source tree, in duplicity's order.

use std::cmp::Ordering;
use std::fmt;

use crate::Error;
use failure::legible;

/// Characters of a long path that a message shows.
const SHOWN: usize = 200;

/// A path relative to the source: components of any bytes but `/` and NUL, never `.` or `..`,
/// joined by `/`. The root itself is the empty path.
///
/// Paths are ordered by their components, so a directory comes right before its entries: `a` <
/// `a/z` < `a-b` (duplicity's index order).
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct TreePath(Vec<u8>);

impl TreePath {
    /// The longest path of a new set, in bytes. The system opens no path of 4,096 bytes, and other
    /// programs that read a set put names of their own before it. Such a path has 2,000 components
    /// at most, which also bounds the depth of a tree.
    pub const LONGEST: usize = 4000;

    /// Whether a new set can hold this path.
    pub fn fits(&self) -> bool {
        self.0.len() <= TreePath::LONGEST
    }

    /// The number of components; 0 for the root.
    pub fn depth(&self) -> usize {
        self.components().count()
    }

    /// For messages, the beginning and the end of a long path.
    pub fn shortened(&self) -> String {
        let shown = self.to_string();
        let letters = shown.chars().count();
        if letters <= SHOWN {
            return shown;
        }
        let start: String = shown.chars().take(SHOWN / 2).collect();
        let end: String = shown.chars().skip(letters - SHOWN / 2).collect();
        format!("{start}...{end}")
    }

    /// The source root.
    pub fn root() -> TreePath {
        TreePath::default()
    }

    /// Reads a path; empty and `.` components are dropped, so `/a/./b/` is `a/b`.
    ///
    /// # Errors
    /// A component `..` or a NUL byte.
    pub fn parse(raw: &[u8]) -> Result<TreePath, Error> {
        if raw.contains(&0) {
            return Err(Error::new(raw, "a path with a NUL byte"));
        }
        let mut joined = Vec::with_capacity(raw.len());
        for component in raw.split(|&b| b == b'/') {
            match component {
                b"" | b"." => {}
                b".." => return Err(Error::new(raw, "a path with ..")),
                name => push(&mut joined, name),
            }
        }
        Ok(TreePath(joined))
    }

    /// Whether this is the source root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The components joined by `/`; empty for the root.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The components from the top down; none for the root.
    pub fn components(&self) -> impl Iterator<Item = &[u8]> {
        self.0.split(|&b| b == b'/').filter(|component| !component.is_empty())
    }

    /// The path of an entry of this directory. `name` is one component, as a listing of the
    /// directory gives it; foreign text belongs into [`TreePath::parse`].
    #[must_use]
    pub fn child(&self, name: &[u8]) -> TreePath {
        debug_assert!(!matches!(name, b"" | b"." | b"..") && !name.contains(&b'/'));
        let mut joined = Vec::with_capacity(self.0.len() + 1 + name.len());
        joined.extend_from_slice(&self.0);
        push(&mut joined, name);
        TreePath(joined)
    }

    /// The directory of this path, or `None` for the root.
    pub fn parent(&self) -> Option<TreePath> {
        let name = self.file_name()?;
        let end = self.0.len() - name.len();
        Some(TreePath(self.0[..end.saturating_sub(1)].to_vec()))
    }

    /// The last component, or `None` for the root.
    pub fn file_name(&self) -> Option<&[u8]> {
        self.0.rsplit(|&b| b == b'/').next().filter(|name| !name.is_empty())
    }

    /// Whether this path is `prefix` or lies below it.
    pub fn starts_with(&self, prefix: &TreePath) -> bool {
        self.rest_after(prefix).is_some()
    }

    /// This path relative to `prefix`, if it is `prefix` or lies below it.
    pub fn strip_prefix(&self, prefix: &TreePath) -> Option<TreePath> {
        self.rest_after(prefix).map(|rest| TreePath(rest.to_vec()))
    }

    fn rest_after(&self, prefix: &TreePath) -> Option<&[u8]> {
        let rest = self.0.strip_prefix(prefix.as_bytes())?;
        if prefix.is_root() || rest.is_empty() {
            return Some(rest);
        }
        rest.strip_prefix(b"/")
    }
}

fn push(joined: &mut Vec<u8>, name: &[u8]) {
    if !joined.is_empty() {
        joined.push(b'/');
    }
    joined.extend_from_slice(name);
}

/// The rank of a byte. No component contains a NUL, so a separator can have the lowest rank.
fn rank(byte: u8) -> u8 {
    if byte == b'/' { 0 } else { byte }
}

impl Ord for TreePath {
    fn cmp(&self, other: &TreePath) -> Ordering {
        let mut pairs = self.0.iter().zip(&other.0);
        match pairs.find(|(a, b)| a != b) {
            Some((&a, &b)) => rank(a).cmp(&rank(b)),
            None => self.0.len().cmp(&other.0.len()),
        }
    }
}

impl PartialOrd for TreePath {
    fn partial_cmp(&self, other: &TreePath) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// For messages: bytes that are not UTF-8 and characters that control a terminal become `\xHH`; the
/// root is `.`.
impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_str(".");
        }
        f.write_str(&legible::name(&self.0))
    }
}

impl fmt::Debug for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TreePath({self})")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// Paths of few letters, so that they share prefixes, and of any bytes.
    pub(crate) fn paths() -> impl Strategy<Value = TreePath> {
        let narrow = vec(prop::sample::select(b"ab-./0 \"\\\n".to_vec()), 0..8);
        let wide = vec(1u8.., 0..20);
        prop_oneof![narrow, wide].prop_filter_map("leads upwards", |raw| TreePath::parse(&raw).ok())
    }

    fn tuple(path: &TreePath) -> Vec<Vec<u8>> {
        path.components().map(<[u8]>::to_vec).collect()
    }

    proptest! {
        #[test]
        fn paths_are_ordered_as_the_tuples_of_their_components(a in paths(), b in paths()) {
            prop_assert_eq!(a.cmp(&b), tuple(&a).cmp(&tuple(&b)));
        }

        #[test]
        fn a_prefix_is_a_prefix_of_the_components(a in paths(), b in paths()) {
            prop_assert_eq!(a.starts_with(&b), tuple(&a).starts_with(&tuple(&b)));
            prop_assert!(a.starts_with(&a) && a.starts_with(&TreePath::root()));
            if let Some(rest) = a.strip_prefix(&b) {
                prop_assert_eq!([tuple(&b), tuple(&rest)].concat(), tuple(&a));
            }
        }

        #[test]
        fn a_parsed_path_parses_to_itself(raw in vec(any::<u8>(), 0..30)) {
            if let Ok(path) = TreePath::parse(&raw) {
                prop_assert_eq!(TreePath::parse(path.as_bytes()), Ok(path.clone()));
                prop_assert!(!path.components().any(|c| matches!(c, b"" | b"." | b"..")));
            }
        }

        #[test]
        fn the_child_of_the_parent_by_its_name_is_the_path_itself(path in paths()) {
            if let (Some(parent), Some(name)) = (path.parent(), path.file_name()) {
                prop_assert_eq!(parent.child(name), path);
            } else {
                prop_assert!(path.is_root());
            }
        }

        #[test]
        fn a_shown_path_has_one_line(path in paths()) {
            prop_assert!(!path.to_string().contains(char::is_control));
        }
    }

    #[test]
    fn a_directory_comes_right_before_what_it_holds() {
        let names = ["", "a", "a/b/c", "a/z", "a-b", "a.txt"];
        let paths: Vec<_> = names.iter().map(|n| TreePath::parse(n.as_bytes()).unwrap()).collect();
        assert!(paths.is_sorted());
    }

    #[test]
    fn a_long_path_is_shown_by_its_ends() {
        let path =
            TreePath::parse(&[b"start/".to_vec(), b"x/".repeat(5000), b"end".to_vec()].concat());
        let path = path.unwrap();
        let shown = path.shortened();
        assert!(shown.starts_with("start/x/") && shown.ends_with("/x/end") && shown.len() == 203);
        assert!(!path.fits() && path.depth() == 5002 && TreePath::root().depth() == 0);
        assert_eq!(TreePath::root().shortened(), ".");
    }

    #[test]
    fn what_leads_upwards_is_refused() {
        for raw in [&b".."[..], b"a/..", b"../a", b"/a/../b", b"a\0b"] {
            assert!(TreePath::parse(raw).is_err());
        }
        assert_eq!(TreePath::parse(b"//a/.//...b/").unwrap().as_bytes(), b"a/...b");
    }
}
