//! What is in a backup of a snapshot: the source as it was at one moment, under its own paths.

use std::fs;

use super::{BACKUP, Disk};
use crate::signals::kit::{Background, hold, until};

/// Writes a number into `a` and then into `z`, and the next one again, for as long as there is `writes`. Each
/// is synced, as a database does: btrfs puts what is not into a snapshot file by file.
const WRITER: &str = "touch writes; n=1; write() {
        printf %07d $n | dd of=disk/src/$1 conv=notrunc,fdatasync status=none
    }
    while test -e writes; do write a; write z; n=$((n + 1)); done >/dev/null 2>&1 &";

impl Disk {
    fn number(&self, file: &str) -> i64 {
        fs::read_to_string(self.0.path(file)).unwrap().trim().parse().unwrap_or(-1)
    }

    /// Backs up while both files are being written, and holds the backup between reading one and the
    /// other. Returns how far apart the restored ones are.
    fn distance(&mut self, backup: &str) -> i64 {
        self.0
            .sh("head -c 8M /dev/urandom >disk/src/big && echo 0 | tee disk/src/a >disk/src/z")
            .silent();
        hold(&mut self.0, "moo-sign", 3_000_000);
        drop(self.0.sh(WRITER).succeeds());
        until("the writer", || self.number("disk/src/a") > 10);
        let run = Background::start(&self.0, backup);
        let held =
            "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -q 'moo-scan.*disk/src'";
        until("the reader", || self.0.sh(held).status == 0);
        self.0.sh("sleep 0.5").silent();
        let then = self.number("disk/src/a");
        until("the writer", || self.number("disk/src/a") > then + 200);
        fs::write(self.0.path("go"), "").unwrap();
        let ended = run.end(&self.0, "CONT");
        assert!([0, 3].contains(&ended.status), "{:?}", ended.said);
        self.0.sh("rm writes; sleep 0.2").silent();
        drop(self.0.sh("moo restore file://$PWD/store out").succeeds());
        self.number("out/a") - self.number("out/z")
    }
}

#[test]
fn files_that_are_written_together_come_back_as_they_were_at_one_moment() {
    let Some(mut disk) = Disk::new() else { return };
    let distance = disk.distance(BACKUP);
    assert!([0, 1].contains(&distance), "{distance}");
    assert!(disk.has_no_snapshot());
}

#[test]
fn without_a_snapshot_they_come_back_as_they_never_were() {
    let Some(mut disk) = Disk::new() else { return };
    let distance = disk.distance(&BACKUP.replace("--snapshot btrfs", ""));
    assert!(distance < -100, "{distance}");
}

#[test]
fn a_source_that_has_not_changed_is_not_read_again_and_has_its_own_paths() {
    let Some(disk) = Disk::new() else { return };
    let make = "mkdir -p disk/src/d && echo one >disk/src/d/f && ln disk/src/d/f disk/src/link &&
        mkfifo disk/src/fifo && touch disk/src/.hidden && sleep 0.1";
    disk.0.sh(make).silent();
    disk.0.sh(BACKUP).silent();
    assert!(disk.has_no_snapshot());
    // Another mount gives another device number.
    disk.0.sh("umount disk && mount -o loop image disk && sleep 1.1").silent();
    let run = disk.0.sh(&BACKUP.replace("--snapshot", "--verbosity info --snapshot")).succeeds();
    assert!(!run.err().contains("same content"), "{}", run.err());
    disk.0.sh("zcat archive/duplicity-new-signatures.*.gz | tar t").succeeds().stdout_is("");
    disk.0.sh("moo verify file://$PWD/store disk/src").silent();
    disk.0
        .sh("moo status --archive-dir $PWD --name archive file://$PWD/store")
        .succeeds()
        .stdout_has(":disk/src, ");
    let paths = ".\n./.hidden\n./.moobacker-snapshots\n./d\n./d/f\n./fifo\n./link";
    disk.0
        .sh("moo restore file://$PWD/store out && cd out && find . | LC_ALL=C sort")
        .stdout_is(paths);
    disk.0.sh("stat -c %h out/d/f").stdout_is("2");
    // With and without a snapshot it is one source.
    disk.0.sh("echo two >disk/src/d/f && sleep 1.1").silent();
    disk.0.sh(&BACKUP.replace("--snapshot btrfs", "")).silent();
    disk.0.sh("sleep 1.1").silent();
    disk.0.sh(BACKUP).silent();
    let last = "zcat $(ls archive/duplicity-new-signatures.*.gz | tail -n 1) | tar t";
    disk.0.sh(last).succeeds().stdout_is("");
}

