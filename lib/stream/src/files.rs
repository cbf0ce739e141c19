//! The file stream: named files, each in numbered chunks that an empty one closes.

use std::io::{self, Read, Write};

use bytes::Bytes;

use crate::ends::{Begin, Kind, Totals};
use crate::failure::{Failure, Status};
use crate::input::{Input, Item};
use crate::member::{Facts, Member};
use crate::output::Output;
use crate::pipe::BUFFER;

/// The largest chunk that is read.
const LARGEST_CHUNK: usize = 1 << 20;

/// A file that is being written into a file stream. Dropped without [`FileWriter::close`] it
/// leaves a file without its end, which no reader takes.
pub struct FileWriter<'a, W: Write> {
    output: &'a mut Output<W>,
    name: String,
    chunk: Vec<u8>,
    chunks: u64,
}

impl<'a, W: Write> FileWriter<'a, W> {
    /// Starts a file of that name.
    pub fn new(output: &'a mut Output<W>, name: &str) -> FileWriter<'a, W> {
        let chunk = Vec::with_capacity(BUFFER);
        FileWriter { output, name: name.to_owned(), chunk, chunks: 0 }
    }

    /// Writes the empty chunk, with what is known of the whole file.
    pub fn close(mut self, facts: Facts) -> Result<(), Failure> {
        if !self.chunk.is_empty() {
            self.send(Facts::default())?;
        }
        self.send(facts)
    }

    fn send(&mut self, facts: Facts) -> Result<(), Failure> {
        self.chunks += 1;
        let name = format!("{}/{}", self.name, self.chunks);
        let member = Member { facts, ..Member::named(name) };
        self.output.append(&member, &self.chunk)?;
        self.chunk.clear();
        Ok(())
    }
}

impl<W: Write> Write for FileWriter<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = bytes.len().min(BUFFER - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..n]);
        if self.chunk.len() == BUFFER {
            self.send(Facts::default())?;
        }
        Ok(n)
    }

    /// Chunks go out when they are full.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file stream that is being read. Reading from it gives the content of the last file.
pub struct FilesInput<R> {
    input: Input<R>,
    name: String,
    chunk: Bytes,
    chunks: u64,
    /// The facts of the closing chunk, once it has come; none while a file is open.
    closed: Option<Facts>,
}

impl<R: Read> FilesInput<R> {
    /// Reads the start of a file stream.
    pub fn open(from: R) -> Result<FilesInput<R>, Failure> {
        Ok(FilesInput {
            input: Input::open(from, Kind::Files)?,
            name: String::new(),
            chunk: Bytes::new(),
            chunks: 0,
            closed: Some(Facts::default()),
        })
    }

    /// What the first stage has decided.
    pub fn begin(&self) -> &Begin {
        self.input.begin()
    }

    /// What the stages before have counted, once the stream has ended.
    pub fn totals(&self) -> Totals {
        self.input.end().map(|end| end.totals.clone()).unwrap_or_default()
    }

    /// Goes on to the next file, over what is left of the last one; none at the end.
    pub fn next_file(&mut self) -> Result<Option<String>, Failure> {
        while self.closed.is_none() {
            self.next_chunk()?;
        }
        let Some(item) = self.input.advance()? else {
            return Ok(None);
        };
        let (name, number) = chunk_name(&item)?;
        if number != 1 {
            return Err(broken(&format!("{name}: starts with chunk {number}")));
        }
        self.name = name.clone();
        self.chunks = 0;
        self.take(item);
        Ok(Some(name))
    }

    /// The next bytes of the file, as they came; none at its end.
    pub fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        while self.chunk.is_empty() {
            if self.closed.is_some() {
                return Ok(None);
            }
            self.next_chunk()?;
        }
        Ok(Some(std::mem::take(&mut self.chunk)))
    }

    /// What the closing chunk says of the whole file, once it has come.
    pub fn closing(&self) -> Option<&Facts> {
        self.closed.as_ref()
    }

    fn next_chunk(&mut self) -> Result<(), Failure> {
        let due = self.chunks + 1;
        let Some(item) = self.input.advance()? else {
            return Err(broken(&format!("{}: its last chunk is missing", self.name)));
        };
        let (name, number) = chunk_name(&item)?;
        if name != self.name || number != due {
            return Err(broken(&format!("{}: chunk {due} is missing", self.name)));
        }
        self.take(item);
        Ok(())
    }

    fn take(&mut self, item: Item) {
        self.chunks += 1;
        self.closed = item.body.is_empty().then_some(item.member.facts);
        self.chunk = item.body;
    }
}

impl<R: Read> Read for FilesInput<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(mut chunk) = self.chunk()? else {
            return Ok(0);
        };
        let n = chunk.len().min(buffer.len());
        buffer[..n].copy_from_slice(&chunk.split_to(n));
        self.chunk = chunk;
        Ok(n)
    }
}

/// Splits `NAME/N`. The name is a plain file name: no folder, nothing hidden, no control bytes.
fn chunk_name(item: &Item) -> Result<(String, u64), Failure> {
    let whole = String::from_utf8_lossy(&item.member.name);
    let plain = |name: &&str| {
        !name.is_empty()
            && name.len() <= 200
            && !name.starts_with('.')
            && name.bytes().all(|b| b.is_ascii_graphic() && b != b'/' && b != b'\\')
    };
    let parts = whole.rsplit_once('/').and_then(|(name, number)| {
        Some((Some(name).filter(plain)?.to_owned(), number.parse().ok()?))
    });
    if item.body.len() > LARGEST_CHUNK {
        return Err(broken(&format!("{}: a chunk of {} bytes", text(&whole), item.body.len())));
    }
    parts.ok_or_else(|| broken(&format!("{}: not a chunk of a file", text(&whole))))
}

fn text(name: &str) -> String {
    name.escape_debug().to_string()
}

fn broken(why: &str) -> Failure {
    Failure::new(Status::Integrity, format!("standard input: {why}"))
}
