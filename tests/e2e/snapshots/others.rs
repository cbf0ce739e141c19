//! Snapshots in a configuration, and of a backup whose stages another user runs.

use tests::Sandbox;

use super::Disk;

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
