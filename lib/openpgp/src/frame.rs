//! Where an encrypted message begins and ends. sequoia passes over what comes behind one in many parts, as
//! GnuPG writes them; a file must hold the message and nothing else.
//!
//! The lengths are those of RFC 4880, sections 4.2.1 and 4.2.2.

use std::io::{self, Read};

use sequoia_openpgp::packet::Tag;

/// What passes of a message: where its packets begin and end.
pub(crate) struct Frame {
    state: State,
    /// The tag of the packet that ends the message.
    last: u8,
    tag: u8,
    header: Vec<u8>,
    /// Whether anything follows the message.
    pub(crate) surplus: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the first byte of a packet, or behind it.
    Header,
    /// At the length of the next part of a packet.
    Length,
    /// So many bytes before the end of a part.
    Part { left: u64, last: bool },
    /// In a packet that ends where the file ends, or in no packet at all.
    Endless,
    /// Behind the message.
    End,
}

impl Frame {
    /// Of a message that ends with the packet of that tag.
    pub(crate) fn new(last: Tag) -> Frame {
        Frame {
            state: State::Header,
            last: last.into(),
            tag: 0,
            header: Vec::new(),
            surplus: false,
        }
    }

    /// Whether the message ends too early, if it ends here.
    pub(crate) fn is_cut_off(&self) -> bool {
        match self.state {
            State::Header => !self.header.is_empty(),
            State::Length | State::Part { .. } => true,
            State::Endless | State::End => false,
        }
    }

    /// Passes some bytes, of which there must be one: how many, and whether they are in the body of
    /// the last packet.
    pub(crate) fn pass(&mut self, bytes: &[u8]) -> (usize, bool) {
        let is_body = self.tag == self.last;
        match self.state {
            State::Endless => (bytes.len(), is_body),
            State::End => {
                self.surplus = true;
                (bytes.len(), false)
            }
            State::Part { left, last } => {
                let passed =
                    usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
                self.enter(left - passed as u64, last);
                (passed, is_body)
            }
            State::Header | State::Length => {
                self.header.push(bytes[0]);
                self.decode();
                (1, false)
            }
        }
    }

    fn enter(&mut self, left: u64, last: bool) {
        self.state = match (left, last) {
            (0, true) if self.tag == self.last => State::End,
            (0, true) => State::Header,
            (0, false) => State::Length,
            _ => State::Part { left, last },
        };
    }

    /// Makes sense of the header, if it is all there.
    fn decode(&mut self) {
        let mut length = self.header.as_slice();
        if self.state == State::Header {
            let kind = length[0];
            length = &length[1..];
            self.tag = tag(kind).into();
            match kind {
                0..0x80 => self.state = State::Endless,
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
            (3, _) => return self.state = State::Endless,
            _ => return,
        };
        self.header.clear();
        self.enter(length, true);
    }
}

/// The tag of the packet that begins with this byte; a reserved one, which no packet has, where none
/// does.
pub(crate) fn tag(first: u8) -> Tag {
    Tag::from(match first {
        0..0x80 => 0,
        0x80..0xc0 => (first >> 2) & 15,
        _ => first & 63,
    })
}

/// A reader that notices the end of the encrypted message that it passes on.
pub(crate) struct Framed<R> {
    inner: R,
    frame: Frame,
}

impl<R: Read> Framed<R> {
    pub(crate) fn new(inner: R) -> Framed<R> {
        Framed { inner, frame: Frame::new(Tag::SEIP) }
    }

    /// Whether anything follows the message. To be asked when all of it has been read.
    pub(crate) fn has_surplus(&mut self) -> io::Result<bool> {
        let mut piece = [0; 4096];
        while !self.frame.surplus && self.read(&mut piece)? > 0 {}
        Ok(self.frame.surplus)
    }

    /// Whether the message ends too early: sequoia panics where such a one is short. To be asked in
    /// place of reading.
    pub(crate) fn is_cut_off(&mut self) -> bool {
        self.has_surplus().is_err() || self.frame.is_cut_off()
    }
}

impl<R: Read> Read for Framed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        let mut bytes = &buffer[..length];
        while !bytes.is_empty() {
            bytes = &bytes[self.frame.pass(bytes).0..];
        }
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surplus(message: &[u8], pieces: usize) -> bool {
        let mut framed = Framed::new(message);
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
            proptest::prop_assert!(!surplus(cut, pieces) && Framed::new(cut).is_cut_off());
            proptest::prop_assert!(!Framed::new(message.as_slice()).is_cut_off());
            message.extend(vec![0; junk]);
            proptest::prop_assert_eq!(surplus(&message, pieces), junk > 0);
        }

        #[test]
        fn any_bytes_are_followed(bytes in proptest::collection::vec(0u8.., 0..300)) {
            surplus(&bytes, 7);
        }
    }
}
