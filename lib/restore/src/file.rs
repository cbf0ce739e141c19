//! Regular files of the new tree: content as a whole or as a delta, with holes where it has to have
//! some, and not written at all as long as another name of the same file has the same content.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::path::Path;

use archive::{Part, TreePath};
use attributes::{Object, read};
use failure::{Failure, OrFail, Status};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, chmodat, openat, renameat, statat};
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use stream::Member;
use stream::member::{LINK, SHA256, SPARSE};

use crate::entries::{Entries, Entry};
use crate::hard_links::HardLinkTarget;
use crate::metadata::{AppliedMetadata, Metadata};
use crate::objects::remove;
use crate::skipped::NO_BASIS;
use crate::staging::{PATCHED, Scratch};
use crate::there::hash;
use crate::tree::{ApplyError, OrSkip, Tree, remove_if_held, wrong};
use crate::within;

const BUFFER: usize = 64 << 10;

impl Tree {
    /// Restores a file from its whole content or a delta. Deletes what is left of a skipped file: a part
    /// of it, or an older state.
    pub(crate) fn file(
        &mut self,
        path: &TreePath,
        entry: &Entry,
        body: &mut Entries,
    ) -> Result<(), ApplyError> {
        let (which, member) = (&entry.name.path, &entry.member);
        let done = match entry.name.part {
            Part::Diff => self.patch(path, which, member, body),
            _ => self.write(path, which, member, body),
        };
        let is_skipped = matches!(done, Err(ApplyError::Skipped(_)));
        if !is_skipped || self.cursor.is_too_deep(path) || self.cursor.is_taken(path)? {
            return done;
        }
        if let Some((parent, name)) = self.cursor.parent(path)? {
            remove_if_held(parent, name).or_fail(Status::Failed, which)?;
        }
        done
    }

    /// Writes a file as a whole.
    fn write(
        &mut self,
        path: &TreePath,
        which: &TreePath,
        member: &Member,
        body: &mut Entries,
    ) -> Result<(), ApplyError> {
        let metadata = Metadata::of(member, &mut self.owners).of_new();
        let link_target = self.link_target(path, member);
        let (parent, name) = self.place(path, which)?;
        let file = match create(parent, name) {
            // In a full set nothing is there yet.
            Err(Errno::EXIST) => remove(parent, name).and_then(|()| create(parent, name)),
            created => created,
        }
        .or_skip(which)?;
        let mut writer = writer(file, member, link_target.as_ref());
        let hash = copy(body, member.size, &mut writer, which)?;
        check(which, &hash, body)?;
        let done = set_metadata_or_link(&mut writer, link_target, &metadata, (parent, name));
        let (given, _) = done.or_skip(which)?;
        self.cursor.warnings.add(which, given);
        Ok(())
    }

