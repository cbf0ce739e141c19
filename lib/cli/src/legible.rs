//! Names and sizes for human readers. No name can send commands to a terminal, or deceive its
//! reader.

use archive::TreePath;
pub use failure::legible::{is_command, name};
use stream::member::Kind;

/// A path, of which the source itself is `.`.
pub fn path(path: &TreePath) -> String {
    if path.is_root() { ".".to_owned() } else { name(path.as_bytes()) }
}

/// A number of bytes, such as `999 B` or `1.2 GiB`.
pub fn size(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64;
    let mut unit = "B";
    for next in ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] {
        // What would be rounded up to 1024.0 belongs to the next unit.
        if size < 1023.95 {
            break;
        }
        size /= 1024.0;
        unit = next;
    }
    format!("{size:.1} {unit}")
}

/// What an entry is, in a word.
pub fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "file",
        Kind::HardLink => "hard link",
        Kind::Symlink => "symlink",
        Kind::CharDevice => "character device",
        Kind::BlockDevice => "block device",
        Kind::Directory => "directory",
        Kind::Fifo => "fifo",
        Kind::Other(_) => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn the_source_itself_is_a_dot() {
        assert_eq!(path(&TreePath::root()), ".");
    }

    #[test]
    fn sizes_are_rounded_for_people() {
        assert_eq!(
            [999, 1024, 1_048_575, 1 << 40, u64::MAX].map(size),
            ["999 B", "1.0 KiB", "1.0 MiB", "1.0 TiB", "16.0 EiB"]
        );
    }
}
