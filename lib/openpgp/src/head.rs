//! What kind of OpenPGP message begins here, told from its first bytes.

use std::io::{self, Read};

use sequoia_openpgp::Packet;
use sequoia_openpgp::armor::{self, Kind, ReaderMode};
use sequoia_openpgp::packet::Tag;
use sequoia_openpgp::parse::buffered_reader::BufferedReader;
use sequoia_openpgp::parse::{PacketParser, PacketParserResult, Parse};

use crate::frame::Framed;

/// Enough for the session keys of hundreds of recipients, and for what sequoia reads ahead.
const LENGTH: u64 = 256 << 10;

/// No encrypted message is shorter, in bytes behind the session keys: two bytes more than a block
/// of the cipher, an empty literal packet and the check. sequoia panics where it is.
const SHORTEST: usize = 40;

/// How a message is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Encrypted, with a check of its integrity.
    Protected,
    /// Encrypted in the old way, which anybody can change unseen.
    Unprotected,
    /// Signed, compressed or bare.
    NotEncrypted,
    /// No OpenPGP message that is known here.
    Unknown,
}

/// The message itself, if it may be in armor.
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
pub(crate) fn read(message: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    message.take(LENGTH).read_to_end(&mut head)?;
    Ok(head)
}

/// Looks at the first packet that is no session key.
pub(crate) fn shape(head: &[u8]) -> Shape {
    let all = (head.len() as u64) < LENGTH;
    if all && Framed::new(head).is_cut_off() {
        return Shape::Unknown;
    }
    let mut next = PacketParser::from_bytes(head);
    while let Ok(PacketParserResult::Some(mut parser)) = next {
        match parser.packet.tag() {
            Tag::PKESK | Tag::SKESK | Tag::Marker => next = parser.next().map(|(_, next)| next),
            Tag::SEIP if matches!(parser.packet, Packet::SEIP(_)) => {
                let whole = parser.data(SHORTEST).is_ok_and(|data| data.len() >= SHORTEST);
                return if whole { Shape::Protected } else { Shape::Unknown };
            }
            Tag::SED => return Shape::Unprotected,
            Tag::OnePassSig | Tag::Signature | Tag::CompressedData | Tag::Literal => {
                return Shape::NotEncrypted;
            }
            _ => return Shape::Unknown,
        }
    }
    Shape::Unknown
}
