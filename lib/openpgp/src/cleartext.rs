//! The format of a seal file: a cleartext-signed text, or one armored message (RFC 4880, 6.2 and 7).
//!
//! Only one strict form is read. GnuPG and sequoia also accept text around it, other headers, and any
//! packets inside it. No signature covers these, and some take unbounded time to read.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const SIGNED: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: [&[u8]; 2] = [b"-----BEGIN PGP SIGNATURE-----", b"-----END PGP SIGNATURE-----"];
const MESSAGE: [&[u8]; 2] = [b"-----BEGIN PGP MESSAGE-----", b"-----END PGP MESSAGE-----"];
/// The most `Hash:` headers.
const MOST_HASHES: usize = 8;
/// Characters in a line of armor. GnuPG and sequoia write 64; the standard allows 76.
const LONGEST_LINE: usize = 76;
/// The headers that GnuPG writes above a signature if its user's configuration says so.
const HEADERS: [&[u8]; 2] = [b"Version: ", b"Comment: "];

/// What a seal file holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SealFrame<'a> {
    /// A text with its signatures: binary packets, not yet parsed.
    Signed {
        text: Cow<'a, [u8]>,
        /// The names of the hashes in the headers.
        hashes: Vec<&'a [u8]>,
        signatures: Vec<u8>,
    },
    /// A message in binary, not yet parsed.
    Message(Vec<u8>),
}

/// Parses a seal file.
///
/// # Errors
/// Why it is not in the strict form: bytes before or after it, an unknown header, a line of the text with
/// white space at its end or a needless escape, armor that is malformed or whose checksum is wrong.
pub(crate) fn parse(bytes: &[u8]) -> Result<SealFrame<'_>, &'static str> {
    let mut lines = Lines { rest: bytes };
    let first = lines.next_line().ok_or("is empty")?;
    if first == SIGNED {
        return signed(lines);
    }
    if first != MESSAGE[0] {
        return Err("is neither a cleartext-signed text nor an armored message");
    }
    if lines.next_line() != Some(b"") {
        return Err("has an unknown header");
    }
    armor(lines, MESSAGE[1]).map(SealFrame::Message)
}

/// The lines of a file, each of which must have its line feed.
struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Lines<'a> {
    fn next_line(&mut self) -> Option<&'a [u8]> {
        let end = memchr::memchr(b'\n', self.rest)?;
        let (line, rest) = (&self.rest[..end], &self.rest[end + 1..]);
        self.rest = rest;
        Some(line)
    }
}

fn signed(mut lines: Lines<'_>) -> Result<SealFrame<'_>, &'static str> {
    let cut = "is cut off";
    let mut hashes = Vec::new();
    loop {
        let line = lines.next_line().ok_or(cut)?;
        match line.strip_prefix(b"Hash: ") {
            Some(names) if hashes.len() < MOST_HASHES => hashes.extend(names.split(|b| *b == b',')),
            None if line.is_empty() => break,
            _ => return Err("has an unknown header"),
        }
    }
    let start = lines.rest;
    let mut escaped = false;
    let length = loop {
        let length = start.len() - lines.rest.len();
        let line = lines.next_line().ok_or(cut)?;
        if line == SIGNATURE[0] {
            break length;
        }
        escaped |= check_line(line)?;
    };
    let text = &start[..length];
    let text = match length {
        // The last line feed belongs to the format; an empty text has it too.
        0 => Cow::Borrowed(&b"\n"[..]),
        _ if escaped => Cow::Owned(unescape(text)),
        _ => Cow::Borrowed(text),
    };
    loop {
        match lines.next_line().ok_or(cut)? {
            b"" => break,
            line if HEADERS.iter().any(|header| line.starts_with(header)) => {}
            _ => return Err("has an unknown header"),
        }
    }
    Ok(SealFrame::Signed { text, hashes, signatures: armor(lines, SIGNATURE[1])? })
}

/// Whether a line of a signed text is escaped; an error if it is not written in the one way.
fn check_line(line: &[u8]) -> Result<bool, &'static str> {
    if line.last().is_some_and(|byte| b" \t\r".contains(byte)) {
        return Err("has white space at the end of a line");
    }
    match line.strip_prefix(b"- ") {
        Some(inner) if inner.starts_with(b"-") || inner.starts_with(b"From ") => Ok(true),
        Some(_) => Err("has a needless escape in a line"),
        None if line.starts_with(b"-") => Err("has an unescaped dash"),
        None => Ok(false),
    }
}

