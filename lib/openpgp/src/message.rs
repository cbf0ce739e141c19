//! What a message consists of: how it is encrypted, and the content of one that is decrypted
//! (RFC 4880, 11.3).

use std::io::{self, BufRead, BufReader, Read};

use igzip::Inflate;
use sequoia_openpgp::Packet;
use sequoia_openpgp::armor::{self, Kind, ReaderMode};
use sequoia_openpgp::packet::{PKESK, SKESK, Tag};
use sequoia_openpgp::parse::buffered_reader::BufferedReader;
use sequoia_openpgp::parse::{PacketParser, PacketParserResult, Parse};
use sequoia_openpgp::types::CompressionAlgorithm;

use crate::packets::{FramedMessage, PacketBody, tag_of};

/// How much of a message is looked at: enough for the session keys of hundreds of recipients, and for
/// what sequoia reads ahead.
const LENGTH: u64 = 256 << 10;

/// The least bytes after the session keys of an encrypted message: two more than a block of the
/// cipher, an empty literal packet and the check. sequoia panics on fewer.
const SHORTEST: usize = 40;

/// How a message is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protection {
    /// Encrypted, with a hash at its end (SEIPD version 1).
    Hashed,
    /// Encrypted, with a tag on each piece (SEIPD version 2).
    Authenticated,
    /// Encrypted by GnuPG 2.3 or later, with a tag on each piece (a packet that no standard has, with the
    /// tag 20).
    OfGnuPG,
    /// Encrypted without integrity protection: anybody can change it unseen (SED).
    Malleable,
    /// Signed, compressed or bare.
    NotEncrypted,
    /// Not an OpenPGP message, or damaged.
    Unknown,
}

/// The binary message, whether it is in armor or not.
pub(crate) fn without_armor<'a>(
    mut message: impl Read + Send + Sync + 'a,
) -> io::Result<Box<dyn Read + Send + Sync + 'a>> {
    let mut first = Vec::new();
    (&mut message).take(1).read_to_end(&mut first)?;
    // The first byte of a packet has its highest bit set.
    let armored = first.first().is_some_and(|byte| *byte < 0x80);
    let whole = io::Cursor::new(first).chain(message);
    if armored {
        let mode = ReaderMode::Tolerant(Some(Kind::Message));
        return Ok(Box::new(armor::Reader::from_reader(whole, mode)));
    }
    Ok(Box::new(whole))
}

/// The first bytes of a message, all of them if it is short.
pub(crate) fn read_head(message: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    message.take(LENGTH).read_to_end(&mut head)?;
    Ok(head)
}

/// The session keys of a message, and how the packet after them is protected.
pub(crate) struct MessageHead {
    pub(crate) protection: Protection,
    pub(crate) pkesks: Vec<PKESK>,
    pub(crate) skesks: Vec<SKESK>,
}

impl MessageHead {
    /// Parses the first bytes of a message.
    pub(crate) fn parse(head: &[u8]) -> MessageHead {
        let mut seen =
            MessageHead { protection: Protection::Unknown, pkesks: Vec::new(), skesks: Vec::new() };
        let all = (head.len() as u64) < LENGTH;
        if all && FramedMessage::new(head).is_cut_off() {
            return seen;
        }
        let mut next = PacketParser::from_bytes(head);
        while let Ok(PacketParserResult::Some(mut parser)) = next {
            if !matches!(parser.packet.tag(), Tag::PKESK | Tag::SKESK | Tag::Marker) {
                seen.protection = protection(&mut parser);
                return seen;
            }
            next = parser.next().map(|(packet, next)| {
                match packet {
                    Packet::PKESK(key) => seen.pkesks.push(key),
                    Packet::SKESK(key) => seen.skesks.push(key),
                    _ => {}
                }
                next
            });
        }
        seen
    }
}

fn protection(parser: &mut PacketParser<'_>) -> Protection {
    match &parser.packet {
        Packet::SEIP(packet) => {
            let kind =
                if packet.version() == 1 { Protection::Hashed } else { Protection::Authenticated };
            let whole = parser.data(SHORTEST).is_ok_and(|data| data.len() >= SHORTEST);
            if whole { kind } else { Protection::Unknown }
        }
        packet => match packet.tag() {
            Tag::AED => Protection::OfGnuPG,
            Tag::SED => Protection::Malleable,
            Tag::OnePassSig | Tag::Signature | Tag::CompressedData | Tag::Literal => {
                Protection::NotEncrypted
            }
            _ => Protection::Unknown,
        },
    }
}

/// How much is inflated at a time.
const PIECE: usize = 256 << 10;
/// Bytes of the date of a literal packet.
const DATE: u64 = 4;

/// A reader of the content of a decrypted message that nobody signed: a literal packet, mostly in a
/// compressed one, as GnuPG, duplicity and this crate write it. Any other message is an error, and is
/// left to sequoia. The content ends where the message ends.
///
/// sequoia could read these too, but copies the content three times and inflates it more slowly.
pub(crate) fn content<'a>(
    which: &str,
    mut message: impl BufRead + 'a,
) -> io::Result<Box<dyn BufRead + 'a>> {
    if !begins_with(&mut message, Tag::CompressedData)? {
        return literal(which, message);
    }
    let mut packed = PacketBody::new(which, Tag::CompressedData, message);
    let mut algorithm = [0];
    packed.read_exact(&mut algorithm)?;
    let inflate = match CompressionAlgorithm::from(algorithm[0]) {
        CompressionAlgorithm::Zlib => Inflate::zlib(packed),
        CompressionAlgorithm::Zip => Inflate::raw(packed),
        _ => return Err(other()),
    };
    literal(which, BufReader::with_capacity(PIECE, inflate))
}

/// A reader of the content of one binary literal packet that is the whole message (5.9). Any other
/// message is an error.
pub(crate) fn literal<'a>(
    which: &str,
    mut message: impl BufRead + 'a,
) -> io::Result<Box<dyn BufRead + 'a>> {
    if !begins_with(&mut message, Tag::Literal)? {
        return Err(other());
    }
    let mut body = PacketBody::new(which, Tag::Literal, message);
    // The format, and the length of the file name.
    let mut header = [0; 2];
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
    Ok(message.fill_buf()?.first().is_some_and(|first| tag_of(*first) == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packets::PartialBody;
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
        let mut parts = PartialBody::new(Vec::new(), tag).unwrap();
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
