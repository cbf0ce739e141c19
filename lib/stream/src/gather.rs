//! A buffered writer that writes its buffer and a large body with one system call. A reader that waits for
//! a pipe would otherwise wake up for the header alone.

use std::io::{self, IoSlice, Write};

use crate::pipe::BUFFER;

/// A buffered writer. What it holds is written by [`Write::flush`] only, and not when it is dropped.
pub(crate) struct GatherWriter<W> {
    to: W,
    held: Vec<u8>,
}

impl<W: Write> GatherWriter<W> {
    pub(crate) fn new(to: W) -> GatherWriter<W> {
        GatherWriter { to, held: Vec::with_capacity(BUFFER) }
    }

    /// Writes some of what it holds and, after it, some of the bytes. Returns how many of the bytes.
    fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = match self.to.write_vectored(&[IoSlice::new(&self.held), IoSlice::new(bytes)]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            sent => sent?,
        };
        let held = sent.min(self.held.len());
        self.held.drain(..held);
        Ok(sent - held)
    }
}

impl<W: Write> Write for GatherWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        while !bytes.is_empty() && self.held.len() + bytes.len() > BUFFER {
            match self.send(bytes)? {
                0 => {}
                taken => return Ok(taken),
            }
        }
        self.held.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        while !self.held.is_empty() {
            match self.send(&[]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                sent => _ = sent?,
            }
        }
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A writer that takes some bytes of each call, and remembers how many.
    struct Reluctant {
        most: usize,
        taken: Vec<u8>,
        calls: Vec<usize>,
    }

    impl Write for Reluctant {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.write_vectored(&[IoSlice::new(bytes)])
        }

        fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
            let whole: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
            let taken = whole.len().min(self.most);
            self.taken.extend(&whole[..taken]);
            self.calls.push(taken);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What arrives of parts of those lengths, how it arrives, and what should arrive.
    fn written(most: usize, lengths: &[usize]) -> (Reluctant, Vec<u8>) {
        let mut writer =
            GatherWriter::new(Reluctant { most, taken: Vec::new(), calls: Vec::new() });
        let mut whole = Vec::new();
        for (at, length) in lengths.iter().enumerate() {
            let part = vec![at as u8; *length];
            writer.write_all(&part).unwrap();
            whole.extend(part);
        }
        writer.flush().unwrap();
        (writer.to, whole)
    }

    #[test]
    fn a_header_goes_out_with_its_body() {
        let (to, whole) = written(usize::MAX, &[512, BUFFER, 512, BUFFER]);
        assert!(to.taken == whole);
        assert_eq!(to.calls, [512 + BUFFER; 2]);
    }

    #[test]
    fn an_output_that_takes_nothing_more_is_an_error() {
        let full = Reluctant { most: 0, taken: Vec::new(), calls: Vec::new() };
        let mut writer = GatherWriter::new(full);
        writer.write_all(b"moo").unwrap();
        assert_eq!(writer.flush().unwrap_err().kind(), io::ErrorKind::WriteZero);
        assert!(writer.write_all(&[0; BUFFER]).is_err());
    }

    proptest::proptest! {
        #[test]
        fn all_bytes_arrive_in_their_order_however_few_are_taken_at_a_time(
            most in 1_000usize..200_000, lengths in proptest::collection::vec(0usize..150_000, 0..8)
        ) {
            let (to, whole) = written(most, &lengths);
            proptest::prop_assert!(to.taken == whole);
        }
    }
}
