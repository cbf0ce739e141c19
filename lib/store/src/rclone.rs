//! A remote of rclone, through the user's own rclone.

mod call;
mod read;
mod send;
mod trouble;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use archive::{FileKind, FileName};
use failure::{Failure, OrFail, Reason, Status};
use serde::Deserialize;

use self::call::Rclone;
use self::read::Reading;
use self::send::{Arrived, Outgoing, Sender, Way};
use crate::listing::Listing;
use crate::{Options, Sink, Store, Stored, temporary};

/// `rclone:REMOTE:PATH`.
///
/// Where the remote can move a file, files go up under temporary names. Where a rename would be a
/// copy, as in most stores of objects, volumes get their own names at once, and the files that
/// make a set of them are held back until they are published.
pub(crate) struct RcloneStore {
    rclone: Rclone,
    /// Whether the remote can move a file, or `None` if it has not been asked.
    moves: Option<bool>,
    sender: Option<Sender>,
    /// The final names of files that have arrived or are held back.
    received: BTreeMap<String, Arrived>,
    /// What the folder has, as far as it is known.
    listing: Option<BTreeMap<String, u64>>,
    /// The files published since the last list: new and old names.
    published: BTreeMap<String, String>,
}

/// A file in the output of `rclone lsjson`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    name: String,
    size: i64,
}

/// The output of `rclone backend features`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Remote {
    features: Features,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Features {
    #[serde(rename = "Move")]
    moves: bool,
}

impl RcloneStore {
    pub(crate) fn new(url: &str, remote: &str, options: &Options) -> RcloneStore {
        RcloneStore {
            rclone: Rclone::new(url, remote, options),
            moves: None,
            sender: None,
            received: BTreeMap::new(),
            listing: None,
            published: BTreeMap::new(),
        }
    }

    /// Whether the remote can move a file, without a copy of it.
    fn moves(&mut self) -> Result<bool, Failure> {
        if let Some(moves) = self.moves {
            return Ok(moves);
        }
        let told = self.rclone.run("", &["backend", "features", &self.rclone.place("")])?;
        let remote: Remote =
            serde_json::from_slice(&told).or_fail(Status::Refused, self.rclone.which(""))?;
        self.moves = Some(remote.features.moves);
        Ok(remote.features.moves)
    }

    fn look(&mut self) -> Result<&BTreeMap<String, u64>, Failure> {
        let words = ["--files-only", "--no-modtime", "--no-mimetype"];
        let place = self.rclone.place("");
        let told = self.rclone.run("", &["lsjson", words[0], words[1], words[2], &place])?;
        let files: Vec<Listed> =
            serde_json::from_slice(&told).or_fail(Status::Refused, self.rclone.which(""))?;
        let mut listing = Listing::new(&self.rclone.which(""), None);
        for Listed { name, size } in files {
            listing.add(name.as_bytes(), Some(u64::try_from(size).unwrap_or(0)))?;
        }
        let files = listing.finish().into_iter().map(|file| (file.name, file.size));
        Ok(self.listing.insert(files.collect()))
    }

    fn listing(&mut self) -> Result<&BTreeMap<String, u64>, Failure> {
        if self.listing.is_none() {
            return self.look();
        }
        Ok(self.listing.get_or_insert_default())
    }

    /// How a file of that name gets there.
    fn way(&mut self, name: &str) -> Result<Way, Failure> {
        if self.moves()? {
            return Ok(Way::As(temporary::new_name(name)));
        }
        self.is_free(name)?;
        let volume = FileName::parse(name).is_some_and(|n| matches!(n.kind, FileKind::Volume(_)));
        Ok(if volume { Way::As(name.to_owned()) } else { Way::Later })
    }

    /// rclone would overwrite.
    fn is_free(&mut self, name: &str) -> Result<(), Failure> {
        match self.listing()?.contains_key(name) {
            true => Err(self.taken(name)),
            false => Ok(()),
        }
    }

    fn taken(&self, name: &str) -> Failure {
        Failure::of(Status::Refused, self.rclone.which(name), "file exists")
    }

