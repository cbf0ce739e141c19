//! A state on standard output: the content of one file, or a tar.
//!
//! The state is built among the temporary files first, so nothing is written unless all of it has been
//! checked.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Read, StdoutLock, Write};

use archive::TreePath;
use cli::note::{self, Note};
use failure::{Failure, OrFail, Status};
use local::{EntryRecord, Signatures};
use rustix::fs::{FileType, OFlags, fcntl_getfl, fstat, makedev};
use stream::member::{Kind, LINK, XATTRS};
use stream::{Annotations, Member, TarWriter, Timestamp, Totals, pipe};

use crate::RestoreInput;
use crate::scratch_restore::{Purpose, ScratchRestore, ScratchTree};

/// The largest file that is shown on a terminal, in bytes.
const SHOWN: u64 = 1 << 20;
/// Bytes of the first names of hard links that are remembered at most.
const REMEMBERED: usize = 40 << 20;
/// Bytes that a first name takes besides its path.
const NAME: usize = 256;

/// The bits of a mode that lend the rights of owner and group.
const SET_ID: u32 = 0o6000;
/// The user and group of what belongs to nobody.
const NOBODY: u64 = 65534;
/// The longest name of a user (useradd(8)).
const USER_NAME: usize = 32;

/// Whether a system can have a user or group of that number; the last one means none.
fn is_owner(number: u64) -> bool {
    number < u32::MAX.into()
}

/// Whether it can be the name of a user or group, which tar prints as it is.
fn is_user_name(name: &[u8]) -> bool {
    let text = std::str::from_utf8(name);
    name.len() <= USER_NAME && text.is_ok_and(|text| !text.chars().any(char::is_control))
}

fn objects(count: u64) -> String {
    if count == 1 { "1 object".to_owned() } else { format!("{count} objects") }
}

/// Standard output, where the caller has opened it: for one that is closed, the runtime opens `/dev/null`
/// for reading and writing, and all would vanish with status 0.
pub(crate) fn opened() -> Result<StdoutLock<'static>, Failure> {
    let to = io::stdout().lock();
    let is_null = fstat(&to).is_ok_and(|stat| {
        FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice
            && stat.st_rdev == makedev(1, 3)
    });
    let is_both = fcntl_getfl(&to).is_ok_and(|flags| flags.contains(OFlags::RDWR));
    if is_null && is_both {
        let why = "standard output: is closed; send it to a file or a program";
        return Err(Failure::new(Status::Failed, why));
    }
    Ok(to)
}

/// From here on there is output, and an interruption leaves it incomplete. The note takes the place of that
/// of the staging folder, which is among the temporary files that go anyway.
pub(crate) fn begun() {
    note::leave(&Note::Output);
}

/// Writes the content of the one file that a stream restores to standard output. Returns the totals
/// of the stream.
///
/// # Errors
/// Status 2 if the path is no regular file, or the file is binary and standard output a terminal; 5 if
/// anything of the stream is damaged, 10 if the path is not in the backup. Nothing has been written then.
pub fn write_file(input: RestoreInput) -> Result<Totals, Failure> {
    let input = one_file(input)?;
    let path = input.path().clone();
    let restore = ScratchRestore::build(input, Purpose::Read)?;
    let totals = restore.totals();
    let (state, mut tree) = restore.read()?;
    let kind = state.peek().map(|record| record.member.kind);
    if let Some(kind) = kind.filter(|kind| *kind != Kind::File) {
        return Err(no_regular_file(&path, kind));
    }
    let mut file = tree.open(&TreePath::root())?;
    let to = opened()?;
    begun();
    if to.is_terminal() {
        return show(&path, &mut file, to).map(|()| totals);
    }
    let mut to = BufWriter::with_capacity(pipe::BUFFER, to);
    copy(&mut file, (&path, Status::Failed), |bytes| {
        to.write_all(bytes).map_err(|error| Failure::of_output(&error))
    })?;
    to.flush().map_err(|error| Failure::of_output(&error))?;
    Ok(totals)
}

