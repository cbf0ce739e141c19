//! The framing of packets: their tags, lengths and partial bodies (RFC 4880, 4.2).
//!
//! sequoia frames packets too. It is not used for the packets that hold the bulk of the data, since
//! it copies them once more; and it ignores what follows a message in partial bodies, as GnuPG
//! writes them, though a file must hold one message and nothing else. The tests read with it what is
//! written here.

use std::io::{self, BufRead, Read, Write};

use failure::{Failure, Status};
use sequoia_openpgp::packet::Tag;

/// Bytes of each partial body but the last, as a power of two.
const POWER: u8 = 16;
const PART: usize = 1 << POWER;

/// A writer of one packet whose length is not known when it begins: its body is written in partial
/// bodies (4.2.2.4). Only [`PartialBody::finish`] ends it.
pub(crate) struct PartialBody<W> {
    to: W,
    part: Vec<u8>,
}

impl<W: Write> PartialBody<W> {
    /// Writes the tag into `to`.
    pub(crate) fn new(mut to: W, tag: Tag) -> io::Result<PartialBody<W>> {
        to.write_all(&[0xc0 | u8::from(tag)])?;
        Ok(PartialBody { to, part: Vec::with_capacity(PART) })
    }

    /// Ends the packet.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        // A body that is short is in one part, which is the last.
        self.to.write_all(&length(self.part.len()))?;
        self.to.write_all(&self.part)?;
        Ok(self.to)
    }
}

/// Writes a part that is not the last one.
fn send(to: &mut impl Write, part: &[u8]) -> io::Result<()> {
    to.write_all(&[0xe0 | POWER])?;
    to.write_all(part)
}

/// The length of a body, or of its last part (4.2.2).
fn length(length: usize) -> Vec<u8> {
    match length {
        0..192 => vec![length as u8],
        192..8384 => ((length + 0xc000 - 192) as u16).to_be_bytes().to_vec(),
        _ => [&[0xff], &(length as u32).to_be_bytes()[..]].concat(),
    }
}

impl<W: Write> Write for PartialBody<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full part goes out only when more comes: the last one has another kind of length.
        if self.part.len() == PART && !bytes.is_empty() {
            send(&mut self.to, &self.part)?;
            self.part.clear();
        }
        if self.part.is_empty() && bytes.len() > PART {
            send(&mut self.to, &bytes[..PART])?;
            return Ok(PART);
        }
        let taken = bytes.len().min(PART - self.part.len());
        self.part.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// PartialBody go out when they are full.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Finds where the packets of a message begin and end, in whatever pieces it arrives (4.2.1, 4.2.2).
pub(crate) struct PacketFrames {
    state: FrameState,
    /// The tag of the packet that ends the message.
    last: u8,
    tag: u8,
    header: Vec<u8>,
    /// Whether anything follows the message.
    surplus: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FrameState {
    /// In the header of a packet.
    Header,
    /// In the length of the next partial body.
    Length,
    /// `left` bytes before the end of a partial body.
    Part { left: u64, last: bool },
    /// In a packet that ends where the file ends, or in no packet at all.
    Endless,
    /// After the message.
    End,
}

impl PacketFrames {
    /// A message ends with the packet that has the tag `last`.
    fn new(last: Tag) -> PacketFrames {
        PacketFrames {
            state: FrameState::Header,
            last: last.into(),
            tag: 0,
            header: Vec::new(),
            surplus: false,
        }
    }

    /// Whether the message is cut off, if it ends here.
    fn is_cut_off(&self) -> bool {
        match self.state {
            FrameState::Header => !self.header.is_empty(),
            FrameState::Length | FrameState::Part { .. } => true,
            FrameState::Endless | FrameState::End => false,
        }
    }

    /// Takes some of the bytes, which are not empty. Returns how many, and whether they are in the
    /// body of the last packet.
    fn pass(&mut self, bytes: &[u8]) -> (usize, bool) {
        let is_body = self.tag == self.last;
        match self.state {
            FrameState::Endless => (bytes.len(), is_body),
            FrameState::End => {
                self.surplus = true;
                (bytes.len(), false)
            }
            FrameState::Part { left, last } => {
                let passed =
                    usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
                self.enter(left - passed as u64, last);
                (passed, is_body)
            }
            FrameState::Header | FrameState::Length => {
                self.header.push(bytes[0]);
                self.decode();
                (1, false)
            }
        }
    }

    fn enter(&mut self, left: u64, last: bool) {
        self.state = match (left, last) {
            (0, true) if self.tag == self.last => FrameState::End,
            (0, true) => FrameState::Header,
            (0, false) => FrameState::Length,
            _ => FrameState::Part { left, last },
        };
    }

