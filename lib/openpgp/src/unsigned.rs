//! The content of a message that nobody signed, as GnuPG, duplicity and we write it: a literal packet,
//! mostly in a compressed one (RFC 4880, 11.3). Others are sequoia's work.

use std::io::{self, BufRead, BufReader, Read};

use igzip::Inflate;
use sequoia_openpgp::packet::Tag;
use sequoia_openpgp::types::CompressionAlgorithm;

use crate::body::Body;
use crate::frame::tag;

/// How much is inflated at a time: each time, the window of 32 KiB is copied too.
const PIECE: usize = 256 << 10;
/// The format of a literal packet, and the length of the name in it.
const HEADER: usize = 2;
/// What follows the name.
const DATE: u64 = 4;

/// A reader of the content of a message that is decrypted; an error where it is one of the others. The
/// end of the content is the end of the message, too.
pub(crate) fn content<'a>(
    which: &str,
    mut message: impl BufRead + 'a,
) -> io::Result<Box<dyn BufRead + 'a>> {
    if !begins_with(&mut message, Tag::CompressedData)? {
        return literal(which, message);
    }
    let mut packed = Body::new(which, Tag::CompressedData, message);
    let mut algorithm = [0];
    packed.read_exact(&mut algorithm)?;
    let inflate = match CompressionAlgorithm::from(algorithm[0]) {
        CompressionAlgorithm::Zlib => Inflate::zlib(packed),
        CompressionAlgorithm::Zip => Inflate::raw(packed),
        _ => return Err(other()),
    };
    literal(which, BufReader::with_capacity(PIECE, inflate))
}

/// A reader of the content of one literal packet that is the whole message; an error where it is anything
/// else.
pub(crate) fn literal<'a>(
    which: &str,
    mut message: impl BufRead + 'a,
) -> io::Result<Box<dyn BufRead + 'a>> {
    if !begins_with(&mut message, Tag::Literal)? {
        return Err(other());
    }
    let mut body = Body::new(which, Tag::Literal, message);
    let mut header = [0; HEADER];
    body.read_exact(&mut header)?;
    let [b'b', name] = header else {
        return Err(other());
    };
    let length = u64::from(name) + DATE;
    if io::copy(&mut (&mut body).take(length), &mut io::sink())? < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Box::new(body))
}

fn other() -> io::Error {
    io::ErrorKind::Unsupported.into()
}

fn begins_with(message: &mut impl BufRead, wanted: Tag) -> io::Result<bool> {
    Ok(message.fill_buf()?.first().is_some_and(|first| tag(*first) == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::Parts;
    use flate2::Compression;
    use flate2::read::{DeflateEncoder, ZlibEncoder};
    use std::io::Write;

    const BARE: u8 = 0;
    const ZIP: u8 = 1;
    const ZLIB: u8 = 2;

    fn noise(length: usize) -> Vec<u8> {
        (0..length as u64).map(|at| ((at * at * 0x9e37_79b9) >> 13) as u8).collect()
    }

    /// A packet in parts, or up to the end of its message.
    fn packet(tag: Tag, body: &[u8], endless: bool) -> Vec<u8> {
        if endless {
            return [&[0x83 | u8::from(tag) << 2], body].concat();
        }
        let mut parts = Parts::new(Vec::new(), tag).unwrap();
        parts.write_all(body).unwrap();
        parts.finish().unwrap()
    }

    fn literal_packet(content: &[u8], endless: bool) -> Vec<u8> {
        packet(Tag::Literal, &[b"b\x04moo!\0\0\0\0", content].concat(), endless)
    }

    /// A compressed packet with that in its stream, and something behind it.
    fn compressed(algorithm: u8, inner: &[u8], behind: &[u8], endless: bool) -> Vec<u8> {
        let mut body = vec![algorithm];
        match algorithm {
            ZIP => DeflateEncoder::new(inner, Compression::fast()).read_to_end(&mut body),
            _ => ZlibEncoder::new(inner, Compression::fast()).read_to_end(&mut body),
        }
        .unwrap();
        packet(Tag::CompressedData, &[&body, behind].concat(), endless)
    }

    fn message(packing: u8, endless: bool, content: &[u8]) -> Vec<u8> {
        let literal = literal_packet(content, endless);
        if packing == BARE { literal } else { compressed(packing, &literal, b"", endless) }
    }

    fn read(message: &[u8], buffer: usize) -> io::Result<Vec<u8>> {
        let mut read = Vec::new();
        content("vol1", BufReader::with_capacity(buffer, message))?.read_to_end(&mut read)?;
        Ok(read)
    }

    #[test]
    fn content_of_any_length_comes_back_however_it_is_packed_and_no_end_of_it_may_lack() {
        for length in [0, 1, 200, 8400, 65_536, 300_000] {
            let content = noise(length);
            for (packing, endless) in
                [BARE, ZIP, ZLIB].into_iter().flat_map(|p| [(p, false), (p, true)])
            {
                let message = message(packing, endless, &content);
                for buffer in [1, 7, 1 << 16] {
                    assert!(
                        read(&message, buffer).unwrap() == content,
                        "{length} {packing} {endless}"
                    );
                }
                // A packet that is bare and without an end ends anywhere.
                let cut = [1, 2, 5, message.len() / 2]
                    .map(|lacks| read(&message[..message.len() - lacks], 100));
                assert!(
                    endless && packing == BARE || cut.iter().all(Result::is_err),
                    "{length} {packing} {endless}"
                );
            }
        }
    }

    #[test]
    fn what_follows_a_stream_in_its_packet_is_passed_over_and_what_follows_a_packet_is_refused() {
        let literal = literal_packet(b"moo", false);
        let two = [literal.as_slice(), &literal].concat();
        for algorithm in [ZIP, ZLIB] {
            for endless in [false, true] {
                let padded = compressed(algorithm, &literal, b"purr", endless);
                assert_eq!(read(&padded, 100).unwrap(), b"moo");
                assert!(read(&compressed(algorithm, &two, b"", endless), 100).is_err());
            }
            let whole = compressed(algorithm, &literal, b"", false);
            assert!(read(&[whole.as_slice(), &literal].concat(), 100).is_err());
        }
        assert!(read(&two, 100).is_err());
    }

    #[test]
    fn a_changed_zlib_stream_gives_no_other_content() {
        let content = noise(1000);
        let whole = message(ZLIB, false, &content);
        for at in 4..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0x10;
            // Bits that fill up a byte, and the date, have no say.
            assert!(read(&changed, 100).map_or(true, |read| read == content), "{at}");
        }
    }

    #[test]
    fn other_messages_are_left_to_others() {
        let text = packet(Tag::Literal, b"t\0\0\0\0\0moo", false);
        let signed = packet(Tag::OnePassSig, b"moo", false);
        let twice = compressed(ZLIB, &message(ZIP, false, b"moo"), b"", false);
        let bzip2 = packet(Tag::CompressedData, b"\x03BZh9", false);
        for other in [&text, &signed, &twice, &bzip2, &b"moo".to_vec(), &Vec::new()] {
            assert!(content("vol1", other.as_slice()).is_err());
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(0u8.., 0..300), packing in 0u8..3) {
            let _ = read(&bytes, 7);
            let _ = read(&compressed(packing.max(ZIP), &bytes, b"", false), 7);
        }
    }
}