#[test]
fn a_file_that_changes_when_the_snapshot_is_made_is_read_again_by_the_next_backup() {
    let Some(disk) = Disk::new() else { return };
    // A btrfs that changes a file right before the snapshot: in the same tick, it could change once more.
    let stand_in = "mkdir bin && cat >bin/btrfs <<'END' && chmod +x bin/btrfs
#!/bin/sh
case $* in *snapshot*) echo aaaa >'HERE/disk/src/f' ;; esac
exec /usr/bin/btrfs \"$@\"
END";
    let here = disk.0.path("").display().to_string();
    disk.0.sh(&stand_in.replace("HERE", here.trim_end_matches('/'))).silent();
    disk.0.sh("echo rested >disk/src/g && sleep 0.1").silent();
    disk.0.sh(&format!("PATH=$PWD/bin:$PATH {BACKUP}")).silent();
    let dry = "moo-scan --dry-run --archive archive disk/src";
    disk.0.sh(dry).succeeds().stdout_is("reread   f");
    disk.0.sh(&format!("sleep 1.1; {BACKUP}")).silent();
    disk.0.sh(dry).succeeds().stdout_is("");
}

#[test]
fn a_file_and_a_directory_in_a_subvolume_are_sources_too() {
    let Some(disk) = Disk::new() else { return };
    disk.0
        .sh("mkdir -p disk/src/d/e && echo one >disk/src/d/e/f && echo x >disk/src/other")
        .silent();
    for (source, out) in
        [("disk/src/d/e/f", "one"), ("disk/src/d/", "one"), ("./disk/src/d/e", "one")]
    {
        disk.0.sh("rm -rf store archive out && mkdir store").silent();
        disk.0.sh(&BACKUP.replace("disk/src ", &format!("{source} "))).silent();
        disk.0.sh("moo restore file://$PWD/store out").silent();
        disk.0.sh("test ! -e out/other && find out -type f -exec cat {} +").stdout_is(out);
        disk.0.sh(&format!("moo verify file://$PWD/store {source}")).silent();
    }
}

#[test]
fn what_the_snapshot_lacks_is_named_unless_it_is_excluded() {
    let Some(disk) = Disk::new() else { return };
    let make = "btrfs subvolume create disk/src/a && btrfs subvolume create disk/src/b &&
        echo 1 >disk/src/a/1 && mkdir disk/src/m 'disk/src/n o' && echo f >disk/src/f &&
        mount -t tmpfs none disk/src/m && mount -t tmpfs none 'disk/src/n o'";
    drop(disk.0.sh(make).succeeds());
    let run = disk.0.sh(BACKUP);
    let others = disk.0.sh(&BACKUP.replace(" disk/src ", " --exclude-other-filesystems disk/src "));
    let excluded =
        "--exclude disk/src/a --exclude disk/src/b --exclude disk/src/m --exclude 'disk/src/n o'";
    let quiet = disk.0.sh(&format!(
        "sleep 1.1; {}",
        BACKUP.replace(" disk/src ", &format!(" {excluded} disk/src "))
    ));
    drop(disk.0.sh("umount disk/src/m 'disk/src/n o'").succeeds());
    let subvolume = "disk/src/a: is a subvolume of its own, so the snapshot lacks it; make it a source, \
        or exclude it (so are 1 more; --verbosity info names them)";
    let mount = "disk/src/m: another file system is mounted there, so the snapshot lacks its content; \
        make it a source, or exclude it (so are 1 more; --verbosity info names them)";
    run.succeeds().stderr_is(&format!("moo backup: {subvolume}\nmoo backup: {mount}"));
    others.succeeds().stderr_is(&format!("moo backup: {subvolume}"));
    quiet.silent();
}
