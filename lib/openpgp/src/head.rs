//! What kind of OpenPGP message begins here, told from its first bytes.

use std::io::{self, Read};

use sequoia_openpgp::Packet;
use sequoia_openpgp::armor::{self, Kind, ReaderMode};
use sequoia_openpgp::packet::{PKESK, SKESK, Tag};
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
    /// Encrypted, with a check of its integrity at its end.
    Protected,
    /// Encrypted, with checks of its integrity all along.
    Authenticated,
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

/// What stands before the first packet that is no session key, and what that is.
pub(crate) struct Head {
    pub(crate) shape: Shape,
    pub(crate) pkesks: Vec<PKESK>,
    pub(crate) skesks: Vec<SKESK>,
}

/// Looks at the first bytes of a message.
pub(crate) fn look(head: &[u8]) -> Head {
    let mut seen = Head { shape: Shape::Unknown, pkesks: Vec::new(), skesks: Vec::new() };
    let all = (head.len() as u64) < LENGTH;
    if all && Framed::new(head).is_cut_off() {
        return seen;
    }
    let mut next = PacketParser::from_bytes(head);
    while let Ok(PacketParserResult::Some(mut parser)) = next {
        if !matches!(parser.packet.tag(), Tag::PKESK | Tag::SKESK | Tag::Marker) {
            seen.shape = shape(&mut parser);
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

fn shape(parser: &mut PacketParser<'_>) -> Shape {
    match &parser.packet {
        Packet::SEIP(packet) => {
            let shape = if packet.version() == 1 { Shape::Protected } else { Shape::Authenticated };
            let whole = parser.data(SHORTEST).is_ok_and(|data| data.len() >= SHORTEST);
            if whole { shape } else { Shape::Unknown }
        }
        packet => match packet.tag() {
            Tag::SED => Shape::Unprotected,
            Tag::OnePassSig | Tag::Signature | Tag::CompressedData | Tag::Literal => {
                Shape::NotEncrypted
            }
            _ => Shape::Unknown,
        },
    }
}
