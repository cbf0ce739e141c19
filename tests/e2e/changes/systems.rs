//! File systems that count time in coarse steps, know no lengths, or have parts of their own.

use tests::Sandbox;

use crate::moo::Moo;

/// A file system that is mounted on `disk` until dropped.
struct Disk<'a>(&'a Sandbox);

impl<'a> Disk<'a> {
    /// One of that size which `make` makes in an image; none where the kernel lacks the file system
    /// or this user may not mount it.
    fn image(sandbox: &'a Sandbox, size: &str, make: &str) -> Option<Disk<'a>> {
        let mkfs = format!(
            "truncate -s {size} image && {make} image >made 2>&1 || {{ cat made; false; }}"
        );
        drop(sandbox.sh(&mkfs).succeeds());
        let mounted = sandbox.sh("mkdir disk && mount -o loop image disk");
        (mounted.status == 0).then_some(Disk(sandbox))
    }

    /// The folder `backing`, through FUSE, with a clock of its own: one that ticks once in so many
    /// seconds, or one that `backing/clock` sets.
    fn with_clock(sandbox: &'a Sandbox, clock: &str) -> Disk<'a> {
        std::fs::write(sandbox.path("fs.py"), CLOCK).unwrap();
        let mount =
            format!("mkdir -p disk backing && /usr/bin/python3 fs.py $PWD/backing disk {clock}");
        sandbox.sh(&mount).silent();
        Disk(sandbox)
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = self.0.sh("fusermount3 -u disk || umount disk || umount -l disk");
    }
}

/// Passes everything through but the times.
const CLOCK: &str = r"
import os, sys
from fusepy import FUSE, Operations
root, mountpoint, step = sys.argv[1:]
def tick(time):
    if step == 'clock':
        with open(root + '/clock') as file:
            return int(file.read())
    return int(time) // int(step) * int(step)
class Clock(Operations):
    def getattr(self, path, fh=None):
        found = os.lstat(root + path)
        names = 'st_mode st_ino st_nlink st_uid st_gid st_size'.split()
        told = {name: getattr(found, name) for name in names}
        return dict(told, st_mtime=tick(found.st_mtime), st_ctime=tick(found.st_ctime))
    def readdir(self, path, fh):
        return ['.', '..'] + os.listdir(root + path)
    def mkdir(self, path, mode):
        os.mkdir(root + path, mode)
    def open(self, path, flags):
        return os.open(root + path, flags)
    def create(self, path, mode, fi=None):
        return os.open(root + path, os.O_RDWR | os.O_CREAT, mode)
    def truncate(self, path, length, fh=None):
        os.truncate(root + path, length)
    def read(self, path, size, offset, fh):
        return os.pread(fh, size, offset)
    def write(self, path, data, offset, fh):
        return os.pwrite(fh, data, offset)
    def release(self, path, fh):
        os.close(fh)
FUSE(Clock(), mountpoint, foreground=False, use_ino=True, attr_timeout=0, entry_timeout=0)
";

/// Changes a file in the very tick of the clock in which it was stored, if the machine is quick
/// enough, and demands its new content of the next backup.
fn a_change_in_the_tick_is_stored(sandbox: &Sandbox) {
    let moo = Moo::plain(sandbox);
    sandbox.sh("mkdir disk/src && ln -s disk/src link").silent();
    let backup =
        "moo backup --archive-dir . --name archive --no-encryption disk/src file://$PWD/store";
    for round in 0..3 {
        sandbox.sh(&format!("echo aaaa{round} >disk/src/f")).silent();
        drop(sandbox.sh(backup).succeeds());
        sandbox.sh(&format!("echo bbbb{round} >disk/src/f")).silent();
        drop(sandbox.sh(&format!("sleep 2.1 && {backup}")).succeeds());
        drop(moo.restore("").succeeds());
        sandbox.sh("cmp disk/src/f out/f && rm -r out").silent();
    }
    // What has rested is not read again for ever.
    drop(sandbox.sh(&format!("sleep 2.1 && {backup}")).succeeds());
    sandbox.sh("moo-scan --dry-run --archive archive disk/src").silent();
}

#[test]
fn a_change_in_the_second_of_the_backup_was_lost_on_ext4_with_small_inodes_and_is_stored() {
    let sandbox = Sandbox::new();
    let image = Disk::image(&sandbox, "16M", "mkfs.ext4 -q -I 128");
    let _disk = image.unwrap_or_else(|| Disk::with_clock(&sandbox, "1"));
    a_change_in_the_tick_is_stored(&sandbox);
}

#[test]
fn a_change_in_the_two_seconds_of_the_backup_was_lost_on_fat_and_is_stored() {
    let sandbox = Sandbox::new();
    let image = Disk::image(&sandbox, "16M", "mkfs.vfat");
    let _disk = image.unwrap_or_else(|| Disk::with_clock(&sandbox, "2"));
    a_change_in_the_tick_is_stored(&sandbox);
}

#[test]
fn a_change_that_the_clock_of_a_file_server_shows_nothing_of_is_stored() {
    let sandbox = Sandbox::new();
    // The server is ahead of us, and its clock stands still: set right before the files are made, because
    // our clock catches up with it while a busy machine mounts the file system.
    let clock = "date -d '50 seconds' +%s >backing/clock";
    sandbox.sh(&format!("mkdir backing && {clock}")).silent();
    let _disk = Disk::with_clock(&sandbox, "clock");
    let make = "mkdir disk/src && echo aaaa >disk/src/f && echo cccc >disk/src/g";
    sandbox.sh(&format!("{clock} && {make}")).silent();
    let backup =
        "moo backup --archive-dir . --name archive --no-encryption disk/src file://$PWD/store";
    sandbox.sh(backup).silent();
    sandbox.sh("echo bbbb >disk/src/f").silent();
    let dry = "moo-scan --dry-run --archive archive disk/src";
    sandbox.sh(dry).stdout_is("reread   f\nreread   g");
    sandbox.sh(backup).silent();
    sandbox.sh("moo restore file://$PWD/store out && diff -r disk/src out").silent();
    sandbox.sh("date -d '1 hour ago' +%s >backing/clock").silent();
    sandbox.sh(backup).silent();
    sandbox.sh(dry).silent();
}

#[test]
fn a_subvolume_that_exclude_other_filesystems_leaves_out_was_not_named_and_is() {
    let sandbox = Sandbox::new();
    let Some(_disk) = Disk::image(&sandbox, "300M", "mkfs.btrfs -q") else {
        // Then the rule is tested in subvolume.rs of moo-scan alone.
        tests::not_tried("no btrfs can be mounted here");
        return;
    };
    let make = "btrfs subvolume create disk/src && btrfs subvolume create disk/src/a \
        && btrfs subvolume create disk/src/b && touch disk/src/f && mkdir disk/src/mounted";
    drop(sandbox.sh(make).succeeds());
    let scan = "moo-scan --dry-run --exclude-other-filesystems disk/src";
    sandbox.sh(scan).succeeds().one_message().stderr_has(
        "disk/src/a: is a subvolume of the same btrfs, and left out by --exclude-other-filesystems \
            (so are 1 more",
    );
    sandbox.sh("moo-scan --dry-run disk/src").succeeds().stderr_is("");
    sandbox.sh("btrfs subvolume delete disk/src/a disk/src/b >deleted").silent();
    drop(sandbox.sh("mount -t tmpfs none disk/src/mounted").succeeds());
    let run = sandbox.sh(scan);
    let _ = sandbox.sh("umount disk/src/mounted");
    run.succeeds().stderr_is("");
}

/// A FUSE file system whose files say that they have no content.
const SIZELESS: &str = r"
import stat, sys, errno
from fusepy import FUSE, Operations, FuseOSError
SMALL = b'the whole document\n' * 100
LARGE = bytes(range(256)) * 1000
FILES = {'/small': SMALL, '/large': LARGE, '/empty': b''}
class Sizeless(Operations):
    def getattr(self, path, fh=None):
        if path == '/':
            return dict(st_mode=stat.S_IFDIR | 0o755, st_nlink=2)
        if path in FILES:
            return dict(st_mode=stat.S_IFREG | 0o644, st_nlink=1, st_size=0, st_mtime=1700000000)
        raise FuseOSError(errno.ENOENT)
    def readdir(self, path, fh):
        return ['.', '..'] + [name[1:] for name in FILES]
    def read(self, path, size, offset, fh):
        return FILES[path][offset:offset + size]
FUSE(Sizeless(), sys.argv[1], foreground=False, ro=True, direct_io=True)
";

#[test]
fn files_that_say_they_are_empty_were_stored_empty_and_are_stored_as_they_are_read() {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.path("fs.py"), SIZELESS).unwrap();
    sandbox.sh("mkdir src && /usr/bin/python3 fs.py src").silent();
    let moo = Moo::plain(&sandbox);
    let first = moo.backup("");
    let planned = sandbox.sh("moo-scan --dry-run --archive archive src");
    let second = moo.backup("");
    let copied =
        sandbox.sh("mkdir copy && for f in small large empty; do cat src/$f >copy/$f; done");
    let _ = sandbox.sh("fusermount3 -u src || umount src");
    for run in [first, copied, second] {
        run.silent();
    }
    planned.succeeds().stdout_is("reread   large\nreread   small");
    moo.restore("").silent();
    sandbox.sh("diff -r copy out").silent();
    // The second backup has found the same content, and stored nothing.
    sandbox.sh("zcat archive/duplicity-new-signatures.*.gz | tar t").succeeds().stdout_is("");
}

#[test]
fn files_of_proc_were_stored_empty_without_a_word_and_have_their_content() {
    let sandbox = Sandbox::new();
    let source = "/proc/sys/kernel/random";
    let files = "boot_id poolsize";
    let backup = format!("moo backup --no-encryption {source} file://$PWD/store");
    // uuid is another one each time, which may be seen.
    let run = sandbox.sh(&backup);
    assert!([0, 3].contains(&run.status), "{}", run.err());
    let compare = format!("for f in {files}; do cmp {source}/$f out/$f || exit 1; done");
    sandbox.sh(&format!("moo restore file://$PWD/store out; {compare}")).succeeds();
}
