//! Where there can be no snapshot, the message says why and what to do, and nothing is stored.

use super::{BACKUP, Disk};

#[test]
fn a_source_that_is_not_on_such_a_system_is_refused() {
    let Some(disk) = Disk::new() else { return };
    disk.0.sh("mkdir src && echo x >src/f && ln -s disk/src link && touch disk/src/f").silent();
    let refused = |source: &str, kind: &str| {
        let call = BACKUP.replace("disk/src", source).replace("btrfs", kind);
        let run = disk.0.sh(&call);
        disk.0.sh("ls store").stdout_is("");
        run
    };
    refused("src", "btrfs")
        .fails_with(2)
        .one_message()
        .stderr_has("moo backup: src: is not on btrfs but on ");
    refused("missing", "btrfs").fails_with(1).one_message().stderr_has("moo backup: missing: ");
    refused("link", "btrfs").fails_with(2).one_message().stderr_has("link: is a symbolic link");
    refused("disk/src", "lvm")
        .fails_with(2)
        .one_message()
        .stderr_has("is on btrfs; use the kind btrfs");
    refused("disk/src", "ext4").fails_with(2).one_message().stderr_has("'ext4'");
    // A variable of a script that is not set is not the working directory.
    let empty = disk.0.sh("cd disk/src && moo-snapshot btrfs '' true");
    empty.fails_with(2).one_message().stderr_has("moo-snapshot: SOURCE: is empty");
    drop(disk.0.sh("mkdir part disk/src/d && mount --bind disk/src/d part").succeeds());
    let run = refused("part", "btrfs");
    drop(disk.0.sh("umount part").succeeds());
    run.fails_with(2).one_message().stderr_has("part: is below a mount of a part of a subvolume");
    let dump = "moo backup --no-encryption --snapshot btrfs --stdin-name a --command 'echo x' file://$PWD/store";
    disk.0.sh(dump).fails_with(2).one_message().stderr_has("--snapshot");
    // What it would list is the source as it is.
    disk.0
        .sh(&BACKUP.replace("--snapshot", "--dry-run --snapshot"))
        .succeeds()
        .stdout_is("new      .\nnew      d\nnew      f");
    assert_eq!(disk.subvolumes(), ["src"]);
}

#[test]
fn a_folder_that_others_could_exchange_is_refused() {
    let Some(disk) = Disk::new() else { return };
    disk.0.sh("mkdir elsewhere && chmod 700 elsewhere && ln -s $PWD/elsewhere disk/src/.moobacker-snapshots").silent();
    disk.0.sh(BACKUP).fails_with(1).one_message().stderr_has("/disk/src/.moobacker-snapshots: ");
    disk.0
        .sh("rm disk/src/.moobacker-snapshots && mkdir -m 700 disk/src/.moobacker-snapshots &&
        chown 65534 disk/src/.moobacker-snapshots")
        .silent();
    disk.0.sh(BACKUP).fails_with(1).one_message().stderr_has("only root may enter; move it away");
    disk.0
        .sh("chown 0 disk/src/.moobacker-snapshots && chmod 755 disk/src/.moobacker-snapshots")
        .silent();
    disk.0.sh(BACKUP).fails_with(1).one_message().stderr_has("only root may enter; move it away");
    assert_eq!(disk.subvolumes(), ["src"]);
}

#[test]
fn a_store_in_the_source_is_refused_as_without_a_snapshot() {
    let Some(disk) = Disk::new() else { return };
    disk.0.sh("mkdir disk/src/store && touch disk/src/f").silent();
    let inside = BACKUP.replace("$PWD/store", "$PWD/disk/src/store");
    let others = inside.replace("--snapshot", "--exclude-other-filesystems --snapshot");
    for call in [&inside, &others] {
        disk.0
            .sh(call)
            .fails_with(2)
            .one_message()
            .stderr_has("disk/src/store: is the folder of the store");
    }
    disk.0.sh(&inside.replace("--snapshot", "--exclude disk/src/store --snapshot")).silent();
    assert!(disk.has_no_snapshot());
}

#[test]
fn only_root_can_and_the_message_says_so() {
    let Some(disk) = Disk::in_sandbox(tests::Sandbox::for_everybody()) else { return };
    disk.0
        .sh("chmod 777 . store && mkdir state && chown 65534 state disk/src && touch disk/src/f")
        .silent();
    let call = BACKUP.replace("$PWD --name", "$PWD/state --name");
    let run = disk.0.sh(&format!(
        "HOME=$PWD/state TMPDIR=$PWD/state setpriv --reuid 65534 --regid 65534 --clear-groups sh -c '{call}'"
    ));
    run.fails_with(1).one_message().stderr_has("--snapshot: needs root; run the backup by root");
    assert_eq!(disk.subvolumes(), ["src"]);
}
