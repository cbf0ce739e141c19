//! A store in a folder of an SFTP server, through libssh2 with the ChaCha20 and Poly1305 of
//! [`chachapoly`].

mod address;
mod connection;
mod identities;
mod known_hosts;
mod lanes;
mod link;
mod proxy;
mod read;
mod send;
mod settings;
mod ssh_says;
mod trouble;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use failure::{Failure, Status};
use ssh2::{ErrorCode, File};

pub(crate) use self::address::Address;
use self::connection::Connection;
use self::lanes::{Sender, lock, remove_if_possible};
use self::link::{Link, Try};
use self::read::Reading;
use self::send::WINDOW;
use self::trouble::{Answer, Trouble};
use crate::listing::Listing;
use crate::{Options, Sink, Store, Stored};

/// `sftp://USER@HOST/FOLDER`.
///
/// The server must only let us create and read files, list a folder, and rename to an unused name.
/// So an append-only account suffices.
pub(crate) struct SftpStore {
    address: Address,
    link: Arc<Mutex<Link>>,
    /// How long to wait for an answer.
    timeout: Duration,
    sender: Option<Sender>,
    /// The final and the temporary names of files that have arrived.
    received: BTreeMap<String, String>,
}

impl SftpStore {
    pub(crate) fn new(url: &str, options: &Options) -> Result<SftpStore, Failure> {
        let address = Address::parse(url)?;
        let link = Arc::new(Mutex::new(Link::new(address.clone(), options)?));
        let (timeout, received) = (options.timeout(), BTreeMap::new());
        Ok(SftpStore { address, link, timeout, sender: None, received })
    }

    fn run<T>(
        &self,
        name: &str,
        mut requests: impl FnMut(&mut Connection, Try) -> Result<T, Trouble>,
    ) -> Result<T, Failure> {
        let which = self.address.file(name);
        let which = which.trim_end_matches('/');
        lock(&self.link).run(which, |connection, this| requests(connection, this))
    }
}

impl Store for SftpStore {
    fn prepare(&mut self) -> Result<(), Failure> {
        let folder = &self.address.folder;
        self.run("", |connection, _| make_folder(connection, Path::new(folder)))
    }

    fn list(&mut self) -> Result<Vec<Stored>, Failure> {
        let folder = &self.address.folder;
        let timeout = self.timeout;
        self.run("", |connection, _| list(connection, Path::new(folder), timeout))
    }

    fn receive(&mut self, name: &str) -> Result<Box<dyn Sink>, Failure> {
        self.sender.get_or_insert_with(|| Sender::start(&self.link)).receive(name)
    }

    fn arrived(&mut self, name: &str) -> Option<String> {
        let sent = self.sender.as_ref().and_then(|sender| sender.arrived(name));
        sent.or_else(|| self.received.get(name).cloned())
    }

    fn adopt(&mut self, name: &str, temporary: &str) {
        self.received.insert(name.to_owned(), temporary.to_owned());
    }

    fn arrive(&mut self) -> Result<(), Failure> {
        let Some(sender) = self.sender.take() else { return Ok(()) };
        let (mut arrived, done) = sender.finish();
        self.received.append(&mut arrived);
        done
    }

    fn publish(&mut self, name: &str) -> Result<(), Failure> {
        let Some(temporary) = self.received.get(name) else {
            let why = "was not received, so it gets no name";
            return Err(Failure::of(Status::Failed, self.address.file(name), why));
        };
        let (from, to) = (self.address.path(temporary), self.address.path(name));
        self.run(name, |connection, this| {
            rename(connection, Path::new(&from), Path::new(&to), this)
        })?;
        self.received.remove(name);
        Ok(())
    }

    fn discard(&mut self, kept: &BTreeSet<String>) {
        let sent = self.sender.take().map(Sender::stop).unwrap_or_default();
        let received = std::mem::take(&mut self.received).into_iter();
        for (_, temporary) in received.chain(sent).filter(|(name, _)| !kept.contains(name)) {
            remove_if_possible(&mut lock(&self.link), &temporary);
        }
    }

