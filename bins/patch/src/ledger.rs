//! What each set says of the entries that it has, in the form of signature tars, out of which a
//! state is merged as it is out of an archive.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, Write};
use std::path::PathBuf;

use archive::{EntryName, Part, SetId, TreePath};
use local::Signatures;
use stream::member::Kind;
use stream::{Attributes, Failure, Member, OrFail, Status, TarWriter};

/// The records of all sets so far, in files without names.
pub(crate) struct Ledger {
    folder: PathBuf,
    sets: Vec<(SetId, File)>,
    open: Option<TarWriter<BufWriter<File>>>,
}

impl Ledger {
    /// An empty one, which keeps its files in that folder.
    pub(crate) fn new(folder: PathBuf) -> Ledger {
        Ledger { folder, sets: Vec::new(), open: None }
    }

    /// Takes an entry, which is the last one of that set so far. Of a file it has to tell size and
    /// hash.
    pub(crate) fn add(
        &mut self,
        set: SetId,
        (part, path): (Part, &TreePath),
        member: &Member,
    ) -> Result<(), Failure> {
        if self.sets.last().is_none_or(|(last, _)| *last != set) {
            self.begin(set)?;
        }
        let part = match (part, member.kind) {
            (Part::Deleted, _) => Part::Deleted,
            (_, Kind::File) => Part::Signature,
            _ => Part::Snapshot,
        };
        let name = EntryName { part, path: path.clone(), piece: None };
        let name = name.encode_for_sigtar(member.kind == Kind::Directory);
        // A hash among the facts stands for the attributes.
        let member = Member { name, attributes: Attributes::default(), ..member.clone() };
        let Some(tar) = &mut self.open else { return Ok(()) };
        tar.append(&member, &[]).or_fail(Status::Failed, self.folder.display())
    }

    /// The state that the sets add up to.
    pub(crate) fn state(mut self) -> Result<Signatures, Failure> {
        self.end()?;
        let tars = self.sets.into_iter().map(|(set, file)| {
            let tar: Box<dyn Read> = Box::new(BufReader::new(file));
            (set.to_string(), tar)
        });
        Signatures::merge(tars)
    }

    fn begin(&mut self, set: SetId) -> Result<(), Failure> {
        self.end()?;
        let which = self.folder.display();
        let file = tempfile::tempfile_in(&self.folder).or_fail(Status::Failed, &which)?;
        let writer = file.try_clone().or_fail(Status::Failed, &which)?;
        self.open = Some(TarWriter::new(BufWriter::new(writer)));
        self.sets.push((set, file));
        Ok(())
    }

    /// Ends the record of the last set, and goes back to its start.
    fn end(&mut self) -> Result<(), Failure> {
        let (Some(mut tar), Some((_, file))) = (self.open.take(), self.sets.last_mut()) else {
            return Ok(());
        };
        let ended = tar.end(false).and_then(|()| tar.get_mut().flush());
        ended.and_then(|()| file.rewind()).or_fail(Status::Failed, self.folder.display())
    }
}
