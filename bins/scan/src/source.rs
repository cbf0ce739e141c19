//! The source: the directory or file that is backed up.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use failure::{Failure, OrFail, Status, shown};
use local::{Place, source_name};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, openat, statat};

/// The source, found and opened.
pub(crate) struct Source {
    /// As messages and manifests name it.
    pub(crate) name: OsString,
    /// As the user has spelt it.
    pub(crate) spelt: OsString,
    /// What the system says of it.
    pub(crate) stat: Stat,
    /// What its name is relative to: the working directory, or the root directory.
    pub(crate) at: OwnedFd,
    /// The directory that it is read in, and its name there: in a snapshot, if it is read from one.
    pub(crate) from: OwnedFd,
    pub(crate) entry: Vec<u8>,
    /// The snapshot, if it is read from one.
    pub(crate) snapshot: Option<Snapshot>,
}

/// The options of a source that is read from a snapshot.
#[derive(clap::Args, Debug)]
pub(crate) struct SnapshotOptions {
    /// Read PATH instead of the source, of which it is a snapshot. Selections, messages and manifests
    /// name the source
    #[arg(long, value_name = "PATH")]
    read_from: Option<OsString>,
    /// The snapshot was made at TIME or later, in seconds since 1970, with a fraction
    #[arg(long, value_name = "TIME", value_parser = seconds, requires = "read_from")]
    frozen: Option<SystemTime>,
}

/// A snapshot that a source is read from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Snapshot {
    /// When it was made, or a moment before; now if nobody knows.
    pub(crate) time: SystemTime,
    /// The device of the source itself, if it is there.
    device: Option<u64>,
}

/// A number of seconds since 1970, such as `1764518400.123456789`.
fn seconds(text: &str) -> Result<SystemTime, String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let nanos = format!("{fraction:0<9}");
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let time = whole.parse().ok().zip(nanos.parse().ok()).filter(|_| is_number(whole));
    let time = time.filter(|_| is_number(fraction) && nanos.len() == 9);
    time.and_then(|(secs, nanos)| UNIX_EPOCH.checked_add(Duration::new(secs, nanos)))
        .ok_or_else(|| "not a number of seconds".to_owned())
}

impl Source {
    /// Finds the source.
    ///
    /// # Errors
    /// Also where it is a symbolic link: backing up the bare link is hardly ever meant.
    pub(crate) fn open(spelt: &OsStr, options: &SnapshotOptions) -> Result<Source, Failure> {
        if spelt.is_empty() {
            return Err(Failure::new(Status::Usage, "the source has no name"));
        }
        let name = OsString::from_vec(source_name(spelt.as_bytes()));
        // An absolute source is read from a working directory that is closed to the user, too.
        let from = if name.as_bytes().starts_with(b"/") { "/" } else { "." };
        let at = directory(CWD, from.as_ref()).or_fail(Status::Failed, "working directory")?;
        let (from, entry, snapshot) = match &options.read_from {
            None => {
                let from = directory(&at, ".".as_ref()).or_fail(Status::Failed, shown(&name))?;
                (from, name.as_bytes().to_vec(), None)
            }
            Some(path) => {
                let (from, entry) = split(path)?;
                let device = statat(&at, &name, AtFlags::SYMLINK_NOFOLLOW);
                let device = device.ok().map(|stat| stat.st_dev);
                let time = options.frozen.unwrap_or_else(SystemTime::now);
                (from, entry, Some(Snapshot { time, device }))
            }
        };
        let shown = shown(&name).to_string();
        let stat = statat(&from, entry.as_slice(), AtFlags::SYMLINK_NOFOLLOW)
            .or_fail(Status::Failed, &shown)?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink {
            let why = "is a symbolic link (name what it points to)";
            return Err(Failure::of(Status::Usage, shown, why));
        }
        Ok(Source { name, spelt: spelt.to_owned(), stat, at, from, entry, snapshot })
    }

    /// What the system says of an object below the source itself, as it says of it in the snapshot.
    pub(crate) fn in_snapshot(&self, mut stat: Stat) -> Stat {
        if self.snapshot.is_some_and(|snapshot| snapshot.device == Some(stat.st_dev)) {
            stat.st_dev = self.stat.st_dev;
        }
        stat
    }

    /// The place of a store below the source itself, as that in the snapshot.
    pub(crate) fn place_in_snapshot(&self, place: Place) -> Place {
        match self.snapshot.and_then(|snapshot| snapshot.device) {
            Some(device) => place.moved(device, self.stat.st_dev),
            None => place,
        }
    }
}

/// The directory that the last name of a path is in, and the name.
fn split(path: &OsStr) -> Result<(OwnedFd, Vec<u8>), Failure> {
    let bytes = path.as_bytes();
    let (above, entry) = match bytes.iter().rposition(|byte| *byte == b'/') {
        // A final slash is ignored, but what is before it may be a link.
        Some(last) if last + 1 == bytes.len() => (bytes, &b"."[..]),
        Some(last) => (&bytes[..=last], &bytes[last + 1..]),
        None => (&b"."[..], bytes),
    };
    let from = directory(CWD, OsStr::from_bytes(above).as_ref());
    let from = from.or_fail(Status::Failed, format!("--read-from: {}", shown(path)))?;
    Ok((from, entry.to_vec()))
}

fn directory(at: impl AsFd, path: &Path) -> rustix::io::Result<OwnedFd> {
    openat(at, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_seconds_and_perhaps_a_fraction() {
        let at = |secs, nanos| Ok(UNIX_EPOCH + Duration::new(secs, nanos));
        assert_eq!(seconds("5"), at(5, 0));
        assert_eq!(seconds("1764518400.5"), at(1_764_518_400, 500_000_000));
        assert_eq!(seconds("1.000000001"), at(1, 1));
        for other in ["", "-1", "+1", "1.0000000001", "1.-1", "1e3", "x"] {
            assert!(seconds(other).is_err(), "{other}");
        }
    }
}
