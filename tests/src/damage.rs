//! What goes wrong with files at a store.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

/// The one file of a folder whose name holds that part, such as `vol1.` or `manifest`.
pub fn find(folder: impl AsRef<Path>, part: &str) -> PathBuf {
    let mut found = find_all(folder, part);
    assert_eq!(found.len(), 1, "one file with {part:?} in its name: {found:?}");
    found.remove(0)
}

/// All files of a folder whose names hold that part, sorted.
pub fn find_all(folder: impl AsRef<Path>, part: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = entries
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().contains(part)))
        .collect();
    found.sort();
    found
}

/// Flips one bit of the byte at that offset; a negative one counts from the end.
pub fn flip(file: impl AsRef<Path>, offset: i64) {
    let mut bytes = fs::read(&file).unwrap();
    let len = i64::try_from(bytes.len()).unwrap();
    let at = if offset < 0 { len + offset } else { offset };
    bytes[usize::try_from(at).unwrap()] ^= 1;
    fs::write(file, bytes).unwrap();
}

/// Cuts a file to that length, which has to be shorter.
pub fn truncate(file: impl AsRef<Path>, len: u64) {
    let file = OpenOptions::new().write(true).open(file).unwrap();
    assert!(len < file.metadata().unwrap().len(), "nothing to cut");
    file.set_len(len).unwrap();
}

/// Removes a file.
pub fn remove(file: impl AsRef<Path>) {
    fs::remove_file(file).unwrap();
}
