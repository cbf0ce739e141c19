//! A state as the tree stream of a full set: what moo-scan would have written of it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use archive::{EntryName, Identity, Part, SetTime, TreePath};
use failure::{Failure, OrFail, Status};
use local::{EntryRecord, Folder, Lock, Signatures, can_read, now_after};
use restore::{Purpose, RestoreInput, ScratchRestore, ScratchTree};
use sha2::{Digest, Sha256};
use stream::member::{CTIME, DOUBT, INODE, Kind, RECENT, SHA256, SIZE};
use stream::{
    Annotations, Begin, Member, Output, RestoreRequest, SetHeader, SetType, Totals, write_content,
};

/// Restores the requested state in TMPDIR, and writes it once it is whole.
pub(crate) fn write(
    input: RestoreInput,
    archive: Option<&Path>,
    output: &mut Output<File>,
) -> Result<Totals, Failure> {
    if input.request().path.is_some() {
        let why = "standard input is a part of a state, and a full set has all of it";
        return Err(Failure::new(Status::Usage, why));
    }
    let wanted = input.request().clone();
    let archive = archive.map(hold).transpose()?;
    let start = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let restore = ScratchRestore::build(input, Purpose::Read)?;
    let (origin, identity) = (restore.origin(), restore.identity());
    let (state, mut tree) = restore.read()?;
    let head = head(&wanted, origin, identity, archive.as_ref())?;
    output.begin(&Begin::backup(stream::StreamKind::Tree, head))?;
    let recorded = Recorded::open(archive.as_ref().map(|(folder, _)| folder), &wanted)?;
    let (files, bytes, overlong) = all(&mut tree, state, recorded, output)?;
    let unreadable = overlong + tree.report_skipped();
    let start = u64::try_from(start).unwrap_or_default();
    let source = Totals { start, source_files: files, source_bytes: bytes, ..Totals::default() };
    // Nothing is known to have been there before.
    Ok(Totals { new_files: files, new_bytes: bytes, unreadable, ..source })
}

/// Starts a run on an archive.
fn hold(path: &Path) -> Result<(Folder, Lock), Failure> {
    let folder = Folder::create(path)?;
    let lock = Lock::start(&folder)?;
    Ok((folder, lock))
}

/// The set that is to be made: of the same host and source.
fn head(
    wanted: &RestoreRequest,
    origin: Option<(Vec<u8>, Vec<u8>)>,
    identity: Option<Identity>,
    archive: Option<&(Folder, Lock)>,
) -> Result<SetHeader, Failure> {
    let Some((newest, (host, source))) = wanted.sets.last().zip(origin) else {
        let why = "standard input: the manifest of the last set names no host and source";
        return Err(Failure::new(Status::Integrity, why));
    };
    let mut head = SetHeader {
        set_type: SetType::Full,
        time: newest.time,
        base: None,
        host,
        source,
        identity: wanted.identity.or(identity),
        labels: wanted.labels.clone(),
        run: None,
        previous_seal: None,
        passphrase: None,
        options: None,
        key: None,
        resume: None,
    };
    let mut taken: Vec<_> = wanted.unfinished.iter().map(|set| set.time).collect();
    if let Some((folder, lock)) = archive {
        let collection = folder.collection()?;
        taken.extend(folder.times(&collection)?);
        head.run = Some(lock.run().to_owned());
        head.previous_seal = folder.newest_seal(&collection)?;
        let known = openpgp::known_identity(folder.seals(&collection))?;
        head.identity = known.or(head.identity);
    }
    head.time = time_behind(newest.time, &taken)?;
    now_after(head.time)?;
    Ok(head)
}

/// The first second behind a set that is not taken: nothing may come between the two.
fn time_behind(set: SetTime, taken: &[SetTime]) -> Result<SetTime, Failure> {
    let mut time = set;
    while time == set || taken.contains(&time) {
        let next = SetTime::from_seconds(time.seconds() + 1);
        time = next.or_fail(Status::Failed, "the time of the new set")?;
    }
    Ok(time)
}

