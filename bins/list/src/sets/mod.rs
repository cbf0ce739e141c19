//! What a store holds: its chains and sets, what is wrong with them, and how old the last good
//! one is.

mod findings;
mod gather;
mod json;
mod table;
mod watch;

use archive::Collection;
use local::Folder;
use store::Stored;
use stream::{Failure, OrFail, Status};

use crate::List;
use crate::out::Out;

/// Lists the sets of the store, and fails if it does not hold what it should.
pub(crate) fn list(arguments: &List, url: &str) -> Result<(), Failure> {
    let now = crate::now()?;
    let limit = arguments.max_age.as_ref().map(|age| watch::limit(age, now)).transpose()?;
    let folder = arguments.archive.as_deref().map(Folder::open).transpose()?;
    let files = store::open(url, &arguments.reached)?.list()?;
    let names = files.iter().map(|file: &Stored| file.name.clone());
    let collection = Collection::of(names).or_fail(Status::Integrity, url)?;
    let inventory = gather::gather(collection, &files, folder.as_ref(), now)?;
    let mut out = Out::new();
    if arguments.json {
        out.json(&json::object(url, &inventory))?;
    } else if limit.is_none() {
        table::print(url, &inventory, &mut out)?;
    }
    out.flush()?;
    watch::judge(url, &inventory, limit)
}
