//! A store in a folder of an SFTP server, through libssh2 with the ChaCha20 and Poly1305 of
//! [`chachapoly`].

mod address;
mod connection;
mod error;
mod identities;
mod known_hosts;
mod place;
mod proxy;
mod read;
mod session;
mod settings;
mod ssh_says;
mod way;
mod write;

use std::io::{BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use failure::{Failure, Status};
use ssh2::{ErrorCode, File};

pub(crate) use self::address::Address;
use self::connection::Connection;
use self::error::{SftpError, SftpStatus};
use self::read::SftpReader;
use self::session::{ReconnectingSession, SharedSession, lock};
use self::write::{SftpSink, WINDOW, alive};
use crate::listed::{ListedSizes, of_folder};
use crate::listing::Listing;
use crate::{Limits, Options, Sink, Store, Stored, Tries};

/// The number of files that are sent at a time. One connection has too few bytes in flight for a
/// distant server.
const CONNECTIONS: usize = 2;

/// `sftp://USER@HOST/FOLDER`.
///
/// The server must only let us create and read files, list a folder, and rename to an unused name.
/// So an append-only account suffices.
pub(crate) struct SftpStore {
    address: Address,
    session: SharedSession,
    /// How long to wait for an answer.
    timeout: Duration,
    sizes: ListedSizes,
}

impl SftpStore {
    pub(crate) fn new(url: &str, options: &Options) -> Result<SftpStore, Failure> {
        let address = Address::parse(url)?;
        let session = ReconnectingSession::new(address.clone(), options)?;
        Ok(SftpStore {
            address,
            session,
            timeout: options.timeout(),
            sizes: ListedSizes::default(),
        })
    }

    fn run<T>(
        &self,
        name: &str,
        requests: impl FnMut(&mut Connection, &Tries) -> Result<T, SftpError>,
    ) -> Result<T, Failure> {
        let which = self.address.file(name);
        let which = which.trim_end_matches('/');
        lock(&self.session).run(which, requests)
    }
}

impl Store for SftpStore {
    fn limits(&mut self) -> Result<Limits, Failure> {
        let tries = lock(&self.session).tries;
        Ok(Limits { renames: true, whole_files: false, connections: CONNECTIONS, tries })
    }

    fn make_folder(&mut self) -> Result<(), Failure> {
        let folder = Path::new(&self.address.folder);
        let url = self.address.file("");
        self.run("", |connection, _| match make_folder(connection, folder) {
            Err(SftpError::Refused(status)) if status.is_forbidden() => {
                let why =
                    format!("permission denied; the server has {}", folders_on_top(connection));
                let failure = Failure::of(Status::Refused, url.trim_end_matches('/'), why);
                Err(SftpError::Final(failure))
            }
            made => made,
        })
    }

    fn list(&mut self) -> Result<Vec<Stored>, Failure> {
        let folder = &self.address.folder;
        let timeout = self.timeout;
        let files = self.run("", |connection, _| list(connection, Path::new(folder), timeout));
        let files = files.map_err(|failure| {
            let url = self.address.file("");
            of_folder(failure, url.trim_end_matches('/'))
        })?;
        self.sizes.learn(&files);
        Ok(files)
    }

    fn open(&mut self, name: &str) -> Result<Box<dyn Read + Send + Sync>, Failure> {
        let reading = SftpReader::open(self.session.clone(), name)?;
        Ok(self.sizes.limit(name, BufReader::with_capacity(WINDOW, reading)))
    }

    fn create(&mut self, name: &str, _size: Option<u64>) -> Result<Box<dyn Sink>, Failure> {
        Ok(Box::new(SftpSink::create(&self.session, name)?))
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), Failure> {
        let (old, new) = (self.address.path(from), self.address.path(to));
        self.run(to, |connection, tries| {
            rename(connection, Path::new(&old), Path::new(&new), tries)
        })
    }

    fn remove(&mut self, name: &str) -> Result<(), Failure> {
        let path = self.address.path(name);
        self.run(name, |connection, tries| {
            match connection.sftp.unlink(Path::new(&path)).map_err(SftpError::from) {
                Err(SftpError::Refused(status)) if tries.is_again() && status.is_absent() => Ok(()),
                done => done,
            }
        })
    }

    fn discard(&mut self, name: &str) -> Result<(), Failure> {
        let path = self.address.path(name);
        let unlink = |connection: &mut Connection| Ok(connection.sftp.unlink(Path::new(&path))?);
        lock(&self.session).on_connection(&self.address.file(name), unlink)
    }

    /// The server answers a rename when it is done; SFTP can't ask for more.
    fn sync(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    fn keep_alive(&mut self) {
        // Where the connection is gone, the next file brings a new one.
        let _ = lock(&self.session).on_connection("", alive);
    }

    fn another(&self) -> Box<dyn Store> {
        let session = lock(&self.session).another();
        Box::new(SftpStore {
            session,
            address: self.address.clone(),
            sizes: self.sizes.clone(),
            ..*self
        })
    }
}

/// Creates a folder, and the folders above it, only if it does not exist: an account may not be
/// allowed to.
fn make_folder(connection: &mut Connection, folder: &Path) -> Result<(), SftpError> {
    if is_folder(connection, folder)? {
        return Ok(());
    }
    if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        make_folder(connection, parent)?;
    }
    match connection.sftp.mkdir(folder, 0o700).map_err(SftpError::from) {
        Err(SftpError::Refused(_)) if is_folder(connection, folder)? => Ok(()),
        made => made,
    }
}

/// Some folders that the account sees on top: it may be shut into a folder that it sees as `/`.
fn folders_on_top(connection: &mut Connection) -> String {
    const LOOKED_AT: usize = 100;
    const SHOWN: usize = 5;
    let Ok(mut top) = connection.sftp.opendir(Path::new("/")) else { return "no folder /".into() };
    let entries = std::iter::from_fn(|| top.readdir().ok()).take(LOOKED_AT);
    let folders = entries
        .filter(|(name, facts)| facts.is_dir() && !name.as_os_str().as_bytes().starts_with(b"."));
    let mut shown: Vec<_> =
        folders.take(SHOWN).map(|(name, _)| format!("/{}", failure::shown(&name))).collect();
    shown.sort();
    connection.leave(top);
    if shown.is_empty() { "no folder in /".into() } else { shown.join(", ") }
}

fn is_folder(connection: &mut Connection, path: &Path) -> Result<bool, SftpError> {
    match connection.sftp.stat(path).map_err(SftpError::from) {
        Ok(facts) if facts.is_dir() => Ok(true),
        Ok(_) => {
            let why = format!("{}: not a folder", failure::shown(path));
            Err(SftpError::Final(Failure::new(Status::Refused, why)))
        }
        Err(SftpError::Refused(status)) if status.is_absent() => Ok(false),
        Err(error) => Err(error),
    }
}

fn exists(connection: &mut Connection, path: &Path) -> Result<bool, SftpError> {
    match connection.sftp.stat(path).map_err(SftpError::from) {
        Ok(_) => Ok(true),
        Err(SftpError::Refused(status)) if status.is_absent() => Ok(false),
        Err(error) => Err(error),
    }
}

fn list(
    connection: &mut Connection,
    folder: &Path,
    timeout: Duration,
) -> Result<Vec<Stored>, SftpError> {
    let mut directory = connection.sftp.opendir(folder)?;
    let listing = Listing::new(&failure::shown(folder).to_string(), Some(timeout));
    let files = list_all(&mut directory, listing);
    let files = connection.checked(files)?;
    connection.leave(directory);
    Ok(files)
}

fn list_all(directory: &mut File, mut listing: Listing) -> Result<Vec<Stored>, SftpError> {
    loop {
        let (name, facts) = match directory.readdir() {
            Ok(entry) => entry,
            Err(error) if error.code() == ErrorCode::Session(END_OF_LIST) => break,
            Err(error) => return Err(error.into()),
        };
        let size = facts.is_file().then(|| facts.size.unwrap_or(0));
        listing.add(name.as_os_str().as_bytes(), size).map_err(SftpError::Final)?;
    }
    // An entry without a name looks like the end of the list. Some servers start again when they
    // are asked again.
    match directory.readdir() {
        Ok((name, facts)) if facts.is_file() && !listing.has(name.as_os_str().as_bytes()) => {
            let why = "lists a file without a name, which hides the files after it";
            Err(SftpError::Final(listing.failure(Status::Refused, why)))
        }
        Err(error) if error.code() != ErrorCode::Session(END_OF_LIST) => Err(error.into()),
        _ => Ok(listing.finish()),
    }
}

/// `LIBSSH2_ERROR_FILE`, which the library returns at the end of a folder.
const END_OF_LIST: i32 = -16;

/// Renames without overwriting, as SFTP's own rename does.
fn rename(
    connection: &mut Connection,
    from: &Path,
    to: &Path,
    tries: &Tries,
) -> Result<(), SftpError> {
    let status = match connection.sftp.rename(from, to, None).map_err(SftpError::from) {
        Err(SftpError::Refused(status)) => status,
        done => return done,
    };
    let taken = exists(connection, to)?;
    match () {
        // The answer to an earlier try was lost, but the file has its name.
        () if tries.is_again() && taken && !exists(connection, from)? => Ok(()),
        () if taken => Err(SftpError::Refused(SftpStatus::EXISTS)),
        () => Err(SftpError::Refused(status)),
    }
}