    /// Applies a delta to a file.
    fn patch(
        &mut self,
        path: &TreePath,
        which: &TreePath,
        member: &Member,
        body: &mut Entries,
    ) -> Result<(), ApplyError> {
        let mut metadata = Metadata::of(member, &mut self.owners);
        let link_target = self.link_target(path, member);
        let staging = self.cursor.staging()?;
        let scratch = Scratch::new(self.cursor.staging()?, Path::new("staging folder"));
        let staging = staging.as_fd();
        let skipped = self.skipped.may_hold(which);
        let (parent, name) = self.place(path, which)?;
        let Some(basis) = open_basis(parent, name).or_skip(which)? else {
            return Err(if skipped {
                ApplyError::Skipped(NO_BASIS.to_owned())
            } else {
                wrong(which, "a delta, but earlier sets do not have the file").into()
            });
        };
        // If the set does not record the attributes, the file keeps those that it had.
        metadata.extended = metadata.extended.or_else(|| read(Object::Open(basis.as_fd())).ok());
        let is_sparse = member.annotations.get(SPARSE).is_some();
        let file =
            if is_sparse || link_target.is_some() { None } else { within::open(parent, name) };
        let mut spooled = None;
        if let Some(file) = file {
            let delta =
                within::spool(&mut *body, scratch.file()?).or_fail(Status::Failed, which)?;
            if within::stays(&delta, &file).or_fail(Status::Integrity, which)? {
                within::apply(&delta, &file).or_skip(which)?;
                check_file(which, &file, body)?;
                let given = metadata.set(&file).or_skip(which)?;
                self.cursor.warnings.add(which, given);
                return Ok(());
            }
            spooled = Some(delta);
        }
        remove(staging, PATCHED).or_fail(Status::Failed, which)?;
        let file = create(staging, PATCHED).or_fail(Status::Failed, which)?;
        let mut writer = writer(file, member, link_target.as_ref());
        let delta: Box<dyn Read + '_> = match spooled {
            Some(delta) => Box::new(delta),
            None => Box::new(&mut *body),
        };
        let mut patched = rsync::patch(&which.to_string(), basis, delta)?;
        let hash = copy(&mut patched, BUFFER as u64, &mut writer, which)?;
        drop(patched);
        check(which, &hash, body)?;
        let done = set_metadata_or_link(&mut writer, link_target, &metadata, (parent, name));
        let (given, linked) = done.or_skip(which)?;
        if !linked {
            renameat(staging, PATCHED, parent, name).or_fail(Status::Failed, which)?;
        }
        self.cursor.warnings.add(which, given);
        Ok(())
    }

    /// The first name of the file that an entry is a further name of, if the tree has it.
    fn link_target(&self, path: &TreePath, member: &Member) -> Option<HardLinkTarget> {
        let link_target = TreePath::parse(&member.annotations.bytes(LINK)?).ok()?;
        let link_target = link_target.strip_prefix(&self.wanted)?;
        if link_target == *path {
            return None;
        }
        HardLinkTarget::open(self.cursor.staging().ok()?, self.cursor.find(&link_target)?, member)
    }
}

fn writer(file: File, member: &Member, link_target: Option<&HardLinkTarget>) -> Writer {
    let sparse = member.annotations.get(SPARSE).is_some();
    Writer::new(file, sparse, link_target.and_then(HardLinkTarget::file))
}

/// Sets the metadata of a file, or makes it a hard link to another name's file, if content and
/// metadata are the same. Returns whether it has become a link.
fn set_metadata_or_link(
    writer: &mut Writer,
    link_target: Option<HardLinkTarget>,
    metadata: &Metadata,
    (parent, name): (BorrowedFd<'_>, &[u8]),
) -> io::Result<(AppliedMetadata, bool)> {
    let same = writer.finish()?;
    let given = metadata.set(writer.file())?;
    let Some(link_target) = link_target.filter(|_| same) else {
        return Ok((given, false));
    };
    let is_same = link_target.looks_like(writer.file());
    if is_same && link_target.link(parent, name).is_ok() {
        return Ok((given, true));
    }
    writer.unshare()?;
    Ok((AppliedMetadata { link: !is_same, ..metadata.set(writer.file())? }, false))
}

fn create(parent: BorrowedFd<'_>, name: &[u8]) -> rustix::io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(parent, name, flags, Mode::RUSR | Mode::WUSR).map(File::from)
}

/// Opens the file that a delta applies to; none where there is no regular file of that name.
fn open_basis(parent: BorrowedFd<'_>, name: &[u8]) -> rustix::io::Result<Option<File>> {
    let stat = match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(None),
        stat => stat?,
    };
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Ok(None);
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = || openat(parent, name, flags, Mode::empty()).map(|file| Some(file.into()));
    match open() {
        Err(Errno::ACCESS) => {}
        opened => return opened,
    }
    chmodat(parent, name, Mode::RUSR, AtFlags::empty())?;
    let opened = open();
    // It may have other names, which keep their mode.
    chmodat(parent, name, Mode::from_raw_mode(stat.st_mode & 0o7777), AtFlags::empty())?;
    opened
}

