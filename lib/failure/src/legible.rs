//! Foreign text for human readers: no name can send commands to a terminal, or deceive its reader.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;

use crate::connection;

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
/// The passwords in URLs are masked.
pub fn line(text: impl AsRef<[u8]>) -> String {
    masked(&spelt(text.as_ref(), is_command))
}

/// A text in which `***` stands for the password of each URL, and for each secret in a connection string of
/// rclone.
pub fn masked(text: &str) -> String {
    connection::masked(&masked_urls(text))
}

fn masked_urls(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        let end = after.find(|letter: char| letter.is_whitespace() || "'\"`".contains(letter));
        let (address, left) = after.split_at(end.unwrap_or(after.len()));
        shown.push_str(before);
        shown.push_str("://");
        match password(address) {
            Some((from, to)) => {
                shown.push_str(&address[..from]);
                shown.push_str("***");
                shown.push_str(&address[to..]);
            }
            None => shown.push_str(address),
        }
        rest = left;
    }
    shown + rest
}

/// Where the password is in `USER:PASSWORD@HOST/PATH`. One with a slash is one too, unless a port
/// stands there.
fn password(address: &str) -> Option<(usize, usize)> {
    let place = address.find('/').unwrap_or(address.len());
    let colon = address[..place].find(':')?;
    let is_port = address[colon + 1..place].bytes().all(|byte| byte.is_ascii_digit());
    let end = match address[..place].rfind('@') {
        Some(at) => at,
        None if is_port => return None,
        None => address.rfind('@')?,
    };
    (colon < end).then_some((colon + 1, end))
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

    #[test]
    fn passwords_of_urls_are_masked_wherever_they_stand() {
        for (text, expected) in [
            ("ftp://tom:pw@h/x: why", "ftp://tom:***@h/x: why"),
            ("a s3://tom:p@w:x@h b://:pw@h", "a s3://tom:***@h b://:***@h"),
            ("x://tom:p/w@h/y", "x://tom:***@h/y"),
            ("'x://tom:p@h' and x://h:22/a@b", "'x://tom:***@h' and x://h:22/a@b"),
            ("sftp://tom@h/a:b@c file:///a:b@c ://", "sftp://tom@h/a:b@c file:///a:b@c ://"),
            ("x://h:pw", "x://h:pw"),
        ] {
            assert_eq!(masked(text), expected);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_masked_without_a_panic(
            text in "[a:/@é ']{0,20}(://)?[a:/@é ']{0,20}(,pass=)?['\",:a]{0,9}"
        ) {
            prop_assert_eq!(masked(&masked(&text)), masked(&text));
        }

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
