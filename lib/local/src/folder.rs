//! The folder and the names in it.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use archive::{
    Collection, FileKind, FileName, Manifest, Prefixes, SetId, SetTime, StoredSet, Wrapping,
};
use failure::{Failure, OrFail, Status, shown};
use igzip::Inflate;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sha2::{Digest, Sha256};

use crate::shared::{SHARED, shared_with};
use crate::{Lock, Signatures};

/// The prefix of the names of a run's own files; duplicity ignores them.
const JOURNAL: &str = ".moobacker.";
/// Bytes of the buffers of all files that are read at once.
const BUFFERS: usize = 8 << 20;
/// The least that a buffer has.
const LEAST: usize = 4 << 10;

/// An archive folder.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    /// The folder above and the prefixes, where the manifests and signatures lie there.
    shared: Option<(PathBuf, Prefixes)>,
}

impl Folder {
    /// Opens the folder at `path`. Creates it, private to its owner, if it does not exist.
    pub fn create(path: &Path) -> Result<Folder, Failure> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.or_fail(Status::Failed, shown(&path))?;
        Folder::open(path)
    }

    /// The folder at `path`, which must be there.
    pub fn open(path: &Path) -> Result<Folder, Failure> {
        fs::read_dir(path).or_fail(Status::Failed, shown(&path))?;
        Ok(Folder { path: path.to_owned(), shared: shared_with(path)? })
    }

    /// Where a file of that name lies.
    pub fn path(&self, name: &str) -> PathBuf {
        match &self.shared {
            Some((above, _)) if name == Lock::NAME => above.join(name),
            Some((above, prefixes)) if Prefixes::is_of_backup(name) => {
                above.join(prefixes.outer(name))
            }
            _ => self.path.join(name),
        }
    }

    /// The names of all files, in no order. Names that are not UTF-8 are not ours, and left out.
    pub fn names(&self) -> Result<Vec<String>, Failure> {
        let mut names = names_in(&self.path)?;
        if let Some((above, prefixes)) = &self.shared {
            names.retain(|name| !Prefixes::is_of_backup(name) && name != SHARED);
            let there = names_in(above)?;
            names.extend(there.iter().filter_map(|name| prefixes.inner(name)).map(str::to_owned));
        }
        Ok(names)
    }

    /// The sets whose manifests and signatures are here.
    pub fn collection(&self) -> Result<Collection, Failure> {
        self.names().map(Collection::of)
    }

    /// The times of the sets here, complete or not, and of the sets that runs have begun.
    pub fn times(&self, collection: &Collection) -> Result<Vec<SetTime>, Failure> {
        let part = |name: &String| Folder::parse_part(name).map(|part| part.set.time);
        let names = self.names()?;
        let begun = names.iter().filter_map(|name| part(name).or(Folder::parse_journal(name)));
        let sets = collection.complete().map(|set| set.id.time);
        Ok(sets.chain(begun).collect())
    }

    /// The manifest of a set, or `None` if it is missing.
    pub fn manifest(&self, set: &StoredSet) -> Result<Option<Manifest>, Failure> {
        let Some(name) = &set.manifest else {
            return Ok(None);
        };
        let which = self.shown(name);
        let read = Manifest::read(&mut self.read(name, 1)?).or_fail(Status::Failed, &which)?;
        read.map(Some).or_fail(Status::Integrity, &which)
    }

    /// The state that the signatures of these sets add up to, the oldest set first.
    pub fn signatures(&self, sets: &[StoredSet]) -> Result<Signatures, Failure> {
        if !can_read(sets.len()) {
            let why = format!("a chain of {} sets needs more open files than allowed", sets.len());
            let help = "raise the limit (ulimit -n), or make a full backup";
            let message = format!("{}: {why}; {help}", shown(&self.path));
            return Err(Failure::new(Status::Failed, message));
        }
        let sources = sets.iter().map(|set| self.signature_tar(set, sets.len()));
        Signatures::merge(sources.collect::<Result<Vec<_>, _>>()?)
    }

    /// The SHA-256 of the newest seal of these sets in hex, or `None` if no set has one.
    pub fn newest_seal(&self, collection: &Collection) -> Result<Option<String>, Failure> {
        let sets = collection.chains.iter().flat_map(|chain| &chain.sets);
        let newest = sets.filter(|set| set.seal.is_some()).max_by_key(|set| set.id);
        newest.map(|set| self.seal_hash(set)).transpose().map(Option::flatten)
    }

    /// The SHA-256 of the seal of a set in hex, or `None` without a seal.
    pub fn seal_hash(&self, set: &StoredSet) -> Result<Option<String>, Failure> {
        let seal = self.seal(set).transpose()?;
        Ok(seal.map(|(_, bytes)| format!("{:x}", Sha256::digest(bytes))))
    }

    /// The seal of a set, if it has one: its path and its bytes.
    pub fn seal(&self, set: &StoredSet) -> Option<Result<(String, Vec<u8>), Failure>> {
        let name = set.seal.as_ref()?;
        let bytes = fs::read(self.path(name)).or_fail(Status::Failed, self.shown(name));
        Some(bytes.map(|bytes| (self.shown(name), bytes)))
    }

    /// The seals of all sets that have one, the newest first: the path and the bytes of each.
    pub fn seals<'a>(
        &'a self,
        collection: &'a Collection,
    ) -> impl Iterator<Item = Result<(String, Vec<u8>), Failure>> + 'a {
        let mut sets: Vec<_> = collection.complete().collect();
        sets.sort_by_key(|set| std::cmp::Reverse(set.id));
        sets.into_iter().filter_map(|set| self.seal(set))
    }

    /// The signature tar of a set, with the name that errors call it. It is read beside so many
    /// others.
    pub(crate) fn signature_tar(
        &self,
        set: &StoredSet,
        beside: usize,
    ) -> Result<(String, Box<dyn Read + Send>), Failure> {
        let Some(name) = &set.signatures else {
            let why = format!("{}: no signatures of the {}", shown(&self.path), set.id);
            return Err(Failure::new(Status::Absent, why));
        };
        Ok((self.shown(name), self.read(name, beside)?))
    }

    /// The name under which a file of a set is kept while the set is not finished. The dot keeps
    /// duplicity from taking it for an interrupted run of its own.
    pub fn part_name(set: SetId, kind: FileKind) -> String {
        let name = FileName { set, kind, wrapping: Wrapping::Plain, partial: true };
        format!(".{}", name.encode())
    }

    /// The set and the kind of an unfinished file, from its name.
    pub fn parse_part(name: &str) -> Option<FileName> {
        FileName::parse(name.strip_prefix('.')?).filter(|name| name.partial)
    }

    /// The word in [`Folder::journal_name`] of the list of files that a manifest will end with.
    pub const FILES: &str = "files";

    /// The name of a file that a run keeps of the set of that time, for the case that it is
    /// interrupted.
    pub fn journal_name(time: SetTime, word: &str) -> String {
        format!("{JOURNAL}{time}.{word}")
    }

    /// The time of the set, from the name of such a file.
    pub fn parse_journal(name: &str) -> Option<SetTime> {
        name.strip_prefix(JOURNAL)?.split_once('.')?.0.parse().ok()
    }

    /// The prefix of a file that gets its own name when it is complete.
    pub const TEMPORARY: &str = ".commit-";

    /// Whether a file, from its name, belongs to a run and may vanish with it.
    pub fn is_passing(name: &[u8]) -> bool {
        name.starts_with(JOURNAL.as_bytes()) || name.starts_with(Folder::TEMPORARY.as_bytes())
    }

    /// Opens an unfinished file at its end, and creates it if it does not exist. It is truncated to
    /// `len` bytes.
    pub fn unfinished(&self, name: &str, len: u64) -> Result<File, Failure> {
        let path = self.path(name);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&path).or_fail(Status::Failed, shown(&path))?;
        let cut = file.set_len(len).and_then(|()| file.seek(SeekFrom::End(0)));
        cut.or_fail(Status::Failed, shown(&path))?;
        Ok(file)
    }

    /// Makes the names in the folder safe against a crash.
    pub fn sync(&self) -> Result<(), Failure> {
        let above = self.shared.iter().map(|(above, _)| above);
        std::iter::once(&self.path).chain(above).try_for_each(|path| {
            let synced = File::open(path).and_then(|folder| folder.sync_all());
            synced.or_fail(Status::Failed, shown(path))
        })
    }

    /// The content of a file, unpacked, that is read beside so many others.
    fn read(&self, name: &str, beside: usize) -> Result<Box<dyn Read + Send>, Failure> {
        let file = File::open(self.path(name)).or_fail(Status::Failed, self.shown(name))?;
        let packed = FileName::parse(name).is_some_and(|name| name.wrapping == Wrapping::Gzip);
        let buffer = (BUFFERS / 2 / beside.max(1)).clamp(LEAST, stream::pipe::BUFFER);
        let file = BufReader::with_capacity(buffer, file);
        if !packed {
            return Ok(Box::new(file));
        }
        // Members are read in little pieces, for each of which the decoder has much to set up.
        Ok(Box::new(BufReader::with_capacity(buffer, Inflate::gzip(file))))
    }

    fn shown(&self, name: &str) -> String {
        shown(&self.path(name)).to_string()
    }
}

fn names_in(path: &Path) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path).or_fail(Status::Failed, shown(&path))? {
        let entry = entry.or_fail(Status::Failed, shown(&path))?;
        names.extend(entry.file_name().into_string());
    }
    Ok(names)
}

/// How many files a program has open at most beside the signatures of a chain.
const SPARE: u64 = 32;

/// Whether the signatures of a chain of so many sets can be read: each set is an open file. Lets as
/// many be open as the system allows.
pub fn can_read(sets: usize) -> bool {
    let limit = getrlimit(Resource::Nofile);
    // If this fails, the limit does not change.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    let most = getrlimit(Resource::Nofile).current;
    most.is_none_or(|most| SPARE + sets as u64 <= most)
}
