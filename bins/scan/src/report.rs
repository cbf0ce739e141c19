//! Where changes go: into the stream, or, for a dry run, on a list.

use std::fs::File;
use std::io::Write;

use archive::{EntryName, Part, TreePath};
use stream::member::{Kind, SHA256, SIZE};
use stream::{Failure, Member, Output, write_content};

use crate::changes::{News, Report};
use crate::content::Content;

/// The tree stream.
pub(crate) struct TreeStream<'a> {
    output: &'a mut Output<File>,
}

impl<'a> TreeStream<'a> {
    pub(crate) fn new(output: &'a mut Output<File>) -> TreeStream<'a> {
        TreeStream { output }
    }
}

impl Report for TreeStream<'_> {
    fn bare(&mut self, path: &TreePath, mut member: Member, _news: News) -> Result<(), Failure> {
        let name = EntryName { part: Part::Snapshot, path: path.clone(), piece: None };
        member.name = name.encode(member.kind == Kind::Directory);
        self.output.append(&member, &[])
    }

    fn wants_content(&self) -> bool {
        true
    }

    fn file(
        &mut self,
        path: &TreePath,
        member: Member,
        content: &mut Content,
    ) -> Result<u64, Failure> {
        write_content(self.output, Part::Snapshot, path, &member, content, |content, length| {
            let mut facts = stream::Facts::default();
            facts.set(SIZE, length.to_string());
            facts.set(SHA256, content.sha256());
            Ok(facts)
        })
    }

    fn deleted(&mut self, path: &TreePath) -> Result<(), Failure> {
        let name = EntryName { part: Part::Deleted, path: path.clone(), piece: None };
        let member = Member { mode: 0, ..Member::named(name.encode(false)) };
        self.output.append(&member, &[])
    }

    fn finish(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

/// A line an entry, for people: what `--dry-run` prints.
pub(crate) struct Listing<W> {
    to: W,
}

impl<W: Write> Listing<W> {
    pub(crate) fn new(to: W) -> Listing<W> {
        Listing { to }
    }

    fn line(&mut self, what: &str, path: &TreePath) -> Result<(), Failure> {
        let path = String::from_utf8_lossy(path.as_bytes()).escape_debug().to_string();
        let path = if path.is_empty() { "." } else { &path };
        writeln!(self.to, "{what:<8} {path}").map_err(|e| Failure::of_output(&e))
    }
}

impl<W: Write> Report for Listing<W> {
    fn bare(&mut self, path: &TreePath, _member: Member, news: News) -> Result<(), Failure> {
        self.line(if news == News::New { "new" } else { "changed" }, path)
    }

    fn wants_content(&self) -> bool {
        false
    }

    fn file(&mut self, _: &TreePath, _: Member, _: &mut Content) -> Result<u64, Failure> {
        Ok(0)
    }

    fn deleted(&mut self, path: &TreePath) -> Result<(), Failure> {
        self.line("deleted", path)
    }

    fn finish(&mut self) -> Result<(), Failure> {
        self.to.flush().map_err(|e| Failure::of_output(&e))
    }
}
