//! Snapshots of a logical volume, with the file system on it.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use failure::{Failure, OrFail, Status, shown};
use local::{Mount, is_snapshot_name};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsconfig_set_flag,
    fsconfig_set_string, fsmount, fsopen,
};

use crate::live::{Live, below};
use crate::record::lock;
use crate::system::System;
use crate::tool;

/// How much of the volume may change while there is a snapshot of it.
const ROOM: &str = "10%ORIGIN";
/// How long the kernel may take to let go of the file system, and the pause between two looks.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);

/// A logical volume.
pub(crate) struct Lvm {
    group: String,
    volume: String,
    /// Whether it is in a thin pool, which has the room for its snapshots.
    thin: bool,
    /// The type of its file system.
    kind: String,
    /// The source's directory in that.
    path: PathBuf,
    shown: String,
}

impl Lvm {
    pub(crate) fn of(live: &Live) -> Result<Lvm, Failure> {
        let mount = Mount::of(&live.directory).or_fail(Status::Failed, &live.shown)?;
        if mount.kind == "btrfs" {
            // The kernel takes a copy of a btrfs for the same one.
            return Err(live.refuse("is on btrfs; use the kind btrfs"));
        }
        let words = ["--noheadings", "--separator", "/", "-o", "vg_name,lv_name,pool_lv", "--"];
        let words = words.map(Path::new).into_iter().chain([&*mount.device]);
        let words: Vec<_> = words.collect();
        let text = tool::run("lvs", &words).map_err(|failure| {
            let device = shown(&mount.device);
            live.refuse(&format!(
                "{device} is not a logical volume, so there is no snapshot of it; use another kind, or none ({failure})"
            ))
        })?;
        let mut fields = tool::fields(&text, '/').into_iter();
        let (group, volume) =
            (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        if group.is_empty() || volume.is_empty() {
            return Err(live.refuse("lvs does not name its logical volume"));
        }
        let thin = fields.next().is_some_and(|pool| !pool.is_empty());
        let below = live.path.strip_prefix(&mount.point).or_fail(Status::Failed, &live.shown)?;
        let root = mount.root.strip_prefix("/").or_fail(Status::Failed, &live.shown)?;
        let (kind, path, shown) = (mount.kind, root.join(below), live.shown.clone());
        Ok(Lvm { group, volume, thin, kind, path, shown })
    }

    fn full(&self, name: &str) -> String {
        format!("{}/{name}", self.group)
    }

    /// Mounts a device where no path leads: it is unmounted with the last process that has it open,
    /// however that ends.
    fn mounted(&self, device: &str) -> rustix::io::Result<OwnedFd> {
        let context = fsopen(&*self.kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
        fsconfig_set_string(&context, "source", device)?;
        fsconfig_set_flag(&context, "ro")?;
        if self.kind == "xfs" {
            // The volume itself is mounted by the same number.
            fsconfig_set_flag(&context, "nouuid")?;
        }
        fsconfig_create(&context)?;
        let attributes = MountAttrFlags::MOUNT_ATTR_RDONLY
            | MountAttrFlags::MOUNT_ATTR_NOSUID
            | MountAttrFlags::MOUNT_ATTR_NODEV
            | MountAttrFlags::MOUNT_ATTR_NOEXEC;
        fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
    }

    fn ask(&self, name: &str, field: &str) -> Result<String, Failure> {
        let text = tool::run("lvs", &["--noheadings", "-o", field, "--", &self.full(name)])?;
        Ok(String::from_utf8_lossy(&text).trim().to_owned())
    }
}

impl System for Lvm {
    fn lock(&self) -> Result<OwnedFd, Failure> {
        lock()
    }

    fn snapshots(&self) -> Result<Vec<String>, Failure> {
        let words = ["--noheadings", "--separator", "/", "-o", "lv_name,origin", "--", &self.group];
        let text = String::from_utf8_lossy(&tool::run("lvs", &words)?).into_owned();
        let names = text.lines().filter_map(|line| {
            let (name, origin) = line.trim().split_once('/')?;
            (is_snapshot_name(name) && origin == self.volume).then(|| name.to_owned())
        });
        Ok(names.collect())
    }

    fn make(&self, name: &str) -> Result<(), Failure> {
        let room = if self.thin { ["--setactivationskip", "n"] } else { ["--extents", ROOM] };
        let origin = self.full(&self.volume);
        let words =
            ["--quiet", "--yes", "--snapshot", room[0], room[1], "--name", name, "--", &origin];
        tool::run("lvcreate", &words).map(drop)
    }

    fn open(&self, name: &str) -> Result<OwnedFd, Failure> {
        let device = self.ask(name, "lv_path")?;
        let why =
            |error| Failure::of(Status::Failed, &device, format!("can't be mounted: {error}"));
        let root = self.mounted(&device).map_err(why)?;
        below(&root, &self.path).or_fail(Status::Failed, &self.shown)
    }

    fn delete(&self, name: &str) -> Result<(), Failure> {
        if !self.snapshots()?.iter().any(|found| found == name) {
            return Ok(());
        }
        let full = self.full(name);
        let overflowed = !self.thin && self.ask(name, "lv_snapshot_invalid")? == "snapshot invalid";
        let start = Instant::now();
        while let Err(failure) = tool::run("lvremove", &["--quiet", "--force", "--", &full]) {
            if start.elapsed() > PATIENCE {
                return Err(failure);
            }
            sleep(PAUSE);
        }
        if overflowed {
            let why = format!(
                "more than {ROOM} of the volume changed during the backup, so what was read then is named as unreadable; back up at a calmer time"
            );
            return Err(Failure::of(Status::Failed, full, why));
        }
        Ok(())
    }
}
