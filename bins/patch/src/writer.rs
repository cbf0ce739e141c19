//! Writing a file's content: with holes where it has to have some, and not at all as long as
//! another name of the same file has the same.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;

/// File systems make no smaller holes.
const BLOCK: usize = 4096;
const ZEROS: [u8; BLOCK] = [0; BLOCK];
const BUFFER: usize = 64 << 10;

/// A file that is being written.
pub(crate) struct Writer {
    file: File,
    at: u64,
    sparse: bool,
    /// The file that may turn out to be the same; what it has is not written.
    twin: Option<File>,
    buffer: Vec<u8>,
}

impl Writer {
    /// Writes to an empty file.
    pub(crate) fn new(file: File, sparse: bool, twin: Option<File>) -> Writer {
        Writer { file, at: 0, sparse, twin, buffer: Vec::new() }
    }

    /// The file.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Ends the content. True if the twin has it too: then the file is still empty.
    pub(crate) fn finish(&mut self) -> io::Result<bool> {
        if let Some(twin) = &self.twin {
            if twin.metadata()?.len() == self.at {
                return Ok(true);
            }
            self.part()?;
        }
        if self.sparse {
            self.file.set_len(self.at)?;
        }
        Ok(false)
    }

    /// Writes what the twin has so far, and goes on without it.
    pub(crate) fn part(&mut self) -> io::Result<()> {
        let Some(twin) = self.twin.take() else {
            return Ok(());
        };
        let end = std::mem::take(&mut self.at);
        let mut buffer = vec![0; BUFFER];
        while self.at < end {
            let left = usize::try_from(end - self.at).unwrap_or(BUFFER).min(BUFFER);
            twin.read_exact_at(&mut buffer[..left], self.at)?;
            self.put(&buffer[..left])?;
        }
        if self.sparse { self.file.set_len(self.at) } else { Ok(()) }
    }

    /// Whether the twin goes on with these bytes.
    fn is_shared(&mut self, bytes: &[u8]) -> bool {
        let Some(twin) = &self.twin else {
            return false;
        };
        self.buffer.resize(bytes.len(), 0);
        twin.read_exact_at(&mut self.buffer, self.at).is_ok() && self.buffer == bytes
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.sparse {
            self.put_data(bytes)?;
        } else {
            self.file.write_all_at(bytes, self.at)?;
        }
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// Writes what is not zero, block by block as they lie in the file.
    fn put_data(&self, bytes: &[u8]) -> io::Result<()> {
        let data = |from: usize, to: usize| {
            self.file.write_all_at(&bytes[from..to], self.at + from as u64)
        };
        let first = BLOCK - (self.at % BLOCK as u64) as usize;
        let (mut start, mut at) = (0, 0);
        while at < bytes.len() {
            let end = if at == 0 { first } else { at + BLOCK }.min(bytes.len());
            if bytes[at..end] == ZEROS[..end - at] {
                data(start, at)?;
                start = end;
            }
            at = end;
        }
        data(start, at)
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_shared(bytes) {
            self.at += bytes.len() as u64;
        } else {
            self.part()?;
            self.put(bytes)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    fn file(content: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        file
    }

    fn content(file: &File) -> Vec<u8> {
        let mut content = vec![0; file.metadata().unwrap().len() as usize];
        file.read_exact_at(&mut content, 0).unwrap();
        content
    }

    /// A file whose content has zeros at its start, in the middle and at its end.
    fn holey() -> Vec<u8> {
        let mut bytes = vec![0; 300_000];
        bytes[50_000..50_010].fill(1);
        bytes[100_000..150_000].fill(2);
        bytes
    }

    #[test]
    fn content_comes_out_as_it_was_in_any_chunks_with_and_without_holes() {
        let bytes = holey();
        for (sparse, chunk) in [(false, 1000), (true, 1000), (true, 4096), (true, 65_536)] {
            let mut writer = Writer::new(file(b""), sparse, None);
            bytes.chunks(chunk).for_each(|chunk| writer.write_all(chunk).unwrap());
            assert!(!writer.finish().unwrap());
            assert!(content(writer.file()) == bytes);
            let blocks = writer.file().metadata().unwrap().blocks();
            assert!(!sparse || blocks * 512 < 100_000, "{blocks}");
        }
    }

    #[test]
    fn only_what_the_twin_has_throughout_is_not_written() {
        let bytes = holey();
        for (twin, same) in [
            (bytes.clone(), true),
            (bytes[..200_000].to_vec(), false),
            ([&bytes[..], b"1"].concat(), false),
            (vec![0; 300_000], false),
            (Vec::new(), false),
        ] {
            let mut writer = Writer::new(file(b""), true, Some(file(&twin)));
            bytes.chunks(10_000).for_each(|chunk| writer.write_all(chunk).unwrap());
            assert_eq!(writer.finish().unwrap(), same);
            if same {
                assert_eq!(writer.file().metadata().unwrap().len(), 0);
                writer.part().unwrap();
            }
            assert!(content(writer.file()) == bytes);
        }
    }
}
