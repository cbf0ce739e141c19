//! Applying entries that have content: files as a whole, and deltas.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

use archive::TreePath;
use attributes::{Object, read};
use failure::{Failure, OrFail, Status};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, chmodat, openat, renameat, statat};
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use stream::Member;
use stream::member::{SHA256, SPARSE};

use crate::apply::{Tree, remove_if_held, wrong};
use crate::entries::Entries;
use crate::first::First;
use crate::left_out::{NO_BASIS, OrLeaveOut, Trouble};
use crate::metadata::{Given, Metadata};
use crate::remove::remove;
use crate::writer::Writer;

/// The name of a file in the staging folder while its delta is applied.
pub(crate) const PATCHED: &[u8] = b"patched";
const BUFFER: usize = 64 << 10;

impl Tree {
    /// Writes a file.
    pub(crate) fn write(
        &mut self,
        path: &TreePath,
        which: &TreePath,
        member: &Member,
        body: &mut Entries,
    ) -> Result<(), Trouble> {
        let written = self.write_whole(path, which, member, body);
        self.clear_if_left_out(path, which, written)
    }

    fn write_whole(
        &mut self,
        path: &TreePath,
        which: &TreePath,
        member: &Member,
        body: &mut Entries,
    ) -> Result<(), Trouble> {
        let metadata = Metadata::of(member, &mut self.owners).of_new();
        let first = self.first(path, member);
        let (parent, name) = self.place(path, which)?;
        let file = match create(parent, name) {
            // In a full set nothing is there yet.
            Err(Errno::EXIST) => remove(parent, name).and_then(|()| create(parent, name)),
            created => created,
        }
        .or_leave_out(which)?;
        let mut writer = writer(file, member, first.as_ref());
        let hash = copy(body, &mut writer, which)?;
        check(which, &hash, body)?;
        let settled = settle(&mut writer, first, &metadata, (parent, name));
        let (given, _) = settled.or_leave_out(which)?;
        self.cursor.shortfall.add(which, given);
        Ok(())
    }

    /// Applies a delta to a file.
    pub(crate) fn patch(
        &mut self,
        path: &TreePath,
        which: &TreePath,
        member: &Member,
        body: &mut Entries,
    ) -> Result<(), Trouble> {
        let patched = self.patch_whole(path, which, member, body);
        self.clear_if_left_out(path, which, patched)
    }

    fn patch_whole(
        &mut self,
        path: &TreePath,
        which: &TreePath,
        member: &Member,
        body: &mut Entries,
    ) -> Result<(), Trouble> {
        let mut metadata = Metadata::of(member, &mut self.owners);
        let first = self.first(path, member);
        let staging = self.cursor.staging()?;
        let staging = staging.as_fd();
        let left_out = self.left_out.may_hold(which);
        let (parent, name) = self.place(path, which)?;
        let Some(basis) = open_basis(parent, name).or_leave_out(which)? else {
            return Err(if left_out {
                Trouble::LeftOut(NO_BASIS.to_owned())
            } else {
                wrong(which, "a delta, but earlier sets do not have the file").into()
            });
        };
        // Where it is not known what they are now, they are what they were.
        metadata.extended = metadata.extended.or_else(|| read(Object::Open(basis.as_fd())).ok());
        remove(staging, PATCHED).or_fail(Status::Failed, which)?;
        let file = create(staging, PATCHED).or_fail(Status::Failed, which)?;
        let mut writer = writer(file, member, first.as_ref());
        let mut patched = rsync::patch(&which.to_string(), basis, &mut *body)?;
        let hash = copy(&mut patched, &mut writer, which)?;
        drop(patched);
        check(which, &hash, body)?;
        let settled = settle(&mut writer, first, &metadata, (parent, name));
        let (given, linked) = settled.or_leave_out(which)?;
        if !linked {
            renameat(staging, PATCHED, parent, name).or_fail(Status::Failed, which)?;
        }
        self.cursor.shortfall.add(which, given);
        Ok(())
    }

    /// Removes what there is of a file that is left out: half of it, or an older state.
    fn clear_if_left_out(
        &mut self,
        path: &TreePath,
        which: &TreePath,
        done: Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        let nothing = !matches!(done, Err(Trouble::LeftOut(_)));
        if nothing || self.cursor.is_too_deep(path) || self.cursor.is_taken(path)? {
            return done;
        }
        if let Some((parent, name)) = self.cursor.parent(path)? {
            remove_if_held(parent, name).or_fail(Status::Failed, which)?;
        }
        done
    }

    /// The first name of the file that an entry is a further name of, if the tree has it.
    fn first(&self, path: &TreePath, member: &Member) -> Option<First> {
        let first = First::path(member)?.strip_prefix(&self.wanted)?;
        if first == *path {
            return None;
        }
        First::open(self.cursor.staging().ok()?, self.cursor.find(&first)?, member)
    }
}

fn writer(file: File, member: &Member, first: Option<&First>) -> Writer {
    let sparse = member.facts.get(SPARSE).is_some();
    Writer::new(file, sparse, first.and_then(First::file))
}

/// Gives a file its metadata, or its name to the first name of the same file, where that is the
/// same in all. Returns whether it has become a link.
fn settle(
    writer: &mut Writer,
    first: Option<First>,
    metadata: &Metadata,
    (parent, name): (BorrowedFd<'_>, &[u8]),
) -> io::Result<(Given, bool)> {
    let same = writer.finish()?;
    let given = metadata.set(writer.file())?;
    let Some(first) = first.filter(|_| same) else {
        return Ok((given, false));
    };
    let is_same = first.looks_like(writer.file());
    if is_same && first.link(parent, name).is_ok() {
        return Ok((given, true));
    }
    writer.part()?;
    Ok((Given { link: !is_same, ..metadata.set(writer.file())? }, false))
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

/// Copies content, and returns its SHA-256 in hex.
fn copy(from: &mut impl Read, to: &mut Writer, which: &TreePath) -> Result<String, Trouble> {
    let mut hash = Sha256::new();
    // On the stack, since most files are small and there are many.
    let mut buffer = [0; BUFFER];
    loop {
        let n = match from.read(&mut buffer) {
            Ok(0) => return Ok(format!("{:x}", hash.finalize())),
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Ok(Err(error).or_fail(Status::Integrity, which)?),
        };
        hash.update(&buffer[..n]);
        to.write_all(&buffer[..n]).or_leave_out(which)?;
    }
}

/// Checks content against the hash that was recorded when it was backed up. duplicity records
/// none.
fn check(which: &TreePath, hash: &str, body: &Entries) -> Result<(), Failure> {
    match body.facts().get(SHA256) {
        Some(recorded) if recorded != hash => {
            Err(wrong(which, "its hash differs from that at the time of the backup"))
        }
        _ => Ok(()),
    }
}
