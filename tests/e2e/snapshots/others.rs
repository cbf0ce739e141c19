//! Snapshots in a configuration, and of a backup whose stages another user runs.

use tests::Sandbox;

use super::{BACKUP, Disk};

#[test]
fn root_makes_the_snapshot_and_the_stages_run_as_the_user() {
    let Some(disk) = Disk::in_sandbox(Sandbox::for_everybody()) else { return };
    let make = "moo keygen --no-passphrase backup && install -d -o 65534 store state &&
        echo secret >disk/src/f && chmod 600 disk/src/f && chmod 700 disk/src &&
        cat >moobacker.toml <<END
user = \"nobody\"
archive-dir = \"$PWD/state\"
encrypt-key = \"$PWD/backup.cert.pgp\"
secret-key = \"$PWD/backup.secret.pgp\"
[stores.main]
url = \"file://$PWD/store\"
[sources.www]
path = \"$PWD/disk/src\"
snapshot = \"btrfs\"
before = \"echo last >disk/src/late\"
END";
    disk.0.sh(make).succeeds();
    let config = "--config $PWD/moobacker.toml";
    disk.0.sh(&format!("moo config {config} show | grep -c -e --snapshot=btrfs")).stdout_is("1");
    disk.0.sh(&format!("moo backup {config}")).silent();
    assert!(disk.has_no_snapshot());
    disk.0
        .sh(&format!("moo restore {config} www out && cat out/f out/late"))
        .stdout_is("secret\nlast");
    disk.0.sh("stat -c %U store/www/*.seal").stdout_is("nobody");
    disk.0.sh(&format!("moo verify {config} www $PWD/disk/src")).silent();
}

#[test]
fn a_backup_while_another_run_has_a_snapshot_stored_all_twice_and_does_not() {
    let Some(disk) = Disk::new() else { return };
    disk.0.sh("echo text >disk/src/page").silent();
    let plain =
        "moo backup --archive-dir $PWD --name plain --no-encryption disk/src file://$PWD/plain";
    let other = BACKUP.replace("--name archive", "--name other").replace("/store", "/other");
    let script = format!("{plain} && {other}");
    disk.0.sh(&format!("moo-snapshot btrfs disk/src sh -c '{script}'")).silent();
    for store in ["plain", "other"] {
        let restore = format!("rm -rf out; moo restore file://$PWD/{store} out && find out | sort");
        disk.0.sh(&restore).stdout_is("out\nout/.moobacker-snapshots\nout/page");
    }
    assert!(disk.has_no_snapshot());
}

#[test]
fn the_owner_could_exchange_the_folder_for_a_link_while_btrfs_deleted_by_a_path_and_cannot() {
    let Some(mut disk) = Disk::new() else { return };
    // btrfs resolves a path, and opens it again: here the owner is in between.
    let exchange = "#!/bin/sh
case \"$*\" in
    *delete*) mv disk/src/.moobacker-snapshots disk/src/kept; ln -s mine disk/src/.moobacker-snapshots ;;
esac
exec /usr/bin/btrfs \"$@\"";
    disk.0
        .sh(&format!("mkdir bin && cat >bin/btrfs <<'END' && chmod 755 bin/btrfs\n{exchange}\nEND"))
        .silent();
    let path = format!("{}:{}", disk.0.path("bin").display(), disk.0.sh("echo $PATH").out().trim());
    disk.0.set("PATH", path);
    let decoy = "mkdir disk/src/mine && name=$(ls disk/src/.moobacker-snapshots) &&
        /usr/bin/btrfs -q subvolume create disk/src/mine/$name";
    disk.0.sh(&format!("moo-snapshot btrfs disk/src sh -c '{decoy}'")).silent();
    disk.0.sh("ls disk/src/mine | wc -l; ls -A disk/src/.moobacker-snapshots; test ! -e disk/src/kept").stdout_is("1");
}

#[test]
fn the_examples_of_the_help_work() {
    let Some(disk) = Disk::in_sandbox(Sandbox::new()) else { return };
    disk.0.sh("touch disk/src/page disk/src/a.tmp").silent();
    let help = disk.0.sh("moo-snapshot --help").succeeds().out();
    let (_, examples) = help.split_once("Examples:\n").unwrap();
    assert_eq!(examples.trim().lines().count(), 2, "{examples}");
    for example in examples.trim().lines() {
        let run = disk.0.sh(&example.replace("/srv/www", "disk/src")).succeeds();
        run.stdout_has("end.json").stderr_is("");
        assert!(disk.has_no_snapshot());
    }
}

#[test]
fn a_configuration_with_a_wrong_kind_is_refused() {
    let sandbox = Sandbox::new();
    let check = |text: &str| {
        let text = format!(
            "encrypt-key = \"/k\"\n[stores.main]\nurl = \"file:///s\"\n[sources.www]\n{text}\n"
        );
        std::fs::write(sandbox.path("moobacker.toml"), text).unwrap();
        sandbox.sh("moo config --config moobacker.toml check")
    };
    check("path = \"/srv\"\nsnapshot = \"lvm\"").silent();
    let wrong = check("path = \"/srv\"\nsnapshot = \"xfs\"").fails_with(2).one_message();
    wrong.stderr_has("snapshot: unknown variant `xfs`, expected one of `btrfs`, `zfs`, `lvm`");
    let dump =
        check("snapshot = \"zfs\"\ncommands = { \"a\" = \"b\" }").fails_with(2).one_message();
    dump.stderr_has("sources.www.snapshot: there is no snapshot of the output of commands");
}