fn unescape(text: &[u8]) -> Vec<u8> {
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    lines.flat_map(|line| line.strip_prefix(b"- ").unwrap_or(line)).copied().collect()
}

/// What is in the rest of an armor, behind its headers.
fn armor(mut lines: Lines<'_>, end: &[u8]) -> Result<Vec<u8>, &'static str> {
    let malformed = "has malformed armor";
    let mut letters = Vec::new();
    let mut sum = None;
    loop {
        let line = lines.next_line().ok_or("is cut off")?;
        if line == end {
            break;
        }
        if sum.is_some() || line.is_empty() || line.len() > LONGEST_LINE {
            return Err(malformed);
        }
        match line.strip_prefix(b"=") {
            Some(written) => sum = Some(written),
            None => letters.extend_from_slice(line),
        }
    }
    if !lines.rest.is_empty() {
        return Err("has data after its end");
    }
    let bytes = STANDARD.decode(letters).map_err(|_| malformed)?;
    match sum {
        Some(sum) if sum != STANDARD.encode(crc24(&bytes)).as_bytes() => {
            Err("has armor with a wrong checksum")
        }
        _ => Ok(bytes),
    }
}

/// The checksum of armor (RFC 4880, 6.1).
fn crc24(bytes: &[u8]) -> [u8; 3] {
    let sum = bytes.iter().fold(0x00b7_04ce_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte) << 16, |sum, _| {
            let shifted = sum << 1;
            if shifted & 0x0100_0000 == 0 { shifted } else { shifted ^ 0x0186_4cfb }
        })
    });
    let [_, sum @ ..] = sum.to_be_bytes();
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(text: &str) -> String {
        let sum = STANDARD.encode(crc24(b"moo"));
        let armor = format!("bW9v\n={sum}\n-----END PGP SIGNATURE-----\n");
        format!(
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{text}-----BEGIN PGP SIGNATURE-----\n\n{armor}"
        )
    }

    #[test]
    fn a_frame_is_taken_off() {
        let read = |text: &str| match parse(frame(text).as_bytes()).map_err(str::to_owned)? {
            SealFrame::Signed { text, signatures, hashes }
                if signatures == b"moo" && hashes == [b"SHA512"] =>
            {
                Ok(String::from_utf8(text.into_owned()).unwrap())
            }
            other => Err(format!("{other:?}")),
        };
        for (framed, text) in
            [("one\ntwo\n", "one\ntwo\n"), ("", "\n"), ("- -x\n- From\n- From x\n", "")]
        {
            let read = read(framed);
            assert!(
                if text.is_empty() { read.is_err() } else { read == Ok(text.into()) },
                "{framed}"
            );
        }
        assert_eq!(read("- -x\n- From x\n- --\n"), Ok("-x\nFrom x\n--\n".into()));
    }

    #[test]
    fn any_other_form_is_refused() {
        let whole = frame("one\n");
        assert!(parse(whole.as_bytes()).is_ok());
        for (from, to) in [
            ("-----BEGIN PGP SIGNED", "\n-----BEGIN PGP SIGNED"),
            ("Hash: ", "Charset: "),
            ("one\n", "one \n"),
            ("one\n", "one\r\n"),
            ("one\n", "- one\n"),
            ("one\n", "-one\n"),
            ("bW9v", "bW9w"),
            ("bW9v", "bW9v\n"),
            ("bW9v", "bW9v bW9v"),
            ("SIGNATURE-----\n\n", "SIGNATURE-----\nCharset: x\n\n"),
            ("END PGP SIGNATURE-----\n", "END PGP SIGNATURE-----"),
            ("END PGP SIGNATURE-----\n", "END PGP SIGNATURE-----\n\n"),
            ("END PGP SIGNATURE-----\n", "END PGP SIGNATURE-----\nmoo\n"),
        ] {
            let changed = whole.replace(from, to);
            assert!(changed != whole && parse(changed.as_bytes()).is_err(), "{changed}");
        }
        for at in 0..whole.len() {
            assert!(parse(&whole.as_bytes()[..at]).is_err(), "{at}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>, text in "[-a \\n\\r=]{0,40}") {
            let _ = parse(&bytes);
            let _ = parse(frame(&text).as_bytes());
        }
    }
}
