//! Reading a stream, and taking nothing for whole that is not.

use std::io::{self, BufRead, BufReader, Read};

use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::control::{Begin, End, Failed, StreamKind};
use crate::member::Member;
use crate::tar_reader::{Next, TarError, TarReader};
use failure::{Failure, Status, legible};

/// The largest member of a tree stream, a signature. It has 20 bytes per block, and blocks grow up
/// to 8 MiB, so this suffices for a file of about 100 TiB. All other bodies are pieces of 64 KiB.
const LARGEST_SIGNATURE: u64 = 256 << 20;
/// The largest receipt: a seal of a set with a million volumes fits.
const LARGEST_RECEIPT: u64 = 256 << 20;
/// The largest chunk in a file stream.
const LARGEST_CHUNK: u64 = 1 << 20;
/// The largest `begin.json`, `end.json` or `failed.json`. A restore lists each set that it needs
/// there, and a resumed backup each stored volume.
const LARGEST_CONTROL: u64 = 64 << 20;

/// A member and its whole body.
#[derive(Clone, Debug)]
pub struct Item {
    /// The member.
    pub member: Member,
    /// Its body.
    pub body: Bytes,
}

/// A stream that is being read.
pub struct Input<R> {
    tar: TarReader<BufReader<R>>,
    begin: Begin,
    /// The largest body that a member of this kind of stream has.
    largest: u64,
    members: u64,
    bytes: u64,
    end: Option<End>,
}

impl<R: Read> Input<R> {
    /// Reads `begin.json`, and refuses a stream of another kind or version.
    pub fn open(from: R, kind: StreamKind) -> Result<Input<R>, Failure> {
        let mut from = BufReader::with_capacity(crate::pipe::BUFFER, from);
        let start = peek(&mut from)?;
        if start.is_empty() {
            return Err(killed("no input: the previous program in the pipe failed"));
        }
        if !["begin.json\0", "failed.json\0"].into_iter().any(|name| agree(start, name)) {
            return Err(broken("not a stream of ours: it does not start with begin.json"));
        }
        let mut tar = TarReader::new(from);
        let Next::Member(first) = tar.advance().map_err(not_read)? else {
            return Err(cut());
        };
        if first.name == b"failed.json" {
            return Err(failed(&mut tar, &first));
        }
        let body = tar.body(LARGEST_CONTROL).map_err(not_read)?;
        let begin = Begin::parse(&body, kind).map_err(|why| broken(&why))?;
        let largest = match kind {
            StreamKind::Tree => LARGEST_SIGNATURE,
            StreamKind::Files => LARGEST_CHUNK,
            StreamKind::Receipts => LARGEST_RECEIPT,
        };
        Ok(Input { tar, begin, largest, members: 0, bytes: 0, end: None })
    }

    /// What the first stage has decided.
    pub fn begin(&self) -> &Begin {
        &self.begin
    }

    /// The next member, or `None` at the end of a complete stream.
    pub fn advance(&mut self) -> Result<Option<Item>, Failure> {
        if self.end.is_some() {
            return Ok(None);
        }
        let member = match self.tar.advance().map_err(not_read)? {
            Next::Member(member) => member,
            Next::Zeros => return Err(broken("ends as a tar, but without end.json")),
            Next::Nothing => return Err(cut()),
        };
        match member.name.as_slice() {
            b"end.json" => self.finish(&member).map(|()| None),
            b"failed.json" => Err(failed(&mut self.tar, &member)),
            _ => self.item(*member).map(Some),
        }
    }

    /// `end.json`, once [`Input::advance`] has come to it.
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    fn item(&mut self, member: Member) -> Result<Item, Failure> {
        let body = self.tar.body(self.largest).map_err(not_read)?;
        self.members += 1;
        self.bytes += body.len() as u64;
        Ok(Item { member, body: body.into() })
    }

    fn finish(&mut self, member: &Member) -> Result<(), Failure> {
        let end: End = json(&mut self.tar, member)?;
        if (end.members, end.bytes) != (self.members, self.bytes) {
            let (members, bytes) = (self.members, self.bytes);
            return Err(broken(&format!(
                "end.json counts {} members and {} bytes, but {members} and {bytes} have come",
                end.members, end.bytes
            )));
        }
        let rest = rest(&mut self.tar)?;
        if rest.len() < 1024 && rest.iter().all(|b| *b == 0) {
            return Err(cut());
        }
        if rest.len() != 1024 || rest.iter().any(|b| *b != 0) {
            return Err(broken("continues after its end mark"));
        }
        self.end = Some(end);
        Ok(())
    }
}

/// The next bytes, without consuming them; empty at the end. Other reads are repeated automatically
/// after a signal; `fill_buf` is not.
fn peek<R: Read>(from: &mut BufReader<R>) -> Result<&[u8], Failure> {
    while let Err(error) = from.fill_buf() {
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(Failure::of_input(&error));
        }
    }
    Ok(from.buffer())
}

/// Whether two texts are equal up to the end of the shorter one.
fn agree(start: &[u8], name: &str) -> bool {
    start.iter().zip(name.as_bytes()).all(|(one, other)| one == other)
}

/// Reads the bytes after the last member: two blocks of zeros, and nothing else.
fn rest<R: Read>(tar: &mut TarReader<R>) -> Result<Vec<u8>, Failure> {
    let mut rest = Vec::with_capacity(1025);
    tar.body(0).map_err(not_read)?;
    let read = tar.input().by_ref().take(1025).read_to_end(&mut rest);
    read.map_err(|e| not_read(TarError::Io(e)))?;
    Ok(rest)
}

fn json<T: DeserializeOwned, R: Read>(
    tar: &mut TarReader<R>,
    member: &Member,
) -> Result<T, Failure> {
    let body = tar.body(LARGEST_CONTROL).map_err(not_read)?;
    serde_json::from_slice(&body)
        .map_err(|e| broken(&format!("malformed {}: {e}", legible::name(&member.name))))
}

fn failed<R: Read>(tar: &mut TarReader<R>, member: &Member) -> Failure {
    match json::<Failed, R>(tar, member) {
        Ok(failed) => failed.into(),
        Err(failure) => failure,
    }
}

fn not_read(error: TarError) -> Failure {
    match error {
        TarError::Cut => cut(),
        TarError::Malformed(why) => broken(&why),
        TarError::Io(error) => Failure::of_input(&error),
    }
}

fn cut() -> Failure {
    killed(
        "ends without an end mark: the previous program in the pipe failed, or the stream was cut",
    )
}

fn killed(why: &str) -> Failure {
    Failure::of(Status::Killed, "standard input", why)
}

fn broken(why: &str) -> Failure {
    Failure::of(Status::Integrity, "standard input", why)
}
