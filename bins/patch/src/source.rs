//! The source that a state is compared with, as `moo-scan` reads it.

use std::fs::File;
use std::path::Path;

use archive::{Part, TreePath};
use failure::{Failure, OrFail, Status};
use stream::{Content, Entry, Member, SetType, TreeInput};

/// The entries of a source.
pub(crate) struct Source {
    /// What errors call it.
    which: String,
    input: TreeInput<File>,
    next: Option<(TreePath, Member)>,
}

impl Source {
    /// Reads the start of a tree stream of all that a source has.
    pub(crate) fn open(path: &Path) -> Result<Source, Failure> {
        let which = path.display().to_string();
        let file = File::open(path).or_fail(Status::Failed, &which)?;
        let input = TreeInput::open(file).map_err(|failure| failure.about(&which))?;
        match input.begin().set().map(|set| set.set_type) {
            Some(SetType::Full) => Ok(Source { which, input, next: None }),
            _ => {
                let why = "not the whole of a source (use moo-scan without --archive)";
                Err(Failure::of(Status::Usage, which, why))
            }
        }
    }

    /// The entry that comes next; none at the end. Facts of a file tell its hash.
    pub(crate) fn peek(&mut self) -> Result<Option<&(TreePath, Member)>, Failure> {
        while self.next.is_none() {
            let entry = self.input.advance().map_err(|failure| failure.about(&self.which))?;
            let Some(entry) = entry else { break };
            if entry.name.part == Part::Snapshot {
                self.next = Some(self.whole(entry)?);
            }
        }
        Ok(self.next.as_ref())
    }

    /// Goes on behind the entry that comes next.
    pub(crate) fn advance(&mut self) -> Option<(TreePath, Member)> {
        self.next.take()
    }

    /// How many entries of the source could not be read, once the end has come.
    pub(crate) fn unreadable(&self) -> u64 {
        self.input.totals().unreadable
    }

    /// An entry over the end of its content, which tells the hash.
    fn whole(&mut self, entry: Entry) -> Result<(TreePath, Member), Failure> {
        let (path, mut member) = (entry.name.path.clone(), entry.member.clone());
        if entry.is_content() {
            let content = Content::new(&mut self.input, entry, |_| Ok(()))?;
            let last = content.last().map_err(|failure| failure.about(&self.which))?;
            member.facts.extend(&last.member.facts);
        }
        Ok((path, member))
    }
}
