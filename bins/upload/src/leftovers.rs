//! What interrupted runs have left in the store. Each would keep the space of all its volumes for
//! ever.

use archive::{FileName, SetTime, parse_seal};
use store::Store;

use crate::arrival::TEMPORARY;

/// Removes temporary files of sets up to `set`, or, for a copy, of all: the archive's lock lets
/// one run at a time into a store, so theirs have ended. A store may not let us, and that is fine.
pub(crate) fn clear(store: &mut dyn Store, names: &[String], set: Option<SetTime>) {
    for name in names {
        let Some(time) = name.strip_prefix(TEMPORARY).and_then(set_time) else {
            continue;
        };
        if set.is_none_or(|set| time <= set) && store.remove(name).is_ok() {
            log::info!("{name}: left by an interrupted run, removed");
        }
    }
}

fn set_time(name: &str) -> Option<SetTime> {
    FileName::parse(name).map(|name| name.set.time).or_else(|| parse_seal(name))
}
