//! Runs real duplicity on a small tree in a folder of its own.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// The duplicity of the system, and a newer one if the environment names it.
pub(crate) fn peers() -> Vec<PathBuf> {
    let newer = std::env::var_os("MOO_DUPLICITY_NEW").map(PathBuf::from);
    [PathBuf::from("duplicity")].into_iter().chain(newer).collect()
}

/// A folder with a source tree, a store and a local archive.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    /// A tree with order traps, names of every byte, and more content than fits into a volume.
    pub(crate) fn new() -> Place {
        let place = Place { folder: tempfile::tempdir().unwrap() };
        for name in ["a/b/c", "a/z", "a-b", "a.txt", "empty"] {
            place.write(name.as_bytes(), name.as_bytes());
        }
        for byte in (1..=255).filter(|&byte| byte != b'/') {
            place.write(&[b'n', byte, b'x'], b"");
        }
        place.write(b"noise \"'\\\n\t\x0b\x0c\r", &noise(3_000_000));
        place.write(b"pieces", &noise(200_000));
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of the source tree.
    pub(crate) fn write(&self, name: &[u8], content: &[u8]) {
        let path = self.path("src").join(std::ffi::OsStr::from_bytes(name));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Dates a file back: duplicity goes by whole seconds, so a quick change escapes it.
    pub(crate) fn set_old(&self, name: &[u8]) {
        let path = self.path("src").join(std::ffi::OsStr::from_bytes(name));
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
    }

    /// Makes a backup of the tree: the first one is full, the next one an increment.
    pub(crate) fn back_up(&self, peer: &Path, options: &[&str]) {
        let store = format!("file://{}", self.path("store").display());
        let done = Command::new(peer)
            .args(["--no-encryption", "--volsize", "1", "--archive-dir", "archive", "--name", "x"])
            .args(options)
            .args(["src", &store])
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path())
            .env("PASSPHRASE", "")
            .output()
            .unwrap_or_else(|error| panic!("{}: {error}", peer.display()));
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    }

    /// The names in a folder, sorted.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// Bytes that do not compress.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 88_172_645_463_325_252u64;
    let step = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..length).map(step).collect()
}
