//! The list of all that is asked for, in place of what directories hold.

use archive::TreePath;
use failure::{Failure, Reason, Status, legible};
use selection::filelist::lines;

/// Paths in index order.
#[derive(Debug)]
pub(crate) struct Only(Vec<TreePath>);

impl Only {
    /// Reads a list of paths that are relative to the source; `name` is what messages call it.
    ///
    /// # Errors
    /// A path that is absolute or leads upwards.
    pub(crate) fn parse(text: &[u8], null: bool, name: &str) -> Result<Only, Failure> {
        let mut paths = Vec::new();
        for (line, number) in lines(text, null).zip(1..).filter(|(line, _)| !line.is_empty()) {
            let refuse = |why: &dyn std::fmt::Display| {
                Failure::new(Status::Usage, format!("{name}, line {number}: {why}"))
                    .because(Reason::OutsideList)
            };
            if line.starts_with(b"/") {
                let shown = legible::name(line);
                return Err(refuse(&format!("{shown}: not relative to the source")));
            }
            paths.push(TreePath::parse(line).map_err(|error| refuse(&error))?);
        }
        paths.sort_unstable();
        paths.dedup();
        Ok(Only(paths))
    }

    /// Whether nothing is asked for.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names in a directory that lead to what is listed, sorted.
    pub(crate) fn names(&self, directory: &TreePath) -> Vec<Vec<u8>> {
        let start = self.0.partition_point(|path| path <= directory);
        let below = self.0[start..].iter().take_while(|path| path.starts_with(directory));
        let depth = directory.components().count();
        let mut names: Vec<Vec<u8>> = Vec::new();
        for name in below.filter_map(|path| path.components().nth(depth)) {
            if names.last().is_none_or(|last| *last != name) {
                names.push(name.to_vec());
            }
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_holds_what_leads_to_listed_paths() {
        let only = Only::parse(b"a/b/c\n./i\na-b\na/z\n\na/b\n", false, "list").unwrap();
        let names = |path: &str| {
            let names = only.names(&TreePath::parse(path.as_bytes()).unwrap());
            names.iter().map(|n| String::from_utf8_lossy(n).into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names(""), ["a", "a-b", "i"]);
        assert_eq!(names("a"), ["b", "z"]);
        assert_eq!(names("a/b"), ["c"]);
        assert!(names("i").is_empty() && names("x").is_empty());
    }

    #[test]
    fn what_is_not_in_the_source_is_refused() {
        let refused =
            |text: &[u8]| Only::parse(text, false, "list").unwrap_err().message().to_owned();
        assert_eq!(refused(b"a\n/b"), "list, line 2: /b: not relative to the source");
        assert!(refused(b"a/../b").contains("line 1"));
    }
}
