//! How patterns may name what is in the source.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use globs::Glob;

/// The spellings of the source, with a slash at the end.
#[derive(Debug)]
pub struct Spelling {
    /// The first is duplicity's.
    bases: Vec<Vec<u8>>,
    /// What is said of a pattern that can match nothing.
    refusal: String,
}

impl Spelling {
    /// All ways to spell a source: as messages name it, and as the user has spelled it. What cannot be
    /// resolved has one way less.
    pub fn of_source(name: &OsStr, spelled: &OsStr) -> Spelling {
        let shown = failure::shown(name).to_string();
        let mut bases = vec![below(name.as_bytes()), below(spelled.as_bytes())];
        let name = Path::new(name);
        let resolved = [std::path::absolute(name), std::fs::canonicalize(name)];
        bases.extend(resolved.iter().flatten().map(|path| below(path.as_os_str().as_bytes())));
        Spelling { bases, refusal: format!("cannot match anything in {shown}") }
    }

    /// The one way to spell what is in a backup: as a listing of it does, relative to its source.
    pub fn of_backup() -> Spelling {
        let refusal = "cannot match anything in the backup; write a path relative to the source";
        Spelling { bases: Vec::new(), refusal: refusal.to_owned() }
    }

    /// The beginning of all paths as duplicity spells them.
    pub(crate) fn stock(&self) -> &[u8] {
        self.bases.first().map(Vec::as_slice).unwrap_or_default()
    }

    /// Reads a pattern, for paths relative to the source: in duplicity's spelling, else in another
    /// one of the source, else as relative.
    ///
    /// # Errors
    /// Why it is none, or that it can match nothing.
    pub(crate) fn read(&self, pattern: &[u8]) -> Result<Glob, String> {
        let (pattern, ignore_case) = match pattern.strip_prefix(b"ignorecase:") {
            Some(rest) => (rest, true),
            None => (pattern, false),
        };
        let pattern = tidy(pattern);
        let relative = pattern.strip_prefix(b"./").unwrap_or(&pattern);
        if self.bases.is_empty() && relative.starts_with(b"**/") {
            // What is right below the source has a directory above it, as in a backup.
            let glob = Glob::new(relative, ignore_case)?;
            return Ok(glob.after(b"./").unwrap_or(glob));
        }
        for spelt in [&pattern, relative].into_iter().filter(|spelt| !spelt.is_empty()) {
            let glob = Glob::new(spelt, ignore_case)?;
            if let Some(glob) = self.bases.iter().find_map(|base| glob.after(base)) {
                return Ok(glob);
            }
        }
        let leads_out = relative.split(|byte| *byte == b'/').any(|part| part == b"..");
        if leads_out || relative == b"." || relative.starts_with(b"/") {
            return Err(self.refusal.clone());
        }
        // An empty one has not been read yet: that it is refused is the answer.
        Ok(Glob::new(relative, ignore_case)?)
    }
}

fn below(name: &[u8]) -> Vec<u8> {
    let end = name.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
    [&name[..end], b"/"].concat()
}

/// A pattern without doubled slashes and `.` in the middle.
fn tidy(pattern: &[u8]) -> Vec<u8> {
    let parts: Vec<_> = pattern.split(|byte| *byte == b'/').collect();
    let last = parts.len() - 1;
    let counts = |at: usize, part: &[u8]| at == 0 || at == last || !matches!(part, b"" | b".");
    let kept: Vec<_> =
        parts.iter().enumerate().filter(|(at, part)| counts(*at, part)).map(|(_, p)| *p).collect();
    kept.join(&b'/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use globs::symbols;

    fn spelling(bases: &[&str]) -> Spelling {
        let bases = bases.iter().map(|base| below(base.as_bytes())).collect();
        Spelling { bases, refusal: "cannot match".to_owned() }
    }

    #[test]
    fn patterns_name_the_source_in_any_way() {
        let spelling = spelling(&["src", "./x/../src", "/home/moo/src"]);
        for pattern in [
            "src/a",
            "./src/a",
            "./x/../src/a",
            "/home/moo/src/a",
            "/home//moo/./src/a",
            "a",
            "./a",
            "**/a",
            "*/a",
            "/home/*/src/a",
            "ignorecase:/home/moo/SRC/A",
            "ignorecase:A",
        ] {
            let glob = spelling.read(pattern.as_bytes()).unwrap();
            assert!(glob.matches(&symbols(b"a"), false), "{pattern}");
            assert!(!glob.matches(&symbols(b"b"), false), "{pattern}");
        }
    }

    #[test]
    fn what_lies_outside_the_source_is_refused() {
        let spelling = spelling(&["src", "/home/moo/src"]);
        for pattern in ["/home/moo/srd/a", "/a", "../src/a", "a/../b", "./", ".", ""] {
            assert!(spelling.read(pattern.as_bytes()).is_err(), "{pattern}");
        }
    }

    #[test]
    fn a_pattern_for_a_backup_is_relative_to_its_source() {
        let spelling = Spelling::of_backup();
        for pattern in ["a", "./a", "a/", "**/a", "**a", "?", "ignorecase:A"] {
            let glob = spelling.read(pattern.as_bytes()).unwrap();
            assert!(glob.matches(&symbols(b"a"), true), "{pattern}");
        }
        assert!(!spelling.read(b"*/a").unwrap().matches(&symbols(b"a"), false));
        assert!(spelling.read(b"**/a").unwrap().matches(&symbols(b"b/a"), false));
        for pattern in ["/a", "../a", "a/../b", ".", "./", ""] {
            assert!(spelling.read(pattern.as_bytes()).is_err(), "{pattern}");
        }
    }

    #[test]
    fn the_root_and_the_working_directory_are_spelt_without_more_slashes() {
        assert!(spelling(&["/"]).read(b"/etc").unwrap().matches(&symbols(b"etc/a"), false));
        let here = spelling(&[".", "/home"]);
        for pattern in ["./a", "a", "/home/a"] {
            assert!(here.read(pattern.as_bytes()).unwrap().matches(&symbols(b"a"), false));
        }
    }
}
