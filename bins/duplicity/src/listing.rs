//! The text of list-current-files, from `moo list --json`.

use archive::SetTime;
use jiff::Timestamp;
use serde::Deserialize;

use crate::journal::{Journal, code, quoted};

/// An entry of a backup.
#[derive(Debug, Deserialize)]
struct Entry {
    path: String,
    #[serde(rename = "type")]
    kind: String,
    mtime: Option<String>,
}

/// Prints a line of `moo list --json` as duplicity does.
///
/// Returns whether it was one.
pub(crate) fn print(line: &[u8], journal: &Journal) -> bool {
    let Some((entry, path)) = read(line) else { return false };
    let time = entry.time();
    let text = [time.local().as_bytes(), b" ", &path].concat();
    journal.force(
        code::FILE_LIST,
        &format!("{time} {} {}", quoted(&path), kind(&entry.kind)),
        &text,
    );
    true
}

fn read(line: &[u8]) -> Option<(Entry, Vec<u8>)> {
    let entry: Entry = serde_json::from_slice(line).ok()?;
    let path = archive::unescape(&entry.path)?;
    Some((entry, path))
}

/// A type in the words of duplicity.
pub(crate) fn kind(name: &str) -> &str {
    match name {
        "file" | "hard link" => "reg",
        "directory" => "dir",
        "symlink" => "sym",
        "character device" => "chr",
        "block device" => "blk",
        other => other,
    }
}

impl Entry {
    /// Its time, in whole seconds. A time that no set can have counts as the nearest one.
    fn time(&self) -> SetTime {
        let seconds = self.mtime.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
        let seconds = seconds.map_or(0, Timestamp::as_second);
        SetTime::from_seconds(seconds).unwrap_or(SetTime::LAST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_type_time_and_the_bytes_of_its_path() {
        let line = br#"{"path":"a\\xff\\x5c","type":"symlink","mtime":"2026-11-29T21:37:21.25Z"}"#;
        let (entry, path) = read(line).unwrap();
        assert_eq!((kind(&entry.kind), &path[..]), ("sym", &b"a\xff\\"[..]));
        assert_eq!(entry.time().to_string(), "20261129T213721Z");
        assert!(read(b"x").is_none());
    }
}