    /// Parses the header, if it is complete.
    fn decode(&mut self) {
        let mut length = self.header.as_slice();
        if self.state == FrameState::Header {
            let kind = length[0];
            length = &length[1..];
            self.tag = tag_of(kind).into();
            match kind {
                0..0x80 => self.state = FrameState::Endless,
                0x80..0xc0 => return self.decode_old(kind & 3),
                _ => {}
            }
        }
        let part = match *length {
            [short @ 0..192] => (u64::from(short), true),
            [high @ 192..224, low] => ((u64::from(high) - 192) * 256 + u64::from(low) + 192, true),
            [u8::MAX, a, b, c, d] => (u32::from_be_bytes([a, b, c, d]).into(), true),
            [part @ 224..=254] => (1 << (part & 31), false),
            _ => return,
        };
        self.header.clear();
        self.enter(part.0, part.1);
    }

    fn decode_old(&mut self, kind: u8) {
        let length = match (kind, &self.header[1..]) {
            (0, &[a]) => u64::from(a),
            (1, &[a, b]) => u16::from_be_bytes([a, b]).into(),
            (2, &[a, b, c, d]) => u32::from_be_bytes([a, b, c, d]).into(),
            (3, _) => return self.state = FrameState::Endless,
            _ => return,
        };
        self.header.clear();
        self.enter(length, true);
    }
}

/// The tag of the packet that begins with this byte; the reserved tag 0 if no packet does.
pub(crate) fn tag_of(first: u8) -> Tag {
    Tag::from(match first {
        0..0x80 => 0,
        0x80..0xc0 => (first >> 2) & 15,
        _ => first & 63,
    })
}

/// Bytes of encrypted data that [`shortened`] keeps.
const KEPT: usize = 64;

/// The beginning of an encrypted message as a message of its own: all before its last packet, and the first
/// bytes of that packet. What is no such message comes back as it is.
pub(crate) fn shortened(head: &[u8]) -> Vec<u8> {
    let mut frame = PacketFrames::new(Tag::SEIP);
    let (mut at, mut start, mut kept) = (0, 0, Vec::new());
    while at < head.len() && kept.len() < KEPT {
        if frame.state == FrameState::Header && frame.header.is_empty() {
            start = at;
        }
        let (passed, is_body) = frame.pass(&head[at..]);
        if is_body {
            kept.extend(&head[at..at + passed.min(KEPT - kept.len())]);
        }
        at += passed;
    }
    if kept.is_empty() || frame.surplus {
        return head.to_vec();
    }
    let header = [0xc0 | u8::from(Tag::SEIP), kept.len() as u8];
    [&head[..start], &header, &kept].concat()
}

/// A reader that hands on a whole encrypted message, and notices where it ends.
pub(crate) struct FramedMessage<R> {
    inner: R,
    frame: PacketFrames,
}

impl<R: Read> FramedMessage<R> {
    pub(crate) fn new(inner: R) -> FramedMessage<R> {
        FramedMessage::ending_with(Tag::SEIP, inner)
    }

    /// One that ends with a packet of that tag.
    pub(crate) fn ending_with(tag: Tag, inner: R) -> FramedMessage<R> {
        FramedMessage { inner, frame: PacketFrames::new(tag) }
    }

    /// Whether anything follows the message. Reads it to its end.
    pub(crate) fn has_surplus(&mut self) -> io::Result<bool> {
        let mut piece = [0; 4096];
        while !self.frame.surplus && self.read(&mut piece)? > 0 {}
        Ok(self.frame.surplus)
    }

    /// Whether the message is cut off: sequoia panics on a short one that is. Reads it to its end.
    pub(crate) fn is_cut_off(&mut self) -> bool {
        self.has_surplus().is_err() || self.frame.is_cut_off()
    }
}

impl<R: Read> Read for FramedMessage<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        let mut bytes = &buffer[..length];
        while !bytes.is_empty() {
            bytes = &bytes[self.frame.pass(bytes).0..];
        }
        Ok(length)
    }
}

/// A reader of the body of the packet with that tag, which ends a message. A message that is cut off,
/// or that something follows, is an error.
pub(crate) struct PacketBody<R> {
    which: String,
    inner: R,
    frame: PacketFrames,
    /// How many of the next bytes are known to be body.
    ready: usize,
}

impl<R: BufRead> PacketBody<R> {
    pub(crate) fn new(which: &str, tag: Tag, inner: R) -> PacketBody<R> {
        PacketBody { which: which.to_owned(), inner, frame: PacketFrames::new(tag), ready: 0 }
    }

    /// Skips what is not body. Returns false at the end of the message.
    fn find(&mut self) -> io::Result<bool> {
        while self.ready == 0 {
            let bytes = self.inner.fill_buf()?;
            if bytes.is_empty() && self.frame.is_cut_off() {
                return Err(self.refused("is cut off"));
            }
            if bytes.is_empty() {
                return Ok(false);
            }
            let (passed, is_body) = self.frame.pass(bytes);
            if self.frame.surplus {
                return Err(self.refused("something follows the message"));
            }
            if is_body {
                self.ready = passed;
            } else {
                self.inner.consume(passed);
            }
        }
        Ok(true)
    }

