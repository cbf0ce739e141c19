//! Small file systems of their own, for what happens when one is full, read-only, or of another kind.

use tests::{Sandbox, not_tried};

/// A file system in memory, mounted on a folder of the sandbox until dropped.
pub(crate) struct Mount<'a> {
    sandbox: &'a Sandbox,
    folder: &'static str,
}

impl<'a> Mount<'a> {
    /// One of that size; none, which is said, where nothing may be mounted.
    pub(crate) fn new(sandbox: &'a Sandbox, folder: &'static str, size: &str) -> Option<Mount<'a>> {
        let mount = format!("mkdir {folder} && mount -t tmpfs -o size={size} none {folder}");
        let mounted = sandbox.sh(&mount);
        if mounted.status != 0 {
            not_tried(&format!("no file system can be mounted here: {}", mounted.err()));
            return None;
        }
        Some(Mount { sandbox, folder })
    }

    /// Lets nobody write any more, or everybody again.
    pub(crate) fn read_only(&self, yes: bool) {
        let how = if yes { "ro" } else { "rw" };
        self.sandbox.sh(&format!("mount -o remount,{how} {}", self.folder)).silent();
    }
}

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        let _ = self.sandbox.sh(&format!("umount -l {}", self.folder));
    }
}

/// A file system of FUSE on the folder `disk`, unmounted when dropped.
pub(crate) struct Disk<'a>(&'a Sandbox);

impl<'a> Disk<'a> {
    /// exFAT.
    pub(crate) fn exfat(sandbox: &'a Sandbox) -> Option<Disk<'a>> {
        let mount = "truncate -s 64M image && mkfs.exfat image >mkfs.log 2>&1 && mkdir disk && \
            losetup -f --show image >loop && mount.exfat-fuse \"$(cat loop)\" disk >mount.log 2>&1";
        Disk::mounted(sandbox, mount)
    }

    /// NTFS, by that program of ntfs-3g with those options.
    pub(crate) fn ntfs(sandbox: &'a Sandbox, program: &str, options: &str) -> Option<Disk<'a>> {
        let mount = format!(
            "truncate -s 64M image && mkfs.ntfs -F -q -Q image >mkfs.log 2>&1 && mkdir disk && \
                {program} image disk -o {options} >mount.log 2>&1"
        );
        Disk::mounted(sandbox, &mount)
    }

    /// ext4 with casefold, which folds the names in its folders; not every kernel has it.
    pub(crate) fn casefold(sandbox: &'a Sandbox) -> Option<Disk<'a>> {
        let mount = "truncate -s 64M image && mkfs.ext4 -q -O casefold image && mkdir disk && \
            mount -o loop image disk && rmdir disk/lost+found && chattr +F disk";
        Disk::mounted(sandbox, mount)
    }

    /// One of FUSE that has all that a system of Linux has, and folds names.
    pub(crate) fn folding(sandbox: &'a Sandbox) -> Option<Disk<'a>> {
        std::fs::write(sandbox.path("fold.py"), include_str!("limits/fold.py")).unwrap();
        Disk::mounted(sandbox, "mkdir disk backing && /usr/bin/python3 fold.py $PWD/backing disk")
    }

    /// A folder as rclone shows a remote.
    pub(crate) fn rclone(sandbox: &'a Sandbox) -> Option<Disk<'a>> {
        let mount = "mkdir disk remote && rclone --config \"$PWD/none\" --cache-dir \"$PWD/cache\" \
            mount \":local:$PWD/remote\" disk --vfs-cache-mode writes --daemon >mount.log 2>&1 && \
            mountpoint -q disk";
        Disk::mounted(sandbox, mount)
    }

    /// None, which is noted, where nothing can be mounted.
    fn mounted(sandbox: &'a Sandbox, mount: &str) -> Option<Disk<'a>> {
        let mounted = sandbox.sh(mount);
        if mounted.status == 0 {
            return Some(Disk(sandbox));
        }
        let why = format!("no such file system can be mounted here: {}", mounted.err());
        drop(Disk(sandbox));
        not_tried(&why);
        None
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = self.0.sh("umount -l disk; [ ! -s loop ] || losetup -d \"$(cat loop)\"");
    }
}
