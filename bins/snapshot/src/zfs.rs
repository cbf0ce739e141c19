//! Snapshots of a dataset of ZFS, which shows them in its directory `.zfs/snapshot`.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use failure::{Failure, OrFail, Status, shown};
use local::{Mount, is_snapshot_name};
use rustix::fs::{CWD, Mode, OFlags, openat};

use crate::live::{Live, below};
use crate::record::lock;
use crate::system::System;
use crate::tool;

/// A dataset.
pub(crate) struct Zfs {
    dataset: String,
    /// Where it is mounted.
    point: PathBuf,
    /// The source's directory below that.
    path: PathBuf,
    shown: String,
}

impl Zfs {
    pub(crate) fn of(live: &Live) -> Result<Zfs, Failure> {
        let words = ["list", "-H", "-o", "name,mountpoint", "--"]
            .map(Path::new)
            .into_iter()
            .chain([&*live.path]);
        let words: Vec<_> = words.collect();
        let text = tool::run("zfs", &words).map_err(|failure| {
            live.refuse(&format!(
                "is not in a dataset of ZFS, so there is no snapshot of it; use another kind, or none ({failure})"
            ))
        })?;
        let mut fields = tool::fields(&text, '\t').into_iter();
        let (dataset, point) = (fields.next().unwrap_or_default(), fields.next());
        // One that fstab mounts says "legacy".
        let point = match point.map(PathBuf::from).filter(|point| point.is_absolute()) {
            Some(point) => point,
            None => Mount::of(&live.directory).or_fail(Status::Failed, &live.shown)?.point,
        };
        let path = live.path.strip_prefix(&point).map(Path::to_owned);
        let (Ok(path), false) = (path, dataset.is_empty() || dataset.contains('@')) else {
            let why = format!("is not below {}, where its dataset is mounted", shown(&point));
            return Err(live.refuse(&why));
        };
        Ok(Zfs { dataset, point, path, shown: live.shown.clone() })
    }

    fn full(&self, name: &str) -> String {
        format!("{}@{name}", self.dataset)
    }
}

impl System for Zfs {
    fn lock(&self) -> Result<OwnedFd, Failure> {
        lock()
    }

    fn snapshots(&self) -> Result<Vec<String>, Failure> {
        let words = ["list", "-H", "-t", "snapshot", "-d", "1", "-o", "name", "--", &self.dataset];
        let text = String::from_utf8_lossy(&tool::run("zfs", &words)?).into_owned();
        let names = text.lines().filter_map(|line| {
            let name = line.trim().strip_prefix(&self.dataset)?.strip_prefix('@')?;
            is_snapshot_name(name).then(|| name.to_owned())
        });
        Ok(names.collect())
    }

    fn make(&self, name: &str) -> Result<(), Failure> {
        tool::run("zfs", &["snapshot", "--", &self.full(name)]).map(drop)
    }

    fn open(&self, name: &str) -> Result<OwnedFd, Failure> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let point =
            openat(CWD, &self.point, flags, Mode::empty()).or_fail(Status::Failed, &self.shown)?;
        // ZFS mounts it when it is entered.
        below(&point, &Path::new(".zfs/snapshot").join(name).join(&self.path)).map_err(|error| {
            let which = self.full(name);
            Failure::of(Status::Failed, which, format!("can't be entered: {error}"))
        })
    }

    fn delete(&self, name: &str) -> Result<(), Failure> {
        if !self.snapshots()?.iter().any(|found| found == name) {
            return Ok(());
        }
        tool::run("zfs", &["destroy", "--", &self.full(name)]).map(drop)
    }
}
