//! Foreign text for human readers: no name can send commands to a terminal, or deceive its reader.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;

/// Whether a terminal obeys the character instead of showing it, or shows it out of its order.
pub fn is_command(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A name on one line. Each byte of a control character, of the backslash, and of what is not UTF-8
/// becomes `\xHH`, so that no two names look equal.
pub fn name(raw: &[u8]) -> String {
    spelt(raw, |letter| letter == '\\' || is_command(letter))
}

/// The name or path of a file in a message, escaped as the scripts do: like a name, except for the
/// backslash.
#[derive(Clone, Debug)]
pub struct Shown<'a>(&'a OsStr);

/// Shows the name or path of a file.
pub fn shown<P: AsRef<OsStr> + ?Sized>(path: &P) -> Shown<'_> {
    Shown(path.as_ref())
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&spelt(self.0.as_bytes(), is_command))
    }
}

/// A message on one line, escaped like a name, except for the backslash, because its names may be
/// escaped already.
pub fn line(text: impl AsRef<[u8]>) -> String {
    spelt(text.as_ref(), is_command)
}

/// Text in which bytes that are not UTF-8, and the bytes of some characters, become `\xHH`.
fn spelt(raw: &[u8], is_spelt: impl Fn(char) -> bool) -> String {
    let mut text = String::with_capacity(raw.len());
    for chunk in raw.utf8_chunks() {
        for letter in chunk.valid().chars() {
            if is_spelt(letter) {
                push_bytes(&mut text, letter.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                text.push(letter);
            }
        }
        push_bytes(&mut text, chunk.invalid());
    }
    text
}

fn push_bytes(text: &mut String, bytes: &[u8]) {
    text.extend(bytes.iter().map(|byte| format!("\\x{byte:02x}")));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_terminal_would_obey_is_spelt_out() {
        assert_eq!(name(b"a\x1b[2J\n\\\xff"), "a\\x1b[2J\\x0a\\x5c\\xff");
        assert_eq!(name("\u{9b}x\u{202e}é".as_bytes()), "\\xc2\\x9bx\\xe2\\x80\\xaeé");
        assert_eq!(shown(OsStr::from_bytes(b"/a\n\\\xff")).to_string(), "/a\\x0a\\\\xff");
        assert_eq!(line("a\nb\x1b[2J \u{202e}\\"), "a\\x0ab\\x1b[2J \\xe2\\x80\\xae\\");
    }

    proptest! {
        #[test]
        fn no_two_names_look_the_same(one: Vec<u8>, two: Vec<u8>) {
            prop_assert_eq!(name(&one) == name(&two), one == two);
            prop_assert!(!name(&one).chars().any(is_command));
        }

        #[test]
        fn a_message_has_no_command_and_is_spelt_once(text: String) {
            let once = line(&text);
            prop_assert!(!once.chars().any(is_command));
            prop_assert_eq!(line(&once), once);
        }
    }
}
