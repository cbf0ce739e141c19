//! The file stream: named files, each in numbered chunks that an empty one closes.

use std::io::{self, Read, Write};

use bytes::Bytes;

use crate::control::{Begin, StreamKind, Totals};
use crate::input::{Input, Item};
use crate::member::{Annotations, LOST, Member};
use crate::output::Output;
use crate::pipe::BUFFER;
use failure::{Failure, Status, legible};

/// The longest accepted file name. A file name has at most 255 bytes, also with the prefix of an
/// upload.
const LONGEST_NAME: usize = 200;

/// A file that is being written to a file stream. If it is dropped without [`FileWriter::close`],
/// it has no end, and every reader refuses it.
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

    /// Writes the empty chunk, with the annotations of the whole file.
    pub fn close(mut self, annotations: Annotations) -> Result<(), Failure> {
        if !self.chunk.is_empty() {
            self.send(Annotations::default())?;
        }
        self.send(annotations)
    }

    /// Closes the file as a lost one. Its chunks are void, and only a reader with `--keep-going`
    /// accepts it.
    pub fn lose(self, scope: Scope) -> Result<(), Failure> {
        let mut annotations = Annotations::default();
        annotations.set(LOST, if scope == Scope::File { "file" } else { "rest" });
        self.close(annotations)
    }

    /// Writes a chunk of another stream as it is.
    pub fn pass(&mut self, chunk: &[u8]) -> Result<(), Failure> {
        if !self.chunk.is_empty() {
            self.send(Annotations::default())?;
        }
        self.chunks += 1;
        self.output.append(&Member::named(format!("{}/{}", self.name, self.chunks)), chunk)
    }

    fn send(&mut self, annotations: Annotations) -> Result<(), Failure> {
        self.chunks += 1;
        let name = format!("{}/{}", self.name, self.chunks);
        let member = Member { annotations, ..Member::named(name) };
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
            self.send(Annotations::default())?;
        }
        Ok(n)
    }

    /// Chunks go out when they are full.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What goes with a file that is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The content that the manifest lists for the file.
    File,
    /// All of the set from there on may have been in it: the manifest is not known to be right.
    Rest,
}

/// A file stream that is being read. Reading from it gives the content of the last file.
pub struct FilesInput<R> {
    input: Input<R>,
    name: String,
    chunk: Bytes,
    chunks: u64,
    /// The annotations of the closing chunk, or `None` while a file is open.
    closed: Option<Annotations>,
    keep_going: bool,
}

impl<R: Read> FilesInput<R> {
    /// Reads the start of a file stream.
    pub fn open(from: R) -> Result<FilesInput<R>, Failure> {
        Ok(FilesInput {
            input: Input::open(from, StreamKind::Files)?,
            name: String::new(),
            chunk: Bytes::new(),
            chunks: 0,
            closed: Some(Annotations::default()),
            keep_going: false,
        })
    }

    /// Accepts lost files too; [`FilesInput::lost`] says whether a file is lost.
    #[must_use]
    pub fn keep_going(self, keep_going: bool) -> FilesInput<R> {
        FilesInput { keep_going, ..self }
    }

    /// What the first stage has decided.
    pub fn begin(&self) -> &Begin {
        self.input.begin()
    }

    /// What the stages before have counted, once the stream has ended.
    pub fn totals(&self) -> Totals {
        self.input.end().map(|end| end.totals.clone()).unwrap_or_default()
    }

    /// Advances to the next file and skips the rest of the last one. Returns `None` at the end.
    pub fn next_file(&mut self) -> Result<Option<String>, Failure> {
        while self.closed.is_none() {
            self.next_chunk()?;
        }
        let Some(item) = self.input.advance()? else {
            return Ok(None);
        };
        self.name = first_chunk(&item)?;
        self.chunks = 0;
        self.take(item)?;
        Ok(Some(self.name.clone()))
    }

    /// The next bytes of the file, or `None` at its end.
    pub fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        while self.chunk.is_empty() {
            if self.closed.is_some() {
                return Ok(None);
            }
            self.next_chunk()?;
        }
        Ok(Some(std::mem::take(&mut self.chunk)))
    }

    /// The annotations of the whole file, once its closing chunk has come.
    pub fn closing(&self) -> Option<&Annotations> {
        self.closed.as_ref()
    }

    /// The scope of the loss if the file is lost, once all of it has come.
    pub fn lost(&self) -> Option<Scope> {
        match self.closed.as_ref()?.get(LOST)? {
            "file" => Some(Scope::File),
            _ => Some(Scope::Rest),
        }
    }

    fn next_chunk(&mut self) -> Result<(), Failure> {
        let due = format!("{}/{}", self.name, self.chunks + 1);
        match self.input.advance()? {
            Some(item) if item.member.name == due.as_bytes() => self.take(item),
            _ => Err(broken(&format!("{due}: the chunk is missing"))),
        }
    }

    fn take(&mut self, item: Item) -> Result<(), Failure> {
        self.chunks += 1;
        self.closed = item.body.is_empty().then_some(item.member.annotations);
        self.chunk = item.body;
        if self.lost().is_some() && !self.keep_going {
            return Err(broken(&format!(
                "{}: is lost (--keep-going continues without it)",
                self.name
            )));
        }
        Ok(())
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

/// The name of the file that starts with this chunk, `NAME/1`. It is a plain file name: no folder,
/// nothing hidden, no control bytes.
fn first_chunk(item: &Item) -> Result<String, Failure> {
    let whole = String::from_utf8_lossy(&item.member.name);
    let plain = |name: &&str| {
        !name.is_empty()
            && name.len() <= LONGEST_NAME
            && !name.starts_with('.')
            && name.bytes().all(|b| b.is_ascii_graphic() && b != b'/' && b != b'\\')
    };
    let name = whole.strip_suffix("/1").filter(plain).map(str::to_owned);
    name.ok_or_else(|| {
        let shown = legible::name(&item.member.name);
        broken(&format!("{shown}: not the first chunk of a file"))
    })
}

fn broken(why: &str) -> Failure {
    Failure::new(Status::Integrity, format!("standard input: {why}"))
}
