//! Packets whose length is not known when they begin: a body in parts (RFC 4880, 4.2.2.4).

use std::io::{self, Write};

use sequoia_openpgp::packet::Tag;

/// Bytes of each part but the last, as a power of two.
const POWER: u8 = 16;
const PART: usize = 1 << POWER;

/// A writer of the body of one packet. It ends with [`Parts::finish`] only.
pub(crate) struct Parts<W> {
    to: W,
    part: Vec<u8>,
}

impl<W: Write> Parts<W> {
    /// Writes the tag into `to`.
    pub(crate) fn new(mut to: W, tag: Tag) -> io::Result<Parts<W>> {
        to.write_all(&[0xc0 | u8::from(tag)])?;
        Ok(Parts { to, part: Vec::with_capacity(PART) })
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

/// RFC 4880, 4.2.2: the length of a body, or of its last part.
fn length(length: usize) -> Vec<u8> {
    match length {
        0..192 => vec![length as u8],
        192..8384 => ((length + 0xc000 - 192) as u16).to_be_bytes().to_vec(),
        _ => [&[0xff], &(length as u32).to_be_bytes()[..]].concat(),
    }
}

impl<W: Write> Write for Parts<W> {
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

    /// Parts go out when they are full.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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
            let mut parts = Parts::new(Vec::new(), Tag::Literal).unwrap();
            parts.write_all(b"b\0\0\0\0\0").unwrap();
            content.chunks(pieces).for_each(|piece| parts.write_all(piece).unwrap());
            let packet = Packet::from_bytes(&parts.finish().unwrap()).unwrap();
            assert!(matches!(packet, Packet::Literal(read) if read.body() == content), "{length}");
        }
    }
}
