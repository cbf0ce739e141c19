//! What a snapshot lacks: other file systems that are mounted in the source, and subvolumes in it.

use std::collections::BTreeSet;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;

use archive::TreePath;
use local::{Mount, path_of};
use rustix::fs::{FileType, Mode, OFlags, Stat, openat};
use subvolumes::is_on_btrfs;

use crate::source::Source;

/// The inode number of a directory in the place of a subvolume that the snapshot does not hold.
const STUB: u64 = 2;

/// What an entry has lost in the snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    Nothing,
    /// It is a directory, whose content is on another file system.
    Content,
    /// It is a subvolume: what stands in its place has nothing of it.
    All,
}

/// What the snapshot lacks: the first, and how many.
#[derive(Default)]
struct Lacking {
    subvolumes: Option<(TreePath, u64)>,
    mounts: Option<(TreePath, u64)>,
}

/// What is not in the snapshot that the source is read from.
#[derive(Default)]
pub(crate) struct Covered {
    is_snapshot: bool,
    /// Where other file systems are mounted below the source.
    points: BTreeSet<TreePath>,
    lacking: Lacking,
}

impl Covered {
    /// Finds the mounts below a source that is read from a snapshot, if they are wanted.
    pub(crate) fn of(source: &Source, wants_mounts: bool) -> Covered {
        let mut covered = Covered { is_snapshot: source.snapshot.is_some(), ..Covered::default() };
        if covered.is_snapshot && wants_mounts {
            covered.points = points(source).unwrap_or_default();
        }
        covered
    }

    /// What an entry that is selected has lost in the snapshot, which is noted.
    pub(crate) fn loss(&mut self, path: &TreePath, stat: &Stat, at: impl AsFd) -> Loss {
        if !self.is_snapshot || FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            return Loss::Nothing;
        }
        let is_stub = || stat.st_ino == STUB && is_on_btrfs(at).unwrap_or(false);
        let Lacking { subvolumes, mounts } = &mut self.lacking;
        let (found, loss) = match self.points.contains(path) {
            true => (mounts, Loss::Content),
            false if is_stub() => (subvolumes, Loss::All),
            false => return Loss::Nothing,
        };
        found.get_or_insert_with(|| (path.clone(), 0)).1 += 1;
        loss
    }

    /// What to say of it, with the paths as messages name them.
    pub(crate) fn told(&self, shown: impl Fn(&TreePath) -> String) -> Vec<String> {
        let Lacking { subvolumes, mounts } = &self.lacking;
        let subvolume =
            "is a subvolume of its own, so the snapshot lacks it; make it a source, or exclude it";
        let mount = "another file system is mounted there, so the snapshot lacks its content; make it a source, or exclude it";
        let both = [(subvolumes, subvolume), (mounts, mount)];
        let line = |((first, count), why): (&(TreePath, u64), &str)| {
            let others = match count {
                1 => String::new(),
                _ => format!(" (so are {} more; --verbosity info names them)", count - 1),
            };
            format!("{}: {why}{others}", shown(first))
        };
        both.into_iter().filter_map(|(found, why)| Some(line((found.as_ref()?, why)))).collect()
    }
}

fn points(source: &Source) -> std::io::Result<BTreeSet<TreePath>> {
    let flags = OFlags::PATH | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let live = openat(&source.at, &source.name, flags, Mode::empty())?;
    let path = path_of(&live)?;
    let mounts = Mount::all()?.into_iter();
    let below = mounts.filter_map(|mount| {
        let below = mount.point.strip_prefix(&path).ok()?.as_os_str().as_bytes().to_vec();
        TreePath::parse(&below).ok().filter(|below| !below.is_root())
    });
    Ok(below.collect())
}