    fn refused(&self, why: &str) -> io::Error {
        io::Error::other(Failure::of(Status::Integrity, &self.which, why))
    }
}

impl<R: BufRead> BufRead for PacketBody<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if !self.find()? {
            return Ok(&[]);
        }
        let bytes = self.inner.fill_buf()?;
        Ok(&bytes[..self.ready.min(bytes.len())])
    }

    fn consume(&mut self, length: usize) {
        self.ready -= length;
        self.inner.consume(length);
    }
}

impl<R: BufRead> Read for PacketBody<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, buffer)
    }
}

/// What [`Read::read`] is for a reader that has a buffer.
pub(crate) fn read_buffered(from: &mut impl BufRead, buffer: &mut [u8]) -> io::Result<usize> {
    let length = from.fill_buf()?.read(buffer)?;
    from.consume(length);
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sequoia_openpgp::Packet;
    use sequoia_openpgp::parse::Parse;

    #[test]
    fn a_body_of_any_length_comes_back() {
        let lengths = [0, 1, 191, 192, 8383, 8384, PART - 1, PART, PART + 1, 2 * PART, 3 * PART];
        for (length, pieces) in
            lengths.into_iter().flat_map(|length| [(length, 1000), (length, 3 * PART)])
        {
            let content = vec![7; length];
            let mut parts = PartialBody::new(Vec::new(), Tag::Literal).unwrap();
            parts.write_all(b"b\0\0\0\0\0").unwrap();
            content.chunks(pieces).for_each(|piece| parts.write_all(piece).unwrap());
            let packet = Packet::from_bytes(&parts.finish().unwrap()).unwrap();
            assert!(matches!(packet, Packet::Literal(read) if read.body() == content), "{length}");
        }
    }

    #[test]
    fn a_message_is_shortened_to_its_session_keys_and_the_start_of_what_is_encrypted() {
        let key = [0x84, 2, 7, 7];
        let body: Vec<u8> = (1..=200).collect();
        let short = [&key[..], &[0xd2, KEPT as u8], &body[..KEPT]].concat();
        let parts = [&[0xd2, 0xe0][..], &body[..1], &[0xe5], &body[1..33], &[167], &body[33..]];
        let whole = [&[0xd2, 192, 8][..], &body];
        for packet in [parts.concat(), whole.concat(), [&[0x4b << 1 | 1][..], &[]].concat()] {
            let message = [&key[..], &packet].concat();
            let expected = if packet.len() < 10 { &message } else { &short };
            assert_eq!(shortened(&message), *expected);
        }
        let tiny = [&key[..], &[0xd2, 3, 1, 2, 3]].concat();
        assert_eq!(shortened(&tiny), tiny);
        assert_eq!(shortened(&key), key);
    }

    fn surplus(message: &[u8], pieces: usize) -> bool {
        let mut framed = FramedMessage::new(message);
        let mut piece = vec![0; pieces];
        while framed.read(&mut piece).unwrap() > 0 {}
        framed.has_surplus().unwrap()
    }

    proptest::proptest! {
        #[test]
        fn the_end_is_found_however_the_message_is_written_and_read(
            lengths in proptest::collection::vec(0u32..3, 0..4),
            rest in 0usize..9000, pieces in 1usize..50, junk in 0usize..3, old in 0u8..3
        ) {
            let mut message = match old {
                0 => vec![0x84, 2, 7, 7],
                1 => vec![0x85, 0, 1, 7],
                _ => vec![0x86, 0, 0, 0, 1, 7],
            };
            message.push(0xd2);
            for length in lengths {
                message.push(224 + u8::try_from(length).unwrap());
                message.extend(vec![7; 1 << length]);
            }
            match rest {
                0..192 => message.push(u8::try_from(rest).unwrap()),
                192..8384 => {
                    message.push(u8::try_from((rest - 192) / 256 + 192).unwrap());
                    message.push(u8::try_from((rest - 192) % 256).unwrap());
                }
                _ => {
                    message.push(255);
                    message.extend(u32::try_from(rest).unwrap().to_be_bytes());
                }
            }
            message.extend(vec![7; rest]);
            let cut = &message[..message.len() - 1];
            proptest::prop_assert!(!surplus(cut, pieces) && FramedMessage::new(cut).is_cut_off());
            proptest::prop_assert!(!FramedMessage::new(message.as_slice()).is_cut_off());
            message.extend(vec![0; junk]);
            proptest::prop_assert_eq!(surplus(&message, pieces), junk > 0);
        }

        #[test]
        fn any_bytes_are_followed(bytes in proptest::collection::vec(0u8.., 0..300)) {
            surplus(&bytes, 7);
        }
    }
}
