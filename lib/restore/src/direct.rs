//! The content of one file, written to standard output as it arrives.
//!
//! What the newest set stores of the file goes out at once. Only what a delta of a later set applies to is
//! kept, in a file without a name.

use std::fs::File;
use std::io::{BufWriter, IsTerminal, Read, Seek, StdoutLock, Write};

use archive::{Part, TreePath};
use failure::{Failure, OrFail, Status, shown};
use sha2::{Digest, Sha256};
use stream::member::Kind;
use stream::{Totals, pipe};

use crate::entries::{Entries, Entry, Event};
use crate::file::check;
use crate::staging::{Scratch, Staging};
use crate::standard_output::{begun, copy, no_regular_file, one_file, opened};
use crate::tree::wrong;
use crate::{RestoreInput, nothing_restored};

/// What the sets so far make of the path.
enum Known {
    Nothing,
    Other(Kind),
    /// A file that a later set may change.
    Kept(File),
    Written,
}

/// Writes the content of the one file that a stream restores, as it arrives. Returns the totals of the
/// stream.
///
/// # Errors
/// Status 2 if the path is no regular file, or standard output is a terminal; 5 if anything of the stream
/// is damaged, 10 if the path is not in the backup. What has been written until then is no whole file.
pub fn stream_file(input: RestoreInput) -> Result<Totals, Failure> {
    let input = one_file(input)?;
    let stdout = opened()?;
    if stdout.is_terminal() {
        let why = "standard output: is a terminal; pipe the file into a program";
        return Err(Failure::new(Status::Usage, why));
    }
    let path = input.path().clone();
    let staging = Staging::temporary()?;
    let mut direct = Direct {
        to: BufWriter::with_capacity(pipe::BUFFER, stdout),
        scratch: staging.scratch()?,
        known: Known::Nothing,
        path,
    };
    begun();
    let (mut entries, _) = input.entries(None);
    while let Some(event) = entries.advance()? {
        if let Event::Entry(entry) = event {
            direct.take(&entry, &mut entries)?;
        }
    }
    direct.finish()?;
    Ok(entries.totals())
}

struct Direct {
    to: BufWriter<StdoutLock<'static>>,
    scratch: Scratch,
    known: Known,
    path: TreePath,
}

impl Direct {
    fn take(&mut self, entry: &Entry, body: &mut Entries) -> Result<(), Failure> {
        let (name, kind) = (&entry.name, entry.member.kind);
        if name.path != self.path {
            // What is no directory any more has nothing below it.
            let stays = name.part == Part::Snapshot && kind == Kind::Directory;
            if self.path.starts_with(&name.path) && !stays {
                self.known = Known::Nothing;
            }
            return Ok(());
        }
        self.known = match (name.part, kind) {
            (Part::Deleted, _) => Known::Nothing,
            (Part::Snapshot, Kind::File) => {
                let hash = self.pass(body, |body| Ok(Box::new(body)))?;
                check(&self.path, &hash.0, body)?;
                hash.1
            }
            (Part::Diff, Kind::File) => {
                let Known::Kept(mut basis) = std::mem::replace(&mut self.known, Known::Nothing)
                else {
                    return Err(wrong(
                        &self.path,
                        "a delta, but earlier sets do not have the file",
                    ));
                };
                basis.rewind().or_fail(Status::Failed, shown(&self.scratch.path()))?;
                let which = self.path.to_string();
                let hash =
                    self.pass(body, move |body| Ok(Box::new(rsync::patch(&which, basis, body)?)))?;
                check(&self.path, &hash.0, body)?;
                hash.1
            }
            (_, kind) => Known::Other(kind),
        };
        Ok(())
    }

    /// Writes what is read, or keeps it for a later set. Returns its SHA-256 in hex.
    fn pass(
        &mut self,
        body: &mut Entries,
        read: impl for<'a> FnOnce(&'a mut Entries) -> Result<Box<dyn Read + 'a>, Failure>,
    ) -> Result<(String, Known), Failure> {
        let (_, is_newest) = body.set();
        let mut kept = (!is_newest).then(|| self.scratch.file()).transpose()?;
        let mut content = read(body)?;
        let mut hash = Sha256::new();
        copy(&mut content, (&self.path, Status::Integrity), |bytes| {
            hash.update(bytes);
            match &mut kept {
                Some(file) => {
                    file.write_all(bytes).or_fail(Status::Failed, shown(&self.scratch.path()))
                }
                None => self.to.write_all(bytes).map_err(|error| Failure::of_output(&error)),
            }
        })?;
        let known = kept.map_or(Known::Written, Known::Kept);
        Ok((format!("{:x}", hash.finalize()), known))
    }

    fn finish(mut self) -> Result<(), Failure> {
        match self.known {
            Known::Written => {}
            Known::Kept(mut file) => {
                file.rewind().or_fail(Status::Failed, shown(&self.scratch.path()))?;
                copy(&mut file, (&self.path, Status::Integrity), |bytes| {
                    self.to.write_all(bytes).map_err(|error| Failure::of_output(&error))
                })?;
            }
            Known::Other(kind) => return Err(no_regular_file(&self.path, kind)),
            Known::Nothing => {
                return Err(nothing_restored("standard output".as_ref(), &self.path, 0));
            }
        }
        self.to.flush().map_err(|error| Failure::of_output(&error))
    }
}
