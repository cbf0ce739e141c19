//! `moo-upload` sends the files of a set to a store under temporary names, and gives them their
//! final names when all have arrived, the manifest last.

mod arrival;
mod leftovers;
mod precondition;
mod resumed;

use std::collections::{BTreeSet, HashSet};
use std::fs::File;

use cli::{Common, Program};
use store::Store;
use stream::{Begin, Failure, FilesInput, Kind, Receipts, SetHead, Status, Totals, pipe};

use crate::arrival::Arrivals;

/// Send the files of a set to a store, and give them their names when all have arrived
///
/// Files go up under temporary names. When the stream has come to its end, they are renamed in
/// order, the manifest last: a set is there as a whole or not at all. Nothing is overwritten. A
/// receipt for each file goes to standard output, a JSON line each.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-upload", version, after_help = EXAMPLES)]
pub struct Upload {
    /// Where the store is, such as file:///srv/backup or sftp://user@host/backup
    url: String,
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
  moo-fetch --all file:///srv/backup | moo-upload file:///mnt/second | moo-commit";

impl Program for Upload {
    const NAME: &'static str = "moo-upload";
    type Outlet = Receipts<File>;

    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, receipts: &mut Receipts<File>) -> Result<Totals, Failure> {
        // What the stages before have to say comes first: it may be the reason for the rest.
        let mut input = FilesInput::open(pipe::input()?)?;
        let mut store = store::open(&self.url, &self.reached)?;
        let present = prepare(&self.url, store.as_mut(), input.begin())?;
        receipts.begin(&input.begin().onward(Kind::Receipts))?;
        let set = input.begin().set.clone();
        // Without an archive nobody remembers what has arrived.
        let remembered = set.as_ref().is_some_and(|set| set.run.is_some());
        let mut arrivals = Arrivals::new(store.as_mut(), receipts, remembered);
        for volume in set.iter().flat_map(SetHead::stored) {
            arrivals.adopt(volume)?;
        }
        while let Some(name) = input.next_file()? {
            if present.contains(&name) {
                log::info!("{name}: is in the store already");
            } else {
                arrivals.receive(&name, &mut input)?;
            }
        }
        arrivals.commit()?;
        Ok(input.totals())
    }
}

/// Makes the store ready. Returns the names of the files that need not be sent, since they are
/// there: only copies of whole stores can meet such.
fn prepare(url: &str, store: &mut dyn Store, begin: &Begin) -> Result<BTreeSet<String>, Failure> {
    let files = match store.list() {
        Err(failure) if failure.status() == Status::Absent => store.prepare().map(|()| Vec::new()),
        files => files,
    };
    let files = files?;
    let set = begin.set.as_ref();
    if let Some(set) = set {
        resumed::check(url, &files, set)?;
    }
    let stored = set.map(SetHead::stored).unwrap_or_default();
    let adopted: HashSet<_> = stored.iter().map(resumed::name).collect();
    let mut names: Vec<_> = files.into_iter().map(|stored| stored.name).collect();
    if let Some(set) = set {
        precondition::check(url, &names, set)?;
    }
    names.retain(|name| !adopted.contains(name.as_str()));
    leftovers::clear(store, &names, set.map(|set| set.time));
    Ok(names.into_iter().filter(|_| set.is_none()).collect())
}
