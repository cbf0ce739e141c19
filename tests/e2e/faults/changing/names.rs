//! Names that come, go and turn into something else, and directories that get other names.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::blocks::{parse, version};

/// The number that the files bear whose names change.
pub(super) const NAMED: u64 = 1000;

/// Blocks of each of them.
pub(super) const SMALL: u64 = 100;

/// Something else under the name each time.
pub(super) fn turn_into(path: &Path, turn: u64) {
    if fs::remove_file(path).is_err() {
        let _ = fs::remove_dir_all(path);
    }
    match turn % 5 {
        0 => fs::write(path, version(NAMED, turn, SMALL)).unwrap(),
        1 => {
            fs::create_dir(path).unwrap();
            fs::write(path.join("below"), version(NAMED, turn, SMALL)).unwrap();
        }
        2 => symlink("moo", path).unwrap(),
        3 => mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap(),
        _ => {}
    }
}

/// Another name for the folder each time.
pub(super) fn move_on(moves: &Path, turn: u64) {
    let names = ["one", "two", "a", "zz"];
    let [from, to] = [turn, turn + 1].map(|n| moves.join(names[n as usize % 4]));
    let _ = fs::rename(from, to);
}

/// Every file below is a whole one, or the beginning of one that was being written.
pub(super) fn are_whole(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            are_whole(&entry.path());
        } else if kind.is_file() {
            let content = fs::read(entry.path()).unwrap();
            let blocks = parse(NAMED, &content).expect("blocks of such a file");
            assert!(blocks.windows(2).all(|two| two[0].version == two[1].version));
        }
    }
}
