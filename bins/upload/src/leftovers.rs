//! What interrupted runs have left in the store. Each would keep the space of all its volumes for
//! ever, and the newest duplicity fails on a full set that has files and no manifest.

use archive::{FileKind, FileName, SetTime, parse_seal};
use store::{Store, final_name};

/// Removes temporary files of sets up to `set`, or, for a copy, of all: the archive's lock lets
/// one run at a time into a store, so theirs have ended. A store may not let us, and that is fine.
pub(crate) fn clear(store: &mut dyn Store, names: &[String], set: Option<SetTime>) {
    let Some(set) = set else {
        // A copy goes on with what an interrupted one has named.
        remove(store, temporary(names, |_| true));
        return;
    };
    // A set that was being named has its manifest still under the temporary name. Once that is
    // gone nobody can finish the set, and its other files can go too.
    for name in temporary(names, |time| time <= set) {
        let stored = final_name(name).and_then(FileName::parse);
        let manifest = stored.filter(|stored| stored.kind == FileKind::Manifest);
        if let Some(FileName { set: unfinished, .. }) = manifest.filter(|_| gone(store, name)) {
            let of_set = |name: &&String| match FileName::parse(name) {
                Some(name) => name.set == unfinished,
                None => parse_seal(name) == Some(unfinished.time),
            };
            remove(store, names.iter().filter(of_set));
        }
    }
    remove(store, temporary(names, |time| time <= set));
}

/// The temporary names of files whose set's time fits.
fn temporary(names: &[String], fits: impl Fn(SetTime) -> bool) -> impl Iterator<Item = &String> {
    names.iter().filter(move |name| final_name(name).and_then(set_time).is_some_and(&fits))
}

fn set_time(name: &str) -> Option<SetTime> {
    FileName::parse(name).map(|name| name.set.time).or_else(|| parse_seal(name))
}

fn remove<'a>(store: &mut dyn Store, names: impl Iterator<Item = &'a String>) {
    for name in names {
        gone(store, name);
    }
}

/// Removes a file, and tells whether it is gone by that.
fn gone(store: &mut dyn Store, name: &str) -> bool {
    let removed = store.remove(name).is_ok();
    if removed {
        log::info!("{name}: left by an interrupted run, removed");
    }
    removed
}
