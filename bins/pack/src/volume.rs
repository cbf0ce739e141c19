//! A volume: a tar of the set's entries, in order.

use std::fs::File;

use archive::{EntryPosition, TreePath};
use failure::{Failure, OrFail, Status};
use stream::member::{Kind, LINK, SHA256, SIZE, SPARSE, XATTRS};
use stream::{Annotations, Entry, FileWriter, Output, TarWriter};

/// The end of a tar.
const TRAILER: u64 = 11 << 10;

/// A volume that is being written.
pub(crate) struct Volume<'a> {
    tar: TarWriter<FileWriter<'a, File>>,
    start: Option<EntryPosition>,
    end: Option<EntryPosition>,
}

impl<'a> Volume<'a> {
    pub(crate) fn start(output: &'a mut Output<File>, name: &str) -> Volume<'a> {
        Volume { tar: TarWriter::new(FileWriter::new(output, name)), start: None, end: None }
    }

    /// Whether the entry still belongs into this volume. The first one always does: duplicity
    /// takes a volume without entries for the end of the set.
    pub(crate) fn has_room(&self, entry: &Entry, most: u64) -> bool {
        let room = TarWriter::<FileWriter<'a, File>>::room(&entry.member, entry.body.len());
        self.start.is_none() || room <= self.room(most)
    }

    /// How many bytes of entries it can still take.
    pub(crate) fn room(&self, most: u64) -> u64 {
        most.saturating_sub(self.tar.written() + TRAILER)
    }

    pub(crate) fn append(&mut self, mut entry: Entry) -> Result<(), Failure> {
        entry.member.annotations.keep(&[SIZE, SHA256, XATTRS, LINK, SPARSE]);
        // duplicity does not know a source that is a file as `diff`, but only as `diff/`.
        entry.member.name = entry.name.encode(entry.member.kind == Kind::Directory);
        let written = self.tar.append(&entry.member, &entry.body);
        written.or_fail(Status::Failed, "standard output")?;
        let place = place(&entry);
        self.start.get_or_insert_with(|| place.clone());
        self.end = Some(place);
        Ok(())
    }

    /// Ends the volume. Returns the places of its first and its last entry.
    pub(crate) fn close(mut self) -> Result<(EntryPosition, EntryPosition), Failure> {
        self.tar.end(true).or_fail(Status::Failed, "standard output")?;
        self.tar.into_inner().close(Annotations::default())?;
        Ok((self.start.unwrap_or_else(root), self.end.unwrap_or_else(root)))
    }
}

fn root() -> EntryPosition {
    EntryPosition { path: TreePath::root(), piece: None }
}

/// Where an entry stands, as manifests tell it: the last piece of a body has no number.
fn place(entry: &Entry) -> EntryPosition {
    let piece = entry.name.piece.filter(|_| entry.goes_on());
    EntryPosition { path: entry.name.path.clone(), piece }
}
