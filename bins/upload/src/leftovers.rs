//! What interrupted runs have left in the store. Each would keep the space of all its volumes for
//! ever, and the newest duplicity fails on a full set that has files and no manifest.

use archive::{FileKind, FileName, SetId, SetTime, parse_seal};
use store::{Store, final_name};

/// Removes temporary files of sets up to `set`, or, for a copy, of all: the archive's lock lets
/// one run at a time into a store, so theirs have ended. A store may not let us, and that is fine.
///
/// What bears the names of the set that is to come goes too: some stores have no temporary names,
/// and of what an interrupted run has brought there nobody has taken note.
pub(crate) fn clear(store: &mut dyn Store, names: &[String], set: Option<SetId>) {
    let Some(set) = set else {
        remove(store, temporary(names, |_| true));
        return;
    };
    // A set that was being named has its manifest still under the temporary name. Once that is
    // gone nobody can finish the set, and its other files can go too.
    for name in temporary(names, |time| time <= set.time) {
        let stored = final_name(name).and_then(FileName::parse);
        let manifest = stored.filter(|stored| stored.kind == FileKind::Manifest);
        if let Some(FileName { set: unfinished, .. }) = manifest.filter(|_| gone(store, name)) {
            remove(store, names.iter().filter(|name| is_of(name, unfinished)));
        }
    }
    remove(store, names.iter().filter(|name| is_of(name, set)));
    remove(store, temporary(names, |time| time <= set.time));
}

/// Whether a name is that of a file of a set.
fn is_of(name: &str, set: SetId) -> bool {
    match FileName::parse(name) {
        Some(name) => name.set == set,
        None => parse_seal(name) == Some(set.time),
    }
}

/// The temporary names of files whose set's time fits.
fn temporary(names: &[String], fits: impl Fn(SetTime) -> bool) -> impl Iterator<Item = &String> {
    names.iter().filter(move |name| final_name(name).and_then(set_time).is_some_and(&fits))
}

/// The time of the set that a file of that name belongs to.
pub(crate) fn set_time(name: &str) -> Option<SetTime> {
    FileName::parse(name).map(|name| name.set.time).or_else(|| parse_seal(name))
}

fn remove<'a>(store: &mut dyn Store, names: impl Iterator<Item = &'a String>) {
    for name in names {
        gone(store, name);
    }
}

/// Removes a file, and tells whether it is gone by that.
fn gone(store: &mut dyn Store, name: &str) -> bool {
    cli::lifeline::check();
    let removed = store.remove(name).is_ok();
    if removed {
        log::info!("{name}: leftover of an interrupted run, deleted");
    }
    removed
}
