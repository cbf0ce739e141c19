//! A remote of rclone, through the user's own rclone.

mod call;
mod messages;
mod read;
mod write;

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use failure::{Failure, OrFail, Reason, Status};
use serde::Deserialize;

use self::call::Rclone;
use self::read::RcloneReader;
use self::write::RcloneSink;
use crate::listing::Listing;
use crate::{Limits, Options, Sink, Store, Stored, temporary};

/// `rclone:REMOTE:PATH`.
#[derive(Clone)]
pub(crate) struct RcloneStore {
    rclone: Rclone,
    /// Whether the remote can move a file, or `None` if it has not been asked.
    moves: Option<bool>,
    /// The names and sizes that the folder had at the last look, and those that came since.
    listing: Option<BTreeMap<String, u64>>,
    /// The files to check for: their names, and the names that they have had before.
    unchecked: BTreeMap<String, String>,
    /// The files that rclone has sent, until the remote has shown that it has them.
    sent: Sent,
}

/// Names of files, and their sizes.
type Sent = Arc<Mutex<BTreeMap<String, u64>>>;

/// A file in the output of `rclone lsjson`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RemoteFile {
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
            listing: None,
            unchecked: BTreeMap::new(),
            sent: Sent::default(),
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
        let files: Vec<RemoteFile> =
            serde_json::from_slice(&told).or_fail(Status::Refused, self.rclone.which(""))?;
        let mut listing = Listing::new(&self.rclone.which(""), None);
        for RemoteFile { name, size } in files {
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

    /// rclone would overwrite.
    fn is_free(&mut self, name: &str) -> Result<(), Failure> {
        match self.listing()?.contains_key(name) {
            true => Err(self.taken(name)),
            false => Ok(()),
        }
    }

    fn add(&mut self, name: &str, size: u64) {
        if let Some(listing) = &mut self.listing {
            listing.insert(name.to_owned(), size);
        }
    }

    fn forget(&mut self, name: &str) {
        self.unchecked.remove(name);
        self.sent().remove(name);
        if let Some(listing) = &mut self.listing {
            listing.remove(name);
        }
    }

    fn sent(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks that the remote has what was sent. It may not know the size of a file.
    fn check_sent(&mut self) -> Result<(), Failure> {
        let sent = std::mem::take(&mut *self.sent());
        if sent.is_empty() {
            return Ok(());
        }
        let listing = self.look()?;
        let is_whole = |name: &String, size: u64| {
            listing.get(name).is_some_and(|listed| *listed == size || *listed == 0)
        };
        let Some((name, size)) = sent.iter().find(|(name, size)| !is_whole(name, **size)) else {
            return Ok(());
        };
        let there = listing.get(name).copied().unwrap_or(0);
        let why = format!(
            "the remote has {there} of the {size} bytes that rclone has sent; run the command again"
        );
        let which = self.rclone.which(temporary::shown(name));
        Err(Failure::of(Status::Refused, which, why).because(Reason::NotStored))
    }

    fn taken(&self, name: &str) -> Failure {
        Failure::of(Status::Refused, self.rclone.which(name), "file exists")
    }
}

impl Store for RcloneStore {
    /// rclone starts several transfers by itself for what is worth it.
    fn limits(&mut self) -> Result<Limits, Failure> {
        let (renames, tries) = (self.moves()?, self.rclone.tries);
        Ok(Limits { renames, whole_files: true, connections: 1, tries })
    }

    fn make_folder(&mut self) -> Result<(), Failure> {
        self.rclone.run("", &["mkdir", &self.rclone.place("")]).map(drop)
    }

    fn list(&mut self) -> Result<Vec<Stored>, Failure> {
        let files = self.look()?.iter();
        Ok(files.map(|(name, size)| Stored { name: name.clone(), size: *size }).collect())
    }

    fn open(&mut self, name: &str) -> Result<Box<dyn Read + Send + Sync>, Failure> {
        // Asked for a file that is not there, rclone may give nothing and be content.
        let size = match self.listing()?.get(name).copied() {
            None => self.look()?.get(name).copied(),
            size => size,
        };
        let Some(size) = size else {
            let failure = Failure::of(Status::Absent, self.rclone.which(name), "no such file");
            return Err(failure.because(Reason::NoSuchFile));
        };
        Ok(Box::new(RcloneReader::new(&self.rclone, name, size)))
    }

    fn create(&mut self, name: &str, size: Option<u64>) -> Result<Box<dyn Sink>, Failure> {
        self.is_free(name)?;
        let Some(size) = size else {
            let why = "rclone has to know its size first";
            return Err(Failure::of(Status::Failed, self.rclone.which(name), why));
        };
        if self.moves()? {
            self.add(name, size);
        } else {
            // Another try has the same name.
            self.unchecked.insert(name.to_owned(), name.to_owned());
        }
        Ok(Box::new(RcloneSink::create(&self.rclone, (name, size), self.sent.clone())?))
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), Failure> {
        self.check_sent()?;
        self.is_free(to)?;
        let (old, new) = (self.rclone.place(from), self.rclone.place(to));
        // rclone skips an existing name silently: `sync` checks.
        self.rclone.run(to, &["moveto", "--ignore-existing", &old, &new])?;
        let size = self.listing()?.get(from).copied().unwrap_or(0);
        self.forget(from);
        self.add(to, size);
        self.unchecked.insert(to.to_owned(), from.to_owned());
        Ok(())
    }

    fn remove(&mut self, name: &str) -> Result<(), Failure> {
        self.rclone.run(name, &["deletefile", &self.rclone.place(name)])?;
        self.forget(name);
        Ok(())
    }

    fn discard(&mut self, name: &str) -> Result<(), Failure> {
        self.rclone.try_once(name, &["deletefile", &self.rclone.place(name)])?;
        self.forget(name);
        Ok(())
    }

    /// Checks that all new files exist. rclone skips a name that another program has created
    /// meanwhile.
    fn sync(&mut self) -> Result<(), Failure> {
        self.check_sent()?;
        let unchecked = std::mem::take(&mut self.unchecked);
        if unchecked.is_empty() {
            return Ok(());
        }
        let listing = self.look()?;
        let there = |name: &String, before: &String| {
            listing.contains_key(name) && (name == before || !listing.contains_key(before))
        };
        match unchecked.iter().find(|(name, before)| !there(name, before)) {
            Some((name, _)) => Err(self.taken(name)),
            None => Ok(()),
        }
    }

    fn another(&self) -> Box<dyn Store> {
        Box::new(self.clone())
    }
}
