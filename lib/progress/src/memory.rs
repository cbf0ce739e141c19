//! The memory that the processes of a command share, with one record per slot.
//!
//! A record is JSON between two equal marks. A reader that meets a record half written finds two
//! marks that differ, and keeps the record that it had. What is read may hold anything.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::process::id;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The bytes of a slot. The first slot starts after as many bytes.
const SLOT: u64 = 8 << 10;
/// The bytes of a mark.
const MARK: usize = 16;

/// A place in the memory.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Slot {
    /// What the command stores into or reads: a [`Place`].
    Place = 1,
    /// How far the reading stage is: a [`Work`].
    Work = 2,
    /// The set that was made: a [`Made`].
    Made = 3,
    /// What happened on the way to the store: text.
    News = 4,
    /// What a stage waits for: text and a time.
    Wait = 5,
}

/// Where a command stores, or what it reads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The URL or path of the result, escaped for a terminal.
    pub to: String,
}

/// How far the stage that reads is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Whether it is still reading.
    pub active: bool,
    /// Entries of the source, or files of the store, that are done.
    pub files: u64,
    /// How many there are, if that is known.
    pub files_total: Option<u64>,
    /// Bytes in them that are done, read or known to be unchanged.
    pub bytes: u64,
    /// How many there are, if that is known.
    pub bytes_total: Option<u64>,
    /// Bytes that were read.
    pub read: u64,
    /// The same of the pipes before this one.
    pub read_before: u64,
    /// The entry or file that is being read, escaped for a terminal.
    pub path: String,
}

impl Work {
    /// Bytes that all pipes of the command have read.
    pub(crate) fn all_read(&self) -> u64 {
        self.read_before.saturating_add(self.read)
    }
}

/// A set that was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Whether it is a full set, and not an increment.
    pub full: bool,
    /// The time that names it, in RFC 3339.
    pub time: String,
    /// Entries that are new.
    pub new: u64,
    /// Entries that have changed.
    pub changed: u64,
    /// Entries that are gone.
    pub deleted: u64,
    /// Bytes in the new and changed files.
    pub read: u64,
    /// Bytes that were stored.
    pub sent: u64,
}

/// Text that is shown once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Text {
    pub(crate) text: String,
    /// Milliseconds since 1970; none if it no longer holds.
    pub(crate) since: Option<u64>,
}

/// The shared memory.
#[derive(Debug)]
pub struct Memory(File);

impl Memory {
    /// That of this command, if it has a supervisor.
    pub fn inherited() -> Option<Memory> {
        cli::form::memory().map(Memory)
    }

    /// The memory in that file.
    pub fn new(file: File) -> Memory {
        Memory(file)
    }

    pub(crate) fn file(&self) -> &File {
        &self.0
    }

    /// Replaces a record. Nothing depends on it, so it may fail.
    pub(crate) fn write(&self, slot: Slot, record: &impl Serialize) {
        static WRITTEN: AtomicU32 = AtomicU32::new(0);
        let Ok(text) = serde_json::to_string(record) else { return };
        let mark = format!("{:08x}{:08x}", id(), WRITTEN.fetch_add(1, Ordering::Relaxed));
        let bytes = format!("{mark}{text}{mark}\0").into_bytes();
        if bytes.len() as u64 <= SLOT {
            let _ = self.0.write_all_at(&bytes, slot as u64 * SLOT);
        }
    }

    /// The record in a slot; none if there is none, or it is being written.
    pub(crate) fn read<T: DeserializeOwned>(&self, slot: Slot) -> Option<T> {
        let mut bytes = vec![0; usize::try_from(SLOT).ok()?];
        let read = self.0.read_at(&mut bytes, slot as u64 * SLOT).ok()?;
        let end = bytes[..read].iter().position(|byte| *byte == 0)?;
        let (first, rest) = bytes[..end].split_at_checked(MARK)?;
        let (text, last) = rest.split_at_checked(rest.len().checked_sub(MARK)?)?;
        (first == last).then(|| serde_json::from_slice(text).ok())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn memory() -> Memory {
        Memory::new(tempfile::tempfile().unwrap())
    }

    #[test]
    fn a_record_is_read_as_it_was_written_and_none_that_is_half_written() {
        let memory = memory();
        assert_eq!(memory.read::<Work>(Slot::Work), None);
        let work = Work { files: 7, path: "a\\x1b".into(), ..Work::default() };
        memory.write(Slot::Work, &work);
        assert_eq!(memory.read(Slot::Work), Some(work));
        memory.file().write_all_at(b"x", Slot::Work as u64 * SLOT).unwrap();
        assert_eq!(memory.read::<Work>(Slot::Work), None);
    }

    proptest! {
        #[test]
        fn any_memory_is_read_without_a_panic(bytes: Vec<u8>) {
            let memory = memory();
            memory.file().write_all_at(&bytes, Slot::Made as u64 * SLOT).unwrap();
            let _ = memory.read::<Made>(Slot::Made);
        }
    }
}
