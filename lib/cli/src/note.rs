//! The note: memory that all processes of a command share. In it, a stage leaves what the
//! supervisor (`moo-run`) reports if the command is ended.
//!
//! [`VARIABLE`] contains `DESCRIPTOR:INODE` of it, like the lifeline's variable.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::lifeline;

/// The environment variable that names the memory.
pub const VARIABLE: &str = "MOO_NOTE";
/// The record of a snapshot, a file in the folder around `MOO_SCRATCH`: moo-snapshot writes it, and the keeper
/// lets moo-snapshot delete the snapshot if that was killed.
pub const SNAPSHOT: &str = "snapshot";
/// Bytes that are read of it: the longest path, and a few more.
const MOST: usize = 4200;
/// The end of a note, which may be shorter than the one before.
const END: u8 = 0;
/// What the note of a set begins with that is complete.
const COMPLETE: &[u8] = b"complete";
/// What the note of a folder begins with from which the next run resumes.
const RESUMABLE: &[u8] = b"resume ";
/// The note of what goes to standard output.
const OUTPUT: &[u8] = b"output";

/// What a stage leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// The folder in which a tree is built, or that is mounted, by its absolute path.
    Staging(PathBuf),
    /// The folder in which a tree is built, by its absolute path: it stays, and the next run resumes from it.
    Resumable(PathBuf),
    /// The number of the newest volume that the next run need not send again.
    Volume(u64),
    /// The set is complete, or the destination.
    Complete,
    /// Something of what is restored has been written to standard output.
    Output,
}

/// Leaves a note in place of the one before. Without a supervisor it goes nowhere.
pub fn leave(note: &Note) {
    let file = lifeline::inherited(VARIABLE, File::options().write(true));
    let mut bytes = note.bytes();
    bytes.push(END);
    // It only serves a message and the tidying up after an interruption.
    let _ = file.filter(|_| bytes.len() <= MOST).map(|file| file.write_all_at(&bytes, 0));
}

/// The note that was left, of the memory that the environment names.
pub fn find() -> Option<Note> {
    lifeline::inherited(VARIABLE, File::options().read(true)).as_ref().and_then(read)
}

/// The note that was left in that memory. It may hold anything.
pub fn read(memory: &File) -> Option<Note> {
    let mut bytes = vec![0; MOST];
    let length = memory.read_at(&mut bytes, 0).ok()?;
    let end = bytes.iter().take(length).position(|byte| *byte == END)?;
    bytes.truncate(end);
    Note::parse(bytes)
}

impl Note {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Note::Staging(path) => path.as_os_str().as_bytes().to_vec(),
            Note::Resumable(path) => [RESUMABLE, path.as_os_str().as_bytes()].concat(),
            Note::Volume(number) => number.to_string().into_bytes(),
            Note::Complete => COMPLETE.to_vec(),
            Note::Output => OUTPUT.to_vec(),
        }
    }

    fn parse(bytes: Vec<u8>) -> Option<Note> {
        if bytes == COMPLETE {
            return Some(Note::Complete);
        }
        if bytes == OUTPUT {
            return Some(Note::Output);
        }
        if let Some(path) = bytes.strip_prefix(RESUMABLE) {
            return Some(Note::Resumable(OsStr::from_bytes(path).into()));
        }
        if Path::new(OsStr::from_bytes(&bytes)).is_absolute() {
            return Some(Note::Staging(std::ffi::OsString::from_vec(bytes).into()));
        }
        let number = String::from_utf8(bytes).ok()?.parse().ok()?;
        Some(Note::Volume(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_left_and_anything_else_is_none() {
        let odd = PathBuf::from(OsStr::from_bytes(b"/a\xff\n"));
        let left = [Note::Staging(odd.clone()), Note::Resumable(odd)];
        let others = [Note::Volume(0), Note::Volume(812), Note::Complete];
        for note in left.into_iter().chain(others) {
            assert_eq!(Note::parse(note.bytes()), Some(note));
        }
        for other in [&b""[..], b"-1", b"out", b"1 2", b"\xff"] {
            assert_eq!(Note::parse(other.to_vec()), None);
        }
    }
}