/// Copies content of `size` bytes or more, and returns its SHA-256 in hex. Content arrives in pieces of any
/// length; the file is written in long ones, which cover whole pages.
fn copy(
    from: &mut impl Read,
    size: u64,
    to: &mut Writer,
    which: &TreePath,
) -> Result<String, ApplyError> {
    let mut hash = Sha256::new();
    // Most files are small, and to clear a long buffer takes time. One byte more shows the end.
    let mut buffer = vec![0; size.saturating_add(1).min(BUFFER as u64) as usize];
    loop {
        let n = fill(from, &mut buffer).or_fail(Status::Integrity, which)?;
        hash.update(&buffer[..n]);
        to.write_all(&buffer[..n]).or_skip(which)?;
        if n < buffer.len() {
            return Ok(format!("{:x}", hash.finalize()));
        }
    }
}

/// Reads until the buffer is full or the content ends. Returns how many bytes.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Checks content against the hash that was recorded when it was backed up. duplicity records
/// none.
pub(crate) fn check(which: &TreePath, hash: &str, body: &Entries) -> Result<(), Failure> {
    match body.annotations().get(SHA256) {
        Some(recorded) if recorded != hash => {
            Err(wrong(which, "its hash differs from that at the time of the backup"))
        }
        _ => Ok(()),
    }
}

/// The same for a file that was changed.
fn check_file(which: &TreePath, file: &File, body: &Entries) -> Result<(), Failure> {
    if body.annotations().get(SHA256).is_none() {
        return Ok(());
    }
    let hash = hash(file).ok_or(Errno::IO).or_fail(Status::Failed, which)?;
    check(which, &hash, body)
}

/// File systems make no smaller holes.
const BLOCK: usize = 4096;
const ZEROS: [u8; BLOCK] = [0; BLOCK];

/// A file that is being written.
pub(crate) struct Writer {
    file: File,
    at: u64,
    sparse: bool,
    /// Another name's file, which may have the same content; as long as it has, nothing is written.
    link_candidate: Option<File>,
    buffer: Vec<u8>,
}

impl Writer {
    /// Writes to an empty file.
    pub(crate) fn new(file: File, sparse: bool, link_candidate: Option<File>) -> Writer {
        Writer { file, at: 0, sparse, link_candidate, buffer: Vec::new() }
    }

    /// The file.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Ends the content. True if the link candidate has the same: then the file is still empty.
    pub(crate) fn finish(&mut self) -> io::Result<bool> {
        if let Some(other) = &self.link_candidate {
            if other.metadata()?.len() == self.at {
                return Ok(true);
            }
            self.unshare()?;
        }
        if self.sparse {
            self.file.set_len(self.at)?;
        }
        Ok(false)
    }

    /// Writes the content that was shared with the link candidate so far; from here on all is written.
    pub(crate) fn unshare(&mut self) -> io::Result<()> {
        let Some(other) = self.link_candidate.take() else {
            return Ok(());
        };
        let end = std::mem::take(&mut self.at);
        let mut buffer = vec![0; BUFFER];
        while self.at < end {
            let left = usize::try_from(end - self.at).unwrap_or(BUFFER).min(BUFFER);
            other.read_exact_at(&mut buffer[..left], self.at)?;
            self.put(&buffer[..left])?;
        }
        if self.sparse { self.file.set_len(self.at) } else { Ok(()) }
    }

    /// Whether the link candidate has the same bytes here.
    fn is_shared(&mut self, bytes: &[u8]) -> bool {
        let Some(other) = &self.link_candidate else {
            return false;
        };
        self.buffer.resize(bytes.len(), 0);
        other.read_exact_at(&mut self.buffer, self.at).is_ok() && self.buffer == bytes
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
            self.unshare()?;
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
    fn only_what_the_link_candidate_has_throughout_is_not_written() {
        let bytes = holey();
        for (candidate, same) in [
            (bytes.clone(), true),
            (bytes[..200_000].to_vec(), false),
            ([&bytes[..], b"1"].concat(), false),
            (vec![0; 300_000], false),
            (Vec::new(), false),
        ] {
            let mut writer = Writer::new(file(b""), true, Some(file(&candidate)));
            bytes.chunks(10_000).for_each(|chunk| writer.write_all(chunk).unwrap());
            assert_eq!(writer.finish().unwrap(), same);
            if same {
                assert_eq!(writer.file().metadata().unwrap().len(), 0);
                writer.unshare().unwrap();
            }
            assert!(content(writer.file()) == bytes);
        }
    }
}