/// # Errors
/// Several paths or patterns were requested.
pub(crate) fn one_file(input: RestoreInput) -> Result<RestoreInput, Failure> {
    if !input.is_filtered() {
        return Ok(input);
    }
    let why = "standard output takes one file: give one --path and no patterns, or --tar";
    Err(Failure::new(Status::Usage, why))
}

/// The failure of a path that is something else.
pub(crate) fn no_regular_file(path: &TreePath, kind: Kind) -> Failure {
    let what = cli::legible::kind(kind);
    let why = format!("a {what}, not a regular file; use --path to name a file, or --tar");
    Failure::of(Status::Usage, path, why)
}

/// Writes text to a terminal. What could command it is refused.
fn show(path: &TreePath, file: &mut File, mut to: StdoutLock<'_>) -> Result<(), Failure> {
    let mut text = String::new();
    let is_command = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\t');
    let read = file.take(SHOWN + 1).read_to_string(&mut text);
    let is_short = matches!(read, Ok(length) if length as u64 <= SHOWN);
    if !is_short || text.chars().any(is_command) {
        let why = "binary or large, and standard output is a terminal; pipe it into a program";
        return Err(Failure::of(Status::Usage, path, why));
    }
    to.write_all(text.as_bytes()).map_err(|error| Failure::of_output(&error))
}

/// Writes the state that a stream restores to standard output, as a tar with owners, modes, times, links
/// and attributes. With `numeric`, owners have no names. Returns the totals of the stream.
///
/// # Errors
/// Status 2 if standard output is a terminal, 5 if anything of the stream is damaged, 10 if the path is
/// not in the backup. Nothing has been written then. After other failures, the tar has no end mark.
pub fn write_tar(input: RestoreInput, numeric: bool) -> Result<Totals, Failure> {
    if io::stdout().is_terminal() {
        let why = "standard output: is a terminal; pipe the tar into a program, such as tar tv";
        return Err(Failure::new(Status::Usage, why));
    }
    let stdout = opened()?;
    let wanted = input.path().clone();
    let restore = ScratchRestore::build(input, Purpose::Read)?;
    let totals = restore.totals();
    let source = restore.origin().map(|(_, source)| source).unwrap_or_default();
    let source = TreePath::parse(source.strip_prefix(b"/").unwrap_or(&source)).unwrap_or_default();
    let name = wanted.file_name().or(source.file_name()).unwrap_or(b"file").to_owned();
    let (first, state, tree) = restore.read_twice()?;
    let names = FirstNames::read(first, &wanted)?;
    let to = TarWriter::new(BufWriter::with_capacity(pipe::BUFFER, stdout));
    let mut tar = Tar { to: to.for_others(), tree, names, wanted, name, numeric, unowned: 0 };
    begun();
    tar.all(state)?;
    if tar.unowned > 0 {
        let count = objects(tar.unowned);
        log::warn!("could not restore: the owner of {count}: no system has such a number");
    }
    let skipped = tar.unowned + tar.tree.report_skipped();
    Ok(Totals { unreadable: totals.unreadable + skipped, ..totals })
}

/// A tar that is being written.
struct Tar {
    to: TarWriter<BufWriter<StdoutLock<'static>>>,
    tree: ScratchTree,
    names: FirstNames,
    wanted: TreePath,
    /// The name of the root, where that is no directory.
    name: Vec<u8>,
    numeric: bool,
    /// How many entries have an owner or a group that no system has.
    unowned: u64,
}

impl Tar {
    fn all(&mut self, mut state: Signatures) -> Result<(), Failure> {
        while let Some(record) = state.take()? {
            self.entry(&record)?;
        }
        let ended = self.to.end(true).and_then(|()| self.to.get_mut().flush());
        ended.map_err(|error| Failure::of_output(&error))
    }

