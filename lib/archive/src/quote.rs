//! How a manifest quotes paths.

use std::borrow::Cow;

use crate::Error;

/// ASCII white space as manifests know it; vertical tab included.
pub(crate) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn is_special(byte: u8) -> bool {
    is_blank(byte) || matches!(byte, b'\\' | b'"' | b'\'')
}

/// Quotes a text that has white space, a backslash or a quote: in double quotes, with `\xHH` for
/// these characters. Any other text stays unchanged.
pub fn quote(raw: &[u8]) -> Cow<'_, [u8]> {
    if !raw.iter().copied().any(is_special) {
        return Cow::Borrowed(raw);
    }
    let mut quoted = vec![b'"'];
    for &byte in raw {
        if is_special(byte) {
            quoted.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
        } else {
            quoted.push(byte);
        }
    }
    quoted.push(b'"');
    Cow::Owned(quoted)
}

/// The opposite of [`quote`]. A text without a leading double quote stays unchanged.
///
/// # Errors
/// Quotes that are not closed at the end, and escapes other than `\xHH`.
pub fn unquote(text: &[u8]) -> Result<Cow<'_, [u8]>, Error> {
    let Some(rest) = text.strip_prefix(b"\"") else {
        return Ok(Cow::Borrowed(text));
    };
    rest.strip_suffix(b"\"")
        .and_then(unescape)
        .map(Cow::Owned)
        .ok_or_else(|| Error::new(text, "not quoted as in a manifest"))
}

fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut raw = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = match byte {
            b'\\' => {
                let [b'x', high, low, after @ ..] = after else {
                    return None;
                };
                raw.push(hex(*high)? << 4 | hex(*low)?);
                after
            }
            b'"' => return None,
            _ => {
                raw.push(byte);
                after
            }
        };
    }
    Some(raw)
}

fn hex(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_come_back_from_their_quotes(raw: Vec<u8>) {
            let quoted = quote(&raw);
            prop_assert!(!quoted.iter().copied().any(is_blank));
            prop_assert_eq!(unquote(&quoted).unwrap().into_owned(), raw);
        }

        #[test]
        fn no_text_makes_the_parser_fall_over(text in "\"?[\\\\x0-9a-f\" ]{0,12}\"?") {
            let _ = unquote(text.as_bytes());
        }
    }

    #[test]
    fn quotes_look_as_duplicity_writes_them() {
        assert_eq!(*quote(b"with space"), *b"\"with\\x20space\"");
        assert_eq!(*quote(b"\xff\x80-a"), *b"\xff\x80-a");
        for bad in [&b"\""[..], b"\"a", b"\"\\x2\"", b"\"\\n\"", b"\"a\"b\"", b"\"\\x+1\""] {
            assert!(unquote(bad).is_err(), "{bad:?}");
        }
    }
}
