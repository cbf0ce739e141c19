//! The blocks of commands in a page of section 7, which tests follow.

use std::fs;
use std::path::PathBuf;

use tests::sandbox::workspace;

/// How the page writes what roff would take for something else.
const ESCAPES: [(&str, &str); 7] = [
    ("\\e", "\\"),
    ("\\-", "-"),
    ("\\(ti", "~"),
    ("\\(aq", "'"),
    ("\\(ha", "^"),
    ("\\(dq", "\""),
    ("\\(ga", "`"),
];

/// Where a page is.
pub(crate) fn path(page: &str) -> PathBuf {
    workspace().join("man/man7").join(page)
}

/// The blocks of commands of a section, as the page has them.
pub(crate) fn blocks(page: &str, section: &str) -> Vec<String> {
    let text = fs::read_to_string(path(page)).unwrap();
    let (_, rest) = text.split_once(&format!(".SH {section}\n")).expect(section);
    let section = rest.split("\n.SH ").next().unwrap();
    let blocks = section.split(".EX\n").skip(1);
    blocks.map(|block| block.split(".EE\n").next().unwrap().to_owned()).collect()
}

/// Text of a page as its reader sees it.
pub(crate) fn plain(text: &str) -> String {
    let text = text.replace("\\&", "");
    // The backslash itself comes last.
    let text = ESCAPES[1..].iter().fold(text, |text, (escape, is)| text.replace(escape, is));
    text.replace(ESCAPES[0].0, ESCAPES[0].1)
}

/// The reverse.
pub(crate) fn escaped(text: &str) -> String {
    let text = ESCAPES.iter().fold(text.to_owned(), |text, (escape, is)| text.replace(is, escape));
    let dots = text.lines().map(|line| if line.starts_with('.') { "\\&" } else { "" });
    text.lines().zip(dots).map(|(line, dot)| format!("{dot}{line}\n")).collect()
}