/// Writes all entries of a state. Returns how many there are, the bytes of their content, and how
/// many are left out, since only sets of earlier releases hold such long paths.
fn all(
    tree: &mut ScratchTree,
    mut state: Signatures,
    mut recorded: Recorded,
    output: &mut Output<File>,
) -> Result<(u64, u64, u64), Failure> {
    let (mut files, mut bytes, mut overlong) = (0, 0, 0);
    while let Some(known) = state.peek() {
        if known.path.fits() {
            let inode = recorded.inode(known)?;
            bytes += entry(tree, known, inode, output)?;
            files += 1;
        } else {
            if known.path.parent().is_none_or(|parent| parent.fits()) {
                let why = format!("a path of more than {} bytes", TreePath::LONGEST);
                log::warn!("{}: left out, with everything below it: {why}", known.path.shortened());
            }
            overlong += 1;
        }
        state.advance()?;
    }
    Ok((files, bytes, overlong))
}

/// Writes an entry. Returns the bytes of its content.
fn entry(
    tree: &mut ScratchTree,
    known: &EntryRecord,
    inode: Option<(Option<String>, Annotations)>,
    output: &mut Output<File>,
) -> Result<u64, Failure> {
    let EntryRecord { path, member, .. } = known;
    if member.kind != Kind::File {
        let name = EntryName { part: Part::Snapshot, path: path.clone(), piece: None };
        let name = name.encode(member.kind == Kind::Directory);
        let mut member = Member { name, ..member.clone() };
        if let Some((_, inode)) = inode {
            member.annotations.extend(&inode);
        }
        return output.append(&member, &[]).map(|()| 0);
    }
    let file = tree.open(path)?;
    let mut content = HashedContent { file, hash: Sha256::new() };
    let last = |content: &mut HashedContent, length: u64| {
        let mut annotations = Annotations::default();
        annotations.set(SIZE, length);
        let sha256 = format!("{:x}", content.hash.clone().finalize());
        if let Some((_, inode)) = inode.filter(|(recorded, _)| recorded.as_ref() == Some(&sha256)) {
            annotations.extend(&inode);
        }
        annotations.set(SHA256, sha256);
        Ok(annotations)
    };
    write_content(output, Part::Snapshot, path, member, &mut content, last)
}

/// The signatures that an archive directory has of the same state. Volumes tell nothing of inodes;
/// without it the next backup would have to read every file to see whether it has changed.
struct Recorded(Option<Signatures>);

impl Recorded {
    fn open(folder: Option<&Folder>, wanted: &RestoreRequest) -> Result<Recorded, Failure> {
        let Some((folder, newest)) = folder.zip(wanted.sets.last()) else {
            return Ok(Recorded(None));
        };
        let collection = folder.collection()?;
        let mut chains = collection.chains.iter();
        let chain = chains.find(|chain| chain.end() == newest.time && chain.has_all_signatures());
        let chain = chain.filter(|chain| can_read(2 * chain.sets.len()));
        chain.map(|chain| folder.signatures(&chain.sets)).transpose().map(Recorded)
    }

    /// What is recorded of an entry's inode, and the SHA-256 of the content that it had then. None
    /// where the entry is another one.
    fn inode(
        &mut self,
        entry: &EntryRecord,
    ) -> Result<Option<(Option<String>, Annotations)>, Failure> {
        let Some(signatures) = &mut self.0 else { return Ok(None) };
        if !signatures.seek(&entry.path)? {
            return Ok(None);
        }
        let same = |known: &&EntryRecord| {
            (known.member.kind, known.member.mtime) == (entry.member.kind, entry.member.mtime)
        };
        let Some(known) = signatures.peek().filter(same) else { return Ok(None) };
        let mut annotations = known.member.annotations.clone();
        annotations.keep(&[CTIME, INODE, RECENT, DOUBT]);
        Ok(Some((known.sha256().map(str::to_owned), annotations)))
    }
}

/// HashedContent that is hashed as it is read.
struct HashedContent {
    file: File,
    hash: Sha256,
}

impl Read for HashedContent {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buffer)?;
        self.hash.update(&buffer[..n]);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_comes_right_behind_another_or_behind_what_runs_have_left_there() {
        let at = |second: i64| SetTime::from_seconds(1_700_000_000 + second).unwrap();
        assert_eq!(time_behind(at(0), &[at(0), at(2)]).unwrap(), at(1));
        assert_eq!(time_behind(at(0), &[at(2), at(1), at(4)]).unwrap(), at(3));
    }
}
