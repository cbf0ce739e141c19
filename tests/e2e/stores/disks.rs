//! Stores on file systems that know neither a rename which overwrites nothing nor hard links.

use tests::{Sandbox, Tree};

use crate::mount::Disk;

/// A whole life of a store on the disk.
fn lives(sandbox: &Sandbox) {
    let tree = Tree::small(sandbox.path("src"));
    let moo = |command: &str, more: &str| {
        sandbox.sh(&format!(
            "moo {command} --archive-dir . --name archive {more} file://$PWD/disk/store"
        ))
    };
    let backup = |kind: &str| {
        moo(&format!("backup {kind}"), "--no-encryption src").silent();
    };
    for (day, kind) in ["full", "inc", "full", "inc"].into_iter().enumerate() {
        tree.noise(format!("day {day}"), 2_000_000);
        backup(kind);
    }
    moo("verify", "").silent();
    moo("prune", "--keep-full 1 --force").succeeds();
    sandbox.sh("rm -r archive").silent();
    moo("sync", "").silent();
    tree.noise("last", 1000);
    backup("inc");
    let lost = "moo restore --archive-dir . --name lost file://$PWD/disk/store out";
    sandbox.sh(&format!("{lost} && diff -r src out")).silent();
    // Nothing is overwritten there either.
    let files = "cd disk/store && ls -A && sha256sum *";
    let before = sandbox.sh(files).succeeds().out();
    let again = "moo-fetch --all file://$PWD/disk/store | moo-upload file://$PWD/disk/store >again";
    sandbox.sh(again).silent();
    sandbox.sh(files).succeeds().stdout_is(&before);
}

#[test]
fn a_store_on_exfat_was_refused_at_its_first_volume_and_lives() {
    let sandbox = Sandbox::new();
    let Some(disk) = Disk::exfat(&sandbox) else { return };
    lives(&sandbox);
    drop(disk);
}

#[test]
fn a_store_on_a_mount_of_rclone_was_refused_at_its_first_volume_and_lives() {
    let sandbox = Sandbox::new();
    let Some(disk) = Disk::rclone(&sandbox) else { return };
    lives(&sandbox);
    drop(disk);
}
