//! Reading a manifest while it passes by: its list of files may be larger than memory and disk.

use std::io::{self, Write};

use archive::{LONGEST_LINE, Manifest, ManifestParser};
use stream::{Failure, OrFail, Status};

/// A writer that reads the manifest that it hands on.
pub(crate) struct Reader<W> {
    which: String,
    to: W,
    parser: ManifestParser,
    /// The beginning of a line whose end has not come.
    line: Vec<u8>,
}

impl<W: Write> Reader<W> {
    pub(crate) fn new(which: &str, to: W) -> Reader<W> {
        let (which, parser) = (which.to_owned(), ManifestParser::default());
        Reader { which, to, parser, line: Vec::new() }
    }

    /// The writer behind, and what the manifest says, if all of it has come well.
    pub(crate) fn finish(mut self, come: Result<(), Failure>) -> (W, Result<Manifest, Failure>) {
        let read = come.and_then(|()| self.end_line());
        let manifest = self.parser.finish().or_fail(Status::Integrity, &self.which);
        (self.to, read.and(manifest))
    }

    fn end_line(&mut self) -> Result<(), Failure> {
        self.parser.line(&self.line).or_fail(Status::Integrity, &self.which)?;
        self.line.clear();
        Ok(())
    }

    /// Keeps of a line what [`archive::read_line`] keeps.
    fn read(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = (LONGEST_LINE + 1).saturating_sub(self.line.len());
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            if part.ends_with(b"\n") {
                self.end_line()?;
            }
        }
        Ok(())
    }
}

impl<W: Write> Write for Reader<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.to.write(bytes)?;
        self.read(&bytes[..n])?;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"Hostname moo\nVolume 1:\n  StartingPath .\n  EndingPath a";

    #[test]
    fn a_manifest_is_read_in_pieces_of_any_size_and_handed_on_as_it_is() {
        for size in 1..TEXT.len() {
            let mut reader = Reader::new("m", Vec::new());
            TEXT.chunks(size).for_each(|piece| reader.write_all(piece).unwrap());
            let (text, manifest) = reader.finish(Ok(()));
            assert_eq!((text.as_slice(), manifest.unwrap().volumes.len()), (TEXT, 1));
        }
    }

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let mut reader = Reader::new("m", io::sink());
        for _ in 0..4 {
            reader.write_all(&vec![b'x'; LONGEST_LINE]).unwrap();
        }
        assert_eq!(reader.line.len(), LONGEST_LINE + 1);
        let error = reader.write_all(b"\n").or_fail(Status::Failed, "m").unwrap_err();
        assert_eq!(error.message(), "m: manifest line 1: too long");
    }
}
