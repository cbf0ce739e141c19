//! Where changes go: into the stream, or, for a dry run, on a list.

use std::fs::File;
use std::io::{self, Write};

use archive::{EntryName, Part, TreePath};
use attributes::Object;
use failure::Failure;
use progress::{Event, Events, Reporter};
use rustix::fs::Stat;
use stream::member::{DOUBT, INODE, Kind, LINK, RECENT, SHA256, SIZE, SPARSE};
use stream::{Annotations, Member, Output, write_content};

use crate::content::Content;
use crate::entry;
use crate::extended;
use crate::owners::Owners;
use crate::walk::Walk;

/// Whether an entry was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It was not.
    New,
    /// It was, as something else.
    Changed,
}

/// What became of an entry that was reported.
pub(crate) enum Told {
    /// All of it went out: that many bytes of content.
    Whole(u64),
    /// That many bytes of content went out, and there is something to say about them.
    Doubtful(u64, String),
    /// Nothing went out, since it cannot be opened.
    Unreadable(io::Error),
}

/// What a second look at a file's content has found.
pub(crate) enum Reread {
    /// It is that of the last backup. Comes with the inode that was read, where a change of it from
    /// now on would leave a trace.
    Same(Option<Stat>),
    /// It is another one, or was changed or failed while it was read.
    Other,
}

/// Where changes go.
pub(crate) trait Report {
    /// Whether anything is to be told of a path, and what is below it.
    fn takes(&self, _path: &TreePath) -> bool {
        true
    }

    /// Takes an entry that is not what it was. It is the one that `walk` has found last.
    fn entry(
        &mut self,
        path: &TreePath,
        member: Member,
        news: News,
        walk: &Walk,
        owners: &mut Owners,
    ) -> Result<Told, Failure>;

    /// Compares the content of the file that `walk` has found last with a SHA-256 in hex.
    fn reread(&mut self, path: &TreePath, sha256: &str, walk: &Walk) -> Result<Reread, Failure>;

    /// Takes the path of an entry that is gone.
    fn deleted(&mut self, path: &TreePath) -> Result<(), Failure>;

    /// Takes the path of a socket, which is not stored.
    fn socket(&mut self, _path: &TreePath) -> Result<(), Failure> {
        Ok(())
    }
}

/// The tree stream.
pub(crate) struct TreeStream<'a> {
    output: &'a mut Output<File>,
    reporter: Reporter,
    events: Events,
}

impl<'a> TreeStream<'a> {
    pub(crate) fn new(output: &'a mut Output<File>, reporter: Reporter) -> TreeStream<'a> {
        TreeStream { output, reporter, events: Events::find() }
    }

    fn bare(&mut self, part: Part, path: &TreePath, member: Member) -> Result<(), Failure> {
        let name = EntryName { part, path: path.clone(), piece: None };
        let name = name.encode(member.kind == Kind::Directory);
        self.output.append(&Member { name, ..member }, &[])
    }

    fn file(
        &mut self,
        path: &TreePath,
        found: &Member,
        mut content: Content,
        walk: &Walk,
        owners: &mut Owners,
    ) -> Result<Told, Failure> {
        let (member, trouble) = opened(found, &content, walk, owners);
        let mut doubt = None;
        let last = |content: &mut Content, length: u64| {
            let mut facts = Annotations::default();
            facts.set(SIZE, length);
            facts.set(SHA256, content.sha256());
            doubt = content.doubt();
            if doubt.is_some() {
                facts.set(DOUBT, "1");
            }
            if content.is_recent() {
                facts.set(RECENT, "1");
            }
            Ok(facts)
        };
        let length = write_content(self.output, Part::Snapshot, path, &member, &mut content, last)?;
        Ok(match doubt.or(trouble) {
            Some(why) => Told::Doubtful(length, why),
            None => Told::Whole(length),
        })
    }
}

/// The member of a file that is open: that counts, should the name have been given to another one
/// since it was found. With it comes what there is to say of its attributes.
fn opened(
    found: &Member,
    content: &Content,
    walk: &Walk,
    owners: &mut Owners,
) -> (Member, Option<String>) {
    let mut member = entry::member(Kind::File, content.stat(), Vec::new(), owners);
    let read = walk.attributes_of(Object::Open(content.file()));
    let trouble = extended::put(&mut member, read);
    if content.is_sparse() {
        member.annotations.set(SPARSE, "1");
    }
    let same = member.annotations.get(INODE) == found.annotations.get(INODE);
    if let Some(first) = found.annotations.get(LINK).filter(|_| same) {
        member.annotations.set(LINK, first);
    }
    (member, trouble)
}

impl Report for TreeStream<'_> {
    fn entry(
        &mut self,
        path: &TreePath,
        member: Member,
        news: News,
        walk: &Walk,
        owners: &mut Owners,
    ) -> Result<Told, Failure> {
        self.events.entry(path, |path| match news {
            News::New => Event::New { path },
            News::Changed => Event::Changed { path },
        });
        if member.kind != Kind::File {
            return self.bare(Part::Snapshot, path, member).map(|()| Told::Whole(0));
        }
        match walk.open().and_then(|file| Content::new(file, walk.frozen(), &self.reporter)) {
            Ok(content) => self.file(path, &member, content, walk, owners),
            Err(error) => Ok(Told::Unreadable(error)),
        }
    }

    /// Where it is another one, it is read again to be stored: the content can't wait anywhere
    /// until its end has told that it is needed.
    fn reread(&mut self, _path: &TreePath, sha256: &str, walk: &Walk) -> Result<Reread, Failure> {
        let content =
            walk.open().and_then(|file| Content::new(file, walk.frozen(), &self.reporter));
        let Ok(mut content) = content else {
            // Storing it fails in the same way, and says so.
            return Ok(Reread::Other);
        };
        let read = io::copy(&mut content, &mut io::sink());
        if read.is_err() || content.doubt().is_some() || content.sha256() != sha256 {
            return Ok(Reread::Other);
        }
        Ok(Reread::Same((!content.is_recent()).then(|| *content.stat())))
    }

    fn deleted(&mut self, path: &TreePath) -> Result<(), Failure> {
        self.events.entry(path, |path| Event::Deleted { path });
        self.bare(Part::Deleted, path, Member::default())
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
        writeln!(self.to, "{what:<8} {path}").map_err(|e| Failure::of_output(&e))
    }
}

impl<W: Write> Report for Listing<W> {
    fn entry(
        &mut self,
        path: &TreePath,
        member: Member,
        news: News,
        _walk: &Walk,
        _owners: &mut Owners,
    ) -> Result<Told, Failure> {
        let word = if news == News::New { "new" } else { "changed" };
        let size = member.annotations.get(SIZE).and_then(|size| size.parse().ok());
        self.line(word, path).map(|()| Told::Whole(size.unwrap_or(0)))
    }

    /// A dry run reads no content: whether it is another one has to stay open.
    fn reread(&mut self, path: &TreePath, _sha256: &str, _walk: &Walk) -> Result<Reread, Failure> {
        self.line("reread", path).map(|()| Reread::Same(None))
    }

    fn deleted(&mut self, path: &TreePath) -> Result<(), Failure> {
        self.line("deleted", path)
    }

    fn socket(&mut self, path: &TreePath) -> Result<(), Failure> {
        self.line("socket", path)
    }
}
