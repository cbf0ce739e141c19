//! Backups of a snapshot: `moo backup --snapshot`.

use tests::Sandbox;

mod ends;
mod moment;
mod others;
mod refusals;
mod service;
mod standins;

/// A btrfs that is mounted on `disk` until dropped, with a subvolume `disk/src`.
struct Disk(Sandbox);

impl Disk {
    /// None, which is said, where this machine can mount no btrfs.
    fn new() -> Option<Disk> {
        Disk::in_sandbox(Sandbox::new())
    }

    fn in_sandbox(sandbox: Sandbox) -> Option<Disk> {
        let make = "truncate -s 300M image && mkfs.btrfs -q image >made 2>&1 && mkdir disk store";
        sandbox.sh(make).silent();
        if sandbox.sh("mount -o loop image disk").status != 0 {
            tests::not_tried("no btrfs can be mounted here");
            return None;
        }
        let disk = Disk(sandbox);
        disk.0.sh("btrfs subvolume create disk/src >made").silent();
        Some(disk)
    }

    /// The names of the subvolumes.
    fn subvolumes(&self) -> Vec<String> {
        let list = self.0.sh("btrfs subvolume list disk").succeeds().out();
        list.lines().filter_map(|line| Some(line.split_once(" path ")?.1.to_owned())).collect()
    }

    fn has_no_snapshot(&self) -> bool {
        !self.subvolumes().iter().any(|path| path.contains("/moobacker-"))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.0.sh("umount disk || umount -l disk");
    }
}

/// How these tests call a backup of `disk/src`.
const BACKUP: &str = "moo backup --archive-dir $PWD --name archive --no-encryption --snapshot btrfs \
    disk/src file://$PWD/store";