    fn move_to(&self, name: &str, temporary: &str) -> Result<(), Failure> {
        let (from, to) = (self.rclone.place(temporary), self.rclone.place(name));
        // rclone skips an existing name silently: `settle` checks.
        self.rclone.run(name, &["moveto", "--ignore-existing", &from, &to]).map(drop)
    }
}

impl Store for RcloneStore {
    fn prepare(&mut self) -> Result<(), Failure> {
        self.rclone.run("", &["mkdir", &self.rclone.place("")]).map(drop)
    }

    fn list(&mut self) -> Result<Vec<Stored>, Failure> {
        let files = self.look()?.iter();
        Ok(files.map(|(name, size)| Stored { name: name.clone(), size: *size }).collect())
    }

    fn receive(&mut self, name: &str) -> Result<Box<dyn Sink>, Failure> {
        let way = self.way(name)?;
        let rclone = &self.rclone;
        let sender = self.sender.get_or_insert_with(|| Sender::start(rclone));
        Outgoing::start(sender, name, way).map(|sink| Box::new(sink) as Box<dyn Sink>)
    }

    /// A file that is held back counts as arrived. It already has its final name.
    fn arrived(&mut self, name: &str) -> Option<String> {
        let sent = self.sender.as_ref().and_then(|sender| sender.arrived(name));
        sent.or_else(|| self.received.get(name).map(|file| file.name(name)))
    }

    fn adopt(&mut self, name: &str, temporary: &str) {
        self.received.insert(name.to_owned(), Arrived::There(temporary.to_owned()));
    }

    fn arrive(&mut self) -> Result<(), Failure> {
        let Some(sender) = self.sender.take() else { return Ok(()) };
        let (mut arrived, done) = sender.finish();
        self.received.append(&mut arrived);
        done
    }

    fn publish(&mut self, name: &str) -> Result<(), Failure> {
        let Some(file) = self.received.remove(name) else {
            let why = "was not received, so it gets no name";
            return Err(Failure::of(Status::Failed, self.rclone.which(name), why));
        };
        match &file {
            Arrived::There(own) if own == name => {}
            Arrived::There(temporary) => {
                self.is_free(name)?;
                self.move_to(name, temporary)?;
            }
            Arrived::Here(spool) => {
                self.is_free(name)?;
                self.rclone.put(name, name, spool)?;
            }
        }
        self.published.insert(name.to_owned(), file.name(name));
        Ok(())
    }

    fn discard(&mut self, kept: &BTreeSet<String>) {
        let mut received = std::mem::take(&mut self.received);
        received.extend(self.sender.take().map(Sender::stop).unwrap_or_default());
        for (name, file) in received.into_iter().filter(|(name, _)| !kept.contains(name)) {
            let Arrived::There(temporary) = &file else { continue };
            if self.rclone.try_once(&name, &["deletefile", &self.rclone.place(temporary)]).is_err()
            {
                return;
            }
        }
    }

    fn open(&mut self, name: &str) -> Result<Box<dyn Read + Send + Sync>, Failure> {
        // Asked for a file that is not there, rclone may give nothing and be content.
        let size = self.listing()?.get(name).copied();
        let Some(size) = size else {
            let failure = Failure::of(Status::Absent, self.rclone.which(name), "no such file");
            return Err(failure.because(Reason::NoSuchFile));
        };
        Ok(Box::new(Reading::new(&self.rclone, name, size)))
    }

    fn remove(&mut self, name: &str) -> Result<(), Failure> {
        self.rclone.run(name, &["deletefile", &self.rclone.place(name)])?;
        if let Some(listing) = &mut self.listing {
            listing.remove(name);
        }
        Ok(())
    }

    /// Checks that all published files exist. rclone skips a name that another program has created
    /// meanwhile.
    fn settle(&mut self) -> Result<(), Failure> {
        let published = std::mem::take(&mut self.published);
        if published.is_empty() {
            return Ok(());
        }
        let listing = self.look()?;
        let there = |name: &String, before: &String| {
            listing.contains_key(name) && (name == before || !listing.contains_key(before))
        };
        match published.iter().find(|(name, before)| !there(name, before)) {
            Some((name, _)) => Err(self.taken(name)),
            None => Ok(()),
        }
    }
}
