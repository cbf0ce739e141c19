//! Trees that are large in one way, or in several.

use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};

/// Files in one of many folders.
const FOLDER: usize = 200;
/// Bytes of a file that fills all buffers, so that a small tree takes as much of these as a large
/// one.
const FILLED: usize = 24 << 20;
/// Bytes of the longest paths.
const LONGEST: usize = 4000;
/// Folders that are below one another, with names of one letter.
const LEVELS: usize = 1500;
/// Bytes of what is stored in a sparse file, at each of three places.
const STORED: usize = 70_000;

/// How large a tree is.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    /// Small files: one half in one folder, the other one in many.
    pub(crate) files: usize,
    /// Bytes of a sparse file.
    pub(crate) sparse: u64,
    /// Files with paths of 4,000 bytes.
    pub(crate) deep: usize,
}

impl Shape {
    pub(crate) fn name(&self) -> String {
        let Shape { files, sparse, deep } = self;
        format!("{files} files, {deep} with long paths, a sparse one of {} MiB", sparse >> 20)
    }

    /// Makes such a tree.
    pub(crate) fn make(&self, root: &Path) {
        fs::write(root.join("filled"), noise(0, FILLED)).unwrap();
        fs::create_dir(root.join("flat")).unwrap();
        for number in 0..self.files {
            let path = place(root, number);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, noise(number, 10 + number % 100)).unwrap();
        }
        let sparse = File::create(root.join("sparse")).unwrap();
        sparse.set_len(self.sparse).unwrap();
        for at in [0, self.sparse / 2, self.sparse - STORED as u64] {
            sparse.write_all_at(&noise(1, STORED), at).unwrap();
        }
        self.deep(root, 0..self.deep);
    }

    /// Changes some of it: of each twenty files, one has another content and one another name.
    pub(crate) fn change(&self, root: &Path) {
        fs::write(root.join("filled"), noise(1, FILLED)).unwrap();
        for number in (0..self.files).step_by(20) {
            fs::write(place(root, number), noise(self.files + number, 200)).unwrap();
            let path = place(root, number + 1);
            fs::rename(&path, path.with_extension("new")).unwrap();
        }
        let sparse = File::options().write(true).open(root.join("sparse")).unwrap();
        for at in [self.sparse / 3, self.sparse / 2 + 10_000, self.sparse] {
            sparse.write_all_at(&noise(2, STORED), at).unwrap();
        }
        self.deep(root, self.deep..self.deep + self.deep / 10);
    }

    /// Files whose paths are as long as a path can be, and folders as deep.
    fn deep(&self, root: &Path, numbers: std::ops::Range<usize>) {
        if self.deep == 0 {
            return;
        }
        let long = below(root, &"l".repeat(250), LONGEST / 251);
        let name = "n".repeat(LONGEST % 251 - 9);
        for number in numbers {
            let flags = OFlags::WRONLY | OFlags::CREATE;
            let file = format!("{name}{number:08}");
            drop(openat(&long, file.as_str(), flags, Mode::from_raw_mode(0o644)).unwrap());
        }
        drop(below(root, "d", LEVELS));
    }
}

/// The lowest of so many folders below one another, which are made where they are not there.
fn below(root: &Path, name: &str, levels: usize) -> OwnedFd {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let mut folder = openat(CWD, root, flags, Mode::empty()).unwrap();
    for _ in 0..levels {
        let _ = mkdirat(&folder, name, Mode::from_raw_mode(0o755));
        folder = openat(&folder, name, flags, Mode::empty()).unwrap();
    }
    folder
}

/// Where the file of that number is.
fn place(root: &Path, number: usize) -> PathBuf {
    let name = format!("a file with number {number:07}");
    if number.is_multiple_of(2) {
        return root.join("flat").join(name);
    }
    root.join(format!("many/{:05}", number / FOLDER)).join(name)
}

/// Bytes that nothing makes smaller, others for each number.
fn noise(number: usize, length: usize) -> Vec<u8> {
    let (mut state, mut bytes) = (number as u64 * 2 + 1, Vec::with_capacity(length + 4));
    while bytes.len() < length {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        bytes.extend_from_slice(&state.to_le_bytes()[4..]);
    }
    bytes.truncate(length);
    bytes
}
