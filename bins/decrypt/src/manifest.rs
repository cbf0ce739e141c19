//! Reading a manifest while it passes by: its list of files may be larger than memory and disk.

use std::io::{self, Write};

use archive::{Manifest, ManifestParser};
use failure::{Failure, OrFail, Status};

/// How many bytes of a manifest a stored byte may unpack to: zlib's most, and a little more. bzip2 makes a
/// thousand times that of lines that are all the same, which no manifest consists of.
const MOST_UNPACKED: u64 = 1100;
/// What a manifest may unpack to however short it is stored.
const SLACK: u64 = 1 << 20;

/// A writer that reads the manifest that it hands on.
pub(crate) struct Reader<W> {
    which: String,
    to: W,
    parser: ManifestParser,
    /// How many more bytes may come.
    left: u64,
}

impl<W: Write> Reader<W> {
    /// Of a manifest that is stored in so many bytes.
    pub(crate) fn new(which: &str, stored: u64, to: W) -> Reader<W> {
        let (which, parser) = (which.to_owned(), ManifestParser::default());
        let left = stored.saturating_mul(MOST_UNPACKED).saturating_add(SLACK);
        Reader { which, to, parser, left }
    }

    /// The writer behind, and what the manifest says, if all of it has come well.
    pub(crate) fn finish(self, come: Result<(), Failure>) -> (W, Result<Manifest, Failure>) {
        let manifest = self.parser.finish().or_fail(Status::Integrity, &self.which);
        (self.to, come.and(manifest))
    }
}

impl<W: Write> Write for Reader<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(left) = self.left.checked_sub(bytes.len() as u64) else {
            let why = format!("{}: unpacks to more than any manifest does", self.which);
            return Err(Failure::new(Status::Integrity, why).into());
        };
        self.left = left;
        let n = self.to.write(bytes)?;
        self.parser.push(&bytes[..n]).or_fail(Status::Integrity, &self.which)?;
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
            let mut reader = Reader::new("m", 1, Vec::new());
            TEXT.chunks(size).for_each(|piece| reader.write_all(piece).unwrap());
            let (text, manifest) = reader.finish(Ok(()));
            assert_eq!((text.as_slice(), manifest.unwrap().volumes.len()), (TEXT, 1));
        }
    }

    #[test]
    fn a_manifest_that_unpacks_to_more_than_zlib_can_is_refused() {
        let mut reader = Reader::new("m", 10, io::sink());
        let most = 10 * MOST_UNPACKED + SLACK;
        let line = [b'\n'; 100];
        let written = (0..).take_while(|_| reader.write_all(&line).is_ok()).count() as u64;
        assert_eq!(written, most / 100);
        let error = reader.write_all(&line).or_fail(Status::Failed, "m").unwrap_err();
        assert_eq!(error.message(), "m: unpacks to more than any manifest does");
    }
}