    fn open(&mut self, name: &str) -> Result<Box<dyn Read + Send + Sync>, Failure> {
        let reading = Reading::open(self.link.clone(), name)?;
        Ok(Box::new(BufReader::with_capacity(WINDOW, reading)))
    }

    fn remove(&mut self, name: &str) -> Result<(), Failure> {
        let path = self.address.path(name);
        self.run(name, |connection, this| {
            match connection.sftp.unlink(Path::new(&path)).map_err(Trouble::from) {
                Err(Trouble::No(answer)) if this.again && answer.is_absent() => Ok(()),
                done => done,
            }
        })
    }

    /// The server answers a rename when it is done; SFTP can't ask for more.
    fn settle(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

/// Creates a folder, and the folders above it, only if it does not exist: an account may not be
/// allowed to.
fn make_folder(connection: &mut Connection, folder: &Path) -> Result<(), Trouble> {
    if is_folder(connection, folder)? {
        return Ok(());
    }
    if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        make_folder(connection, parent)?;
    }
    match connection.sftp.mkdir(folder, 0o700).map_err(Trouble::from) {
        Err(Trouble::No(_)) if is_folder(connection, folder)? => Ok(()),
        made => made,
    }
}

fn is_folder(connection: &mut Connection, path: &Path) -> Result<bool, Trouble> {
    match connection.sftp.stat(path).map_err(Trouble::from) {
        Ok(facts) if facts.is_dir() => Ok(true),
        Ok(_) => {
            let why = format!("{}: not a folder", path.display());
            Err(Trouble::Final(Failure::new(Status::Refused, why)))
        }
        Err(Trouble::No(answer)) if answer.is_absent() => Ok(false),
        Err(trouble) => Err(trouble),
    }
}

fn exists(connection: &mut Connection, path: &Path) -> Result<bool, Trouble> {
    match connection.sftp.stat(path).map_err(Trouble::from) {
        Ok(_) => Ok(true),
        Err(Trouble::No(answer)) if answer.is_absent() => Ok(false),
        Err(trouble) => Err(trouble),
    }
}

fn list(
    connection: &mut Connection,
    folder: &Path,
    timeout: Duration,
) -> Result<Vec<Stored>, Trouble> {
    let mut directory = connection.sftp.opendir(folder)?;
    let listing = Listing::new(&folder.display().to_string(), Some(timeout));
    let files = list_all(&mut directory, listing);
    let files = connection.checked(files)?;
    connection.close(directory);
    Ok(files)
}

fn list_all(directory: &mut File, mut listing: Listing) -> Result<Vec<Stored>, Trouble> {
    loop {
        let (name, facts) = match directory.readdir() {
            Ok(entry) => entry,
            Err(error) if error.code() == ErrorCode::Session(END_OF_LIST) => break,
            Err(error) => return Err(error.into()),
        };
        let size = facts.is_file().then(|| facts.size.unwrap_or(0));
        listing.add(name.as_os_str().as_bytes(), size).map_err(Trouble::Final)?;
    }
    // An entry without a name looks like the end of the list. Some servers start again when they
    // are asked again.
    match directory.readdir() {
        Ok((name, facts)) if facts.is_file() && !listing.has(name.as_os_str().as_bytes()) => {
            let why = "lists a file without a name, which hides the files after it";
            Err(Trouble::Final(listing.failure(Status::Refused, why)))
        }
        Err(error) if error.code() != ErrorCode::Session(END_OF_LIST) => Err(error.into()),
        _ => Ok(listing.finish()),
    }
}

/// `LIBSSH2_ERROR_FILE`, which the library returns at the end of a folder.
const END_OF_LIST: i32 = -16;

/// Renames without overwriting, as SFTP's own rename does.
fn rename(connection: &mut Connection, from: &Path, to: &Path, this: Try) -> Result<(), Trouble> {
    let answer = match connection.sftp.rename(from, to, None).map_err(Trouble::from) {
        Err(Trouble::No(answer)) => answer,
        done => return done,
    };
    let taken = exists(connection, to)?;
    match () {
        // The answer to an earlier try was lost, but the file has its name.
        () if this.again && taken && !exists(connection, from)? => Ok(()),
        () if taken => Err(Trouble::No(Answer::EXISTS)),
        () => Err(Trouble::No(answer)),
    }
}
