//! Names and sizes as people read them. No name that comes out of here can command a terminal, or
//! deceive who reads it.

use archive::TreePath;
use stream::member::Kind;

/// A name or a target on one line: a byte that is no part of UTF-8, control characters, those that
/// turn the direction of writing, and the backslash stand as `\xHH` for each byte.
pub fn name(raw: &[u8]) -> String {
    let mut text = String::new();
    for chunk in raw.utf8_chunks() {
        for letter in chunk.valid().chars() {
            if letter == '\\' || is_command(letter) {
                let mut bytes = [0; 4];
                push_bytes(&mut text, letter.encode_utf8(&mut bytes).as_bytes());
            } else {
                text.push(letter);
            }
        }
        push_bytes(&mut text, chunk.invalid());
    }
    text
}

/// A path, of which the source itself is `.`.
pub fn path(path: &TreePath) -> String {
    if path.is_root() { ".".to_owned() } else { name(path.as_bytes()) }
}

/// Whether a terminal does something else than to show it.
pub fn is_command(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn push_bytes(text: &mut String, bytes: &[u8]) {
    text.extend(bytes.iter().map(|byte| format!("\\x{byte:02x}")));
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
    use proptest::prelude::*;

    #[test]
    fn what_a_terminal_would_obey_is_spelt_out() {
        assert_eq!(name(b"a\x1b[2J\n\\\xff"), "a\\x1b[2J\\x0a\\x5c\\xff");
        assert_eq!(name("\u{9b}x\u{202e}é".as_bytes()), "\\xc2\\x9bx\\xe2\\x80\\xaeé");
        assert_eq!(path(&TreePath::root()), ".");
    }

    #[test]
    fn sizes_are_rounded_for_people() {
        assert_eq!(
            [999, 1024, 1_048_575, 1 << 40, u64::MAX].map(size),
            ["999 B", "1.0 KiB", "1.0 MiB", "1.0 TiB", "16.0 EiB"]
        );
    }

    proptest! {
        #[test]
        fn no_two_names_look_the_same(one: Vec<u8>, two: Vec<u8>) {
            prop_assert_eq!(name(&one) == name(&two), one == two);
            prop_assert!(!name(&one).chars().any(is_command));
        }
    }
}
