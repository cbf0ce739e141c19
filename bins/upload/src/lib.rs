//! `moo-upload` sends the files of a set to a store under temporary names, and gives them their
//! final names when all have arrived, the manifest last.

mod arrival;
mod copy;
mod delivery;
#[cfg(test)]
mod fake;
mod leftovers;
mod precondition;
mod present;
mod resumed;
mod sender;
mod spool;

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use cli::{Common, Program};
use failure::{Failure, Reason, Status};
use local::{Folder, Lock};
use store::Store;
use stream::{Begin, FilesInput, Output, SetHeader, StreamKind, Totals, pipe};

use crate::arrival::Arrivals;
use crate::leftovers::There;
use crate::present::Present;

/// Upload the files of a set to a store, and rename them when all have arrived
///
/// moo-upload sends files under temporary names. When all files of a set have arrived, it renames
/// them in order, the manifest last. So the store has a set completely or not at all. moo-upload
/// never overwrites a file. It writes a stream of receipts to standard output, one for each file; to a
/// terminal, lines of JSON.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-upload", version, after_help = EXAMPLES)]
pub struct Upload {
    /// URL of the store, such as file:///srv/backup, sftp://user@host/backup or rclone:REMOTE:PATH
    #[arg(required_unless_present = "archive")]
    url: Option<String>,
    /// Write the plain files into the archive directory FOLDER instead of a store
    #[arg(short, long, value_name = "FOLDER", conflicts_with = "url")]
    archive: Option<PathBuf>,
    #[command(flatten)]
    reached: store::Options,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  moo-scan /etc | moo-sign | moo-delta | moo-pack | moo-encrypt --encrypt-key KEY |
      moo-upload file:///srv/backup
  moo-scan --archive ~/archive /etc | moo-sign | moo-delta --archive ~/archive |
      moo-pack --archive ~/archive | moo-encrypt --encrypt-key KEY |
      moo-upload file:///srv/backup | moo-commit --archive ~/archive
  moo-fetch --all file:///srv/backup | moo-upload file:///mnt/second | moo-commit
  moo-fetch --metadata file:///srv/backup | moo-decrypt | moo-upload --archive ~/archive |
      moo-commit";

impl Program for Upload {
    const NAME: &'static str = "moo-upload";
    type Outlet = Output<File>;

    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, receipts: &mut Output<File>) -> Result<Totals, Failure> {
        // What the stages before have to say comes first: it may be the reason for the rest.
        let mut input = FilesInput::open(pipe::input()?)?;
        let Target { url, mut store, _lock } = self.target(input.begin())?;
        let there = prepare(&url, store.as_mut(), input.begin())?;
        receipts.begin(&input.begin().onward(StreamKind::Receipts))?;
        let set = input.begin().set().cloned();
        // Without an archive nobody remembers what has arrived.
        let remembered = set.as_ref().is_some_and(|set| set.run.is_some());
        let mut arrivals = Arrivals::new(store, receipts, remembered);
        let done = match &set {
            Some(set) => receive(&mut input, set, &mut arrivals),
            None => copy::receive(&mut input, Present::new(&url, there), &mut arrivals),
        };
        if done.is_err() {
            arrivals.discard();
        }
        done.map(|()| input.totals())
    }
}

/// Where the files go.
struct Target {
    url: String,
    store: Box<dyn Store>,
    /// Nobody else may change an archive meanwhile.
    _lock: Option<Lock>,
}

impl Upload {
    fn target(&self, begin: &Begin) -> Result<Target, Failure> {
        match (&self.archive, &self.url) {
            (Some(archive), _) => open_archive(archive, begin),
            (None, url) => {
                let url = url.clone().unwrap_or_default();
                let store = store::open(&url, &self.reached)?;
                Ok(Target { url, store, _lock: None })
            }
        }
    }
}

fn open_archive(archive: &Path, begin: &Begin) -> Result<Target, Failure> {
    if begin.set().is_some() {
        let why = "--archive: standard input is a backup (name a store instead)";
        return Err(Failure::new(Status::Usage, why));
    }
    let lock = Lock::start(&Folder::create(archive)?)?;
    let url = failure::shown(archive).to_string();
    Ok(Target { url, store: store::archive_directory(archive)?, _lock: Some(lock) })
}

/// Receives the one set of a backup.
fn receive(
    input: &mut FilesInput<File>,
    set: &SetHeader,
    arrivals: &mut Arrivals,
) -> Result<(), Failure> {
    for volume in set.stored() {
        arrivals.adopt(volume)?;
    }
    while let Some(name) = input.next_file()? {
        arrivals.receive(&name, input)?;
    }
    arrivals.publish()
}

/// Makes the store ready. Returns the files that are there.
fn prepare(url: &str, store: &mut dyn Store, begin: &Begin) -> Result<Vec<There>, Failure> {
    let files = match store.list() {
        Err(failure) if failure.reason() == Reason::NoSuchFile => {
            store.make_folder().map(|()| Vec::new())
        }
        files => files,
    };
    let files = files?;
    let set = begin.set();
    if let Some(set) = set {
        resumed::check(url, &files, set)?;
    }
    let stored = set.map(SetHeader::stored).unwrap_or_default();
    let adopted: HashSet<_> = stored.iter().map(resumed::name).collect();
    let mut there = leftovers::finish_names(store, &files, set.and_then(|set| set.base))?;
    if let Some(set) = set {
        let names: Vec<_> = there.iter().map(|file| file.name.clone()).collect();
        precondition::check(url, &names, set)?;
    }
    there.retain(|file| !adopted.contains(file.stored.as_str()));
    leftovers::clear(store, &there, set.map(SetHeader::id));
    if set.is_some() && there.is_empty() && adopted.is_empty() && io::stderr().is_terminal() {
        log::warn!("{url}: a new store");
    }
    Ok(there)
}
