//! The text of verify, from `moo verify`.

use crate::journal::Journal;
use crate::listing::kind;

/// What a comparison has found.
#[derive(Debug, Default)]
pub(crate) struct Differences {
    /// All lines.
    pub(crate) count: u64,
    /// Those of entries that only the source has.
    pub(crate) new: u64,
}

impl Differences {
    /// Takes a line of `moo verify`, and says the same as duplicity does.
    pub(crate) fn add(&mut self, line: &[u8], journal: &Journal) {
        let line = String::from_utf8_lossy(line);
        self.count += 1;
        self.new += u64::from(line.starts_with('+'));
        journal.notice(&format!("Difference found: {}", told(&line)));
    }
}

/// A line has a sign, what differs in a column of at least 20, and the path.
fn told(line: &str) -> String {
    const COLUMN: usize = 20;
    let (sign, rest) = line.split_once(' ').unwrap_or((line, ""));
    let end = rest.get(COLUMN..).and_then(|rest| rest.find(' ')).map(|at| COLUMN + at);
    let (what, path) = match end {
        Some(at) => (rest[..at].trim_end(), &rest[at + 1..]),
        None => ("", rest),
    };
    match sign {
        "+" => format!("New file {path}"),
        "-" => format!("File {path} is missing"),
        "T" => {
            let (was, now) = what.split_once(" to ").unwrap_or((what, "?"));
            format!("File {path} has type {}, expected {}", kind(now), kind(was))
        }
        _ => format!("File {path} has different {}", what.replace("mode", "permissions")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_difference_is_told_in_the_words_of_duplicity() {
        let line = |sign: &str, what: &str, path: &str| format!("{sign} {what:<20} {path}");
        for (line, expected) in [
            (line("+", "file", "a b"), "New file a b"),
            (line("-", "directory", "d"), "File d is missing"),
            (line("T", "file to directory", "x"), "File x has type dir, expected reg"),
            (
                line("M", "content,mode,mtime", "x"),
                "File x has different content,permissions,mtime",
            ),
            (
                line("M", "content,mode,owner,group", "x y"),
                "File x y has different content,permissions,owner,group",
            ),
        ] {
            assert_eq!(told(&line), expected);
        }
    }

    #[test]
    fn any_line_is_told_without_a_panic() {
        for line in ["", "+", "M x", "é", "T  ", "M ééééééééééééééé x"] {
            let _ = told(line);
        }
    }
}