    fn entry(&mut self, record: &EntryRecord) -> Result<(), Failure> {
        let EntryRecord { path, member, .. } = record;
        if member.kind == Kind::Directory && !self.tree.has_directory(path) {
            return Ok(());
        }
        let name = self.name_of(path, member.kind);
        let mut written = Member { name, annotations: Annotations::default(), ..member.clone() };
        if !is_owner(written.uid) || !is_owner(written.gid) {
            self.unowned += 1;
            // tar would take it for root, to whom the file would then lend its rights.
            written.mode &= !SET_ID;
            written.uid = if is_owner(written.uid) { written.uid } else { NOBODY };
            written.gid = if is_owner(written.gid) { written.gid } else { NOBODY };
        }
        for name in [&mut written.uname, &mut written.gname] {
            if self.numeric || !is_user_name(name) {
                name.clear();
            }
        }
        if let Some(first) = self.names.link(record, &self.wanted) {
            (written.kind, written.link) = (Kind::HardLink, self.name_of(&first, Kind::File));
        }
        if written.kind != Kind::File {
            let appended = self.to.append(&written, &[]);
            return appended.map_err(|error| Failure::of_output(&error));
        }
        let mut file = self.tree.open(path)?;
        let size = file.metadata().or_fail(Status::Failed, path)?.len();
        let headed = self.to.begin(&written, size);
        headed.map_err(|error| Failure::of_output(&error))?;
        let to = &mut self.to;
        copy(&mut file, (path, Status::Failed), |bytes| {
            to.put_part(bytes).map_err(|error| Failure::of_output(&error))
        })?;
        to.finish(size).map_err(|error| Failure::of_output(&error))
    }

    /// The name of an entry: below `./`, as tar writes those of a directory.
    fn name_of(&self, path: &TreePath, kind: Kind) -> Vec<u8> {
        match path.is_root() {
            true if kind == Kind::Directory => b"./".to_vec(),
            true => self.name.clone(),
            false => [b"./", path.as_bytes()].concat(),
        }
    }
}

/// Hands all that is read to `put`. A failure to read is of that path, with that status.
pub(crate) fn copy(
    from: &mut impl Read,
    (path, status): (&TreePath, Status),
    mut put: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut buffer = vec![0; pipe::BUFFER];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => put(&buffer[..n])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error).or_fail(status, path),
        }
    }
}

/// The first names of files with several names, and what they are like once they have been written.
/// If there are too many, further names are files of their own.
struct FirstNames(BTreeMap<TreePath, Option<Likeness>>);

/// In what two names of a file must be equal to be links to each other.
#[derive(PartialEq, Eq)]
struct Likeness {
    owner: (u64, u64),
    mode: u32,
    mtime: Timestamp,
    attributes: Option<String>,
    sha256: String,
}

impl FirstNames {
    fn read(mut state: Signatures, wanted: &TreePath) -> Result<FirstNames, Failure> {
        let (mut names, mut size) = (BTreeMap::new(), 0);
        while let Some(record) = state.take()? {
            let Some(first) = first_name(&record, wanted) else { continue };
            if names.contains_key(&first) {
                continue;
            }
            size += first.as_bytes().len() + NAME;
            if size > REMEMBERED {
                log::warn!("too many hard links: the tar has some of them as files of their own");
                break;
            }
            names.insert(first, None);
        }
        Ok(FirstNames(names))
    }

    /// The first name that an entry is a link to, if that has been written with equal properties.
    fn link(&mut self, record: &EntryRecord, wanted: &TreePath) -> Option<TreePath> {
        let like = Likeness::of(record)?;
        if let Some(known) = self.0.get_mut(&record.path) {
            *known = Some(like);
            return None;
        }
        let first = first_name(record, wanted)?;
        let known = self.0.get(&first)?.as_ref();
        known.is_some_and(|known| *known == like).then_some(first)
    }
}

impl Likeness {
    fn of(record: &EntryRecord) -> Option<Likeness> {
        let member = &record.member;
        Some(Likeness {
            owner: (member.uid, member.gid),
            mode: member.mode,
            mtime: member.mtime,
            attributes: member.annotations.get(XATTRS).map(str::to_owned),
            sha256: record.sha256()?.to_owned(),
        })
    }
}

fn first_name(record: &EntryRecord, wanted: &TreePath) -> Option<TreePath> {
    let first = TreePath::parse(&record.member.annotations.bytes(LINK)?).ok()?;
    first.strip_prefix(wanted).filter(|first| *first != record.path)
}
