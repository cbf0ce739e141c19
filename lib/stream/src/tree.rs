//! The tree stream: the entries of one set in duplicity's order, content in pieces.

use std::io::{self, Read, Write};

use archive::{EntryName, PIECE, Part, TreePath};
use bytes::Bytes;

use crate::attributes::Attributes;
use crate::control::{Begin, StreamKind, Totals};
use crate::input::Input;
use crate::member::{Annotations, Kind, Member};
use crate::output::Output;
use failure::{Failure, OrFail, Status};

/// One member of a tree stream.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What the member is, and of which path.
    pub name: EntryName,
    /// The member itself.
    pub member: Member,
    /// Its whole body.
    pub body: Bytes,
}

impl Entry {
    /// Whether another piece of the content follows: all pieces except the last are full.
    pub fn goes_on(&self) -> bool {
        self.name.piece.is_some() && self.body.len() == PIECE
    }

    /// Whether it has the content of a regular file, or the start of it.
    pub fn is_content(&self) -> bool {
        self.name.part == Part::Snapshot && self.member.kind == Kind::File
    }
}

/// A tree stream that is being read; the order of the entries, and that no piece is missing, is
/// checked.
pub struct TreeInput<R> {
    input: Input<R>,
    last: Option<EntryName>,
    /// Whether another piece of the last entry is due.
    goes_on: bool,
}

impl<R: Read> TreeInput<R> {
    /// Reads the start of a tree stream.
    pub fn open(from: R) -> Result<TreeInput<R>, Failure> {
        Ok(TreeInput { input: Input::open(from, StreamKind::Tree)?, last: None, goes_on: false })
    }

    /// What the first stage has decided.
    pub fn begin(&self) -> &Begin {
        self.input.begin()
    }

    /// What the stages before have counted, once the stream has ended.
    pub fn totals(&self) -> Totals {
        self.input.end().map(|end| end.totals.clone()).unwrap_or_default()
    }

    /// The next entry, or `None` at the end.
    pub fn advance(&mut self) -> Result<Option<Entry>, Failure> {
        let Some(item) = self.input.advance()? else {
            return match &self.last {
                Some(last) if self.goes_on => Err(missing(last)),
                _ => Ok(None),
            };
        };
        let name =
            EntryName::parse(&item.member.name).or_fail(Status::Integrity, "standard input")?;
        if item.member.kind != Kind::File && !item.body.is_empty() {
            return Err(broken(&format!("{}: content of an object other than a file", name.path)));
        }
        self.check_order(&name)?;
        let entry = Entry { name, member: item.member, body: item.body };
        self.goes_on = entry.goes_on();
        self.last = Some(entry.name.clone());
        Ok(Some(entry))
    }

    fn check_order(&self, name: &EntryName) -> Result<(), Failure> {
        let last = self.last.as_ref();
        if let Some(last) = last.filter(|_| self.goes_on) {
            return if continues(name, last) { Ok(()) } else { Err(missing(last)) };
        }
        if name.piece.is_some_and(|piece| piece != 1) {
            return Err(missing(name));
        }
        let signed = last.filter(|last| last.path == name.path);
        let in_order = if name.part == Part::Signature {
            signed.is_some_and(|last| matches!(last.part, Part::Snapshot | Part::Diff))
        } else {
            last.is_none_or(|last| last.path < name.path)
        };
        if in_order { Ok(()) } else { Err(broken(&format!("{}: is out of order", name.path))) }
    }
}

/// Whether an entry is the next piece of the last one.
fn continues(name: &EntryName, last: &EntryName) -> bool {
    (name.part, &name.path) == (last.part, &last.path)
        && name.piece.is_some_and(|piece| piece.checked_sub(1) == last.piece)
}

fn missing(name: &EntryName) -> Failure {
    broken(&format!("{}: a piece is missing", name.path))
}

fn broken(why: &str) -> Failure {
    Failure::new(Status::Integrity, format!("standard input: {why}"))
}

/// The content of one regular file, joined from its pieces while they come.
pub struct Content<'a, R, F> {
    input: &'a mut TreeInput<R>,
    entry: Entry,
    at: usize,
    seen: F,
}

impl<'a, R: Read, F: FnMut(&Entry) -> Result<(), Failure>> Content<'a, R, F> {
    /// The content that starts with `entry`; `seen` is called with each member of it.
    pub fn new(
        input: &'a mut TreeInput<R>,
        entry: Entry,
        mut seen: F,
    ) -> Result<Content<'a, R, F>, Failure> {
        seen(&entry)?;
        Ok(Content { input, entry, at: 0, seen })
    }

    /// The last member of the content, whose annotations have its hash. Unread content is skipped.
    pub fn last(mut self) -> Result<Entry, Failure> {
        while self.entry.goes_on() {
            self.next_piece()?;
        }
        Ok(self.entry)
    }

    fn next_piece(&mut self) -> Result<(), Failure> {
        let next = self.input.advance()?.ok_or_else(|| missing(&self.entry.name))?;
        (self.seen)(&next)?;
        self.entry = next;
        self.at = 0;
        Ok(())
    }
}

impl<R: Read, F: FnMut(&Entry) -> Result<(), Failure>> Read for Content<'_, R, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.entry.body.len() && self.entry.goes_on() {
            self.next_piece()?;
        }
        let n = (&self.entry.body[self.at..]).read(buffer)?;
        self.at += n;
        Ok(n)
    }
}

/// Writes content whose length is unknown before its end. Content shorter than a piece becomes one
/// member. Longer content becomes numbered pieces, the last of which is shorter than a full one.
///
/// `member` is the file's metadata. Its annotations go with the first and the last piece, its attributes
/// with the first. `last` gets the length in bytes, and returns the annotations that are known only at
/// the end. Returns the length.
pub fn write_content<W: Write, C: Read>(
    output: &mut Output<W>,
    part: Part,
    path: &TreePath,
    member: &Member,
    content: &mut C,
    last: impl FnOnce(&mut C, u64) -> Result<Annotations, Failure>,
) -> Result<u64, Failure> {
    let mut sent = member.clone();
    let mut buffer = Vec::with_capacity(PIECE);
    let (mut number, mut length) = (1, 0);
    let name = |piece| EntryName { part, path: path.clone(), piece }.encode(false);
    loop {
        buffer.clear();
        let read = content.take(PIECE as u64).read_to_end(&mut buffer);
        length += read.or_fail(Status::Failed, path)? as u64;
        if buffer.len() < PIECE {
            break;
        }
        sent.name = name(Some(number));
        output.append(&sent, &buffer)?;
        sent.annotations = Annotations::default();
        sent.attributes = Attributes::default();
        number += 1;
    }
    sent.name = name((number > 1).then_some(number));
    sent.annotations = member.annotations.clone();
    sent.annotations.extend(&last(content, length)?);
    output.append(&sent, &buffer)?;
    Ok(length)
}
