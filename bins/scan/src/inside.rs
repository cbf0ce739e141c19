//! The store that the set goes to, where it lies in the source: each backup would store all others
//! again.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use archive::TreePath;
use failure::{Failure, Status, shown};
use local::Place;
use rustix::fs::{AtFlags, Mode, OFlags, Stat, fstat, openat, statat};
use selection::Verdict;

use crate::selection::Selection;
use crate::source::Source;

/// Refuses a source that holds the store, unless the selection leaves the store out. What is found
/// here by its path is refused before anything is read; the walk finds the rest.
pub(crate) fn check(source: &Source, selection: &Selection, place: &Place) -> Result<(), Failure> {
    let shown = shown(&source.name);
    let Some(directory) = open(source.at.as_fd(), source.name.as_bytes()) else { return Ok(()) };
    // What cannot be examined can't be the store of a run that goes on.
    let Ok(Some(below)) = place.below(directory.as_fd()) else { return Ok(()) };
    if below.as_os_str().is_empty() {
        let why = "is the folder of the store itself; name another source, or another store";
        return Err(Failure::new(Status::Usage, format!("{shown}: {why}")));
    }
    match selected(&below, directory, (source, selection))? {
        Some(path) => Err(refusal(&source.name, &path)),
        None => Ok(()),
    }
}

/// The path in a directory, if it is selected with all that is in it. One that is only looked through
/// counts by what the walk finds in it.
fn selected(
    below: &Path,
    mut directory: OwnedFd,
    (source, selection): (&Source, &Selection),
) -> Result<Option<TreePath>, Failure> {
    let mut path = TreePath::root();
    let mut included = false;
    for component in below.components() {
        let Component::Normal(name) = component else { return Ok(None) };
        let name = name.as_bytes();
        if selection.names(&path).is_some_and(|names| !names.iter().any(|listed| listed == name)) {
            return Ok(None);
        }
        path = path.child(name);
        let stat = statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW);
        // A store that is still to be made will be a directory as the one above it is.
        let Ok(stat) = stat.or_else(|_| fstat(&directory)) else { return Ok(None) };
        let stat = source.in_snapshot(stat);
        included = match selection.judge(&path, Some(&stat), directory.as_fd(), name)? {
            Verdict::Exclude(_) => return Ok(None),
            Verdict::Include(_) => true,
            Verdict::Enter => false,
        };
        match open(directory.as_fd(), name) {
            Some(next) => directory = next,
            None => break,
        }
    }
    Ok(included.then_some(path))
}

fn open(at: BorrowedFd<'_>, name: &[u8]) -> Option<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(at, name, flags, Mode::empty()).ok()
}

/// The message, with the option that leaves the store out.
pub(crate) fn refusal(source: &OsStr, path: &TreePath) -> Failure {
    let shown = shown(source).to_string();
    let base = shown.trim_end_matches('/');
    let why = "is the folder of the store, so that each backup would store it again";
    let option = option(source.as_bytes(), path.as_bytes());
    Failure::new(Status::Usage, format!("{base}/{path}: {why}; leave it out with {option}"))
}

/// `--exclude` with a pattern for that path, as a shell takes it.
fn option(source: &[u8], path: &[u8]) -> String {
    let source = source.strip_suffix(b"/").unwrap_or(source);
    let path = [source, b"/", path].concat();
    let mut pattern = String::new();
    for chunk in path.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '*' | '?' | '[' => pattern.extend(['[', letter, ']']),
                '\'' => pattern.push_str("'\\''"),
                // What a terminal does not show can't be typed.
                letter if letter.is_control() => pattern.push('?'),
                letter => pattern.push(letter),
            }
        }
        pattern.extend(chunk.invalid().iter().map(|_| '?'));
    }
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-+,:@%=".contains(&b);
    match pattern.bytes().all(is_plain) {
        true => format!("--exclude {pattern}"),
        false => format!("--exclude '{pattern}'"),
    }
}

/// Whether an open directory is the store.
pub(crate) fn is_store(place: Option<&Place>, directory: &OwnedFd) -> bool {
    let Some(place) = place else { return false };
    fstat(directory).is_ok_and(|stat| place.is(&stat))
}

/// Whether an entry is the store.
pub(crate) fn is_entry(place: Option<&Place>, entry: Option<&Stat>) -> bool {
    place.zip(entry).is_some_and(|(place, entry)| place.is(entry))
}

#[cfg(test)]
mod tests {
    use super::option;

    #[test]
    fn the_option_can_be_typed_whatever_the_path_is() {
        for (source, path, typed) in [
            (&b"/home"[..], &b"me/backup"[..], "--exclude /home/me/backup"),
            (b"/", b"srv/backup", "--exclude /srv/backup"),
            (b"src", b"a b", "--exclude 'src/a b'"),
            (b"src", b"[a]*", "--exclude 'src/[[]a][*]'"),
            (b"src", b"it's\n\xff", "--exclude 'src/it'\\''s??'"),
        ] {
            assert_eq!(option(source, path), typed);
        }
    }
}
