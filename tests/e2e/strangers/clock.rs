//! Clocks that are wrong, here or on the day of a backup.

use tests::{Sandbox, Snapshot, Tree};

use crate::moo::{Moo, stored};

/// A command at another time; the library of faketime has to be named, since `moo` is a script.
fn at(when: &str, command: &str) -> String {
    format!("faketime -f '{when}' sh -c '{command}'")
}

#[test]
fn a_restore_on_a_machine_whose_clock_is_behind_brings_the_newest_state() {
    let sandbox = Sandbox::new();
    let tree = Tree::small(sandbox.path("src"));
    let backup = "moo backup --no-encryption --archive-dir . --name archive src file://$PWD/store";
    sandbox.sh(&at("-30d", backup)).silent();
    tree.noise("new", 100);
    sandbox.sh(backup).silent();
    let restore = "moo restore --archive-dir . --name lost file://$PWD/store out";
    for clock in ["-7d", "@2015-01-01 00:00:00"] {
        let run = sandbox.sh(&at(clock, restore)).succeeds().one_message();
        run.stderr_has("dated later than this machine's clock");
        sandbox.sh("diff -r src out && rm -r out").silent();
    }
    let explicit = restore.replace("moo restore", "moo restore --time 20D");
    sandbox.sh(&explicit).silent();
    sandbox.sh("test ! -e out/new").silent();
}

#[test]
fn after_a_night_with_a_clock_ahead_the_next_backups_work_and_come_back() {
    for seal in ["", "--seal-key host.secret.pgp"] {
        let sandbox = Sandbox::new();
        sandbox.sh("moo-keygen --sign-only host >/dev/null").silent();
        let tree = Tree::small(sandbox.path("src"));
        let backup = format!(
            "moo backup --no-encryption {seal} --archive-dir . --name archive src file://$PWD/store"
        );
        sandbox.sh(&backup).silent();
        tree.noise("ahead", 100);
        sandbox.sh(&at("+400d", &backup)).silent();
        tree.noise("right", 100);
        let told = sandbox.sh(&backup).succeeds().one_message();
        told.stderr_has(
            "is dated later than this machine's clock: making a full set of the present state",
        );
        tree.noise("again", 100);
        sandbox.sh("sleep 1.1").silent();
        sandbox.sh(&backup).silent();
        assert_eq!(sandbox.sh("ls store/*full-sig* | wc -l").out().trim(), "2");
        for name in ["archive", "lost"] {
            let moo = Moo::new(&sandbox, "").archive(name);
            moo.restore("").silent();
            tests::assert_same(&Snapshot::kept(tree.root()), &Snapshot::kept(sandbox.path("out")));
            sandbox.remove("out");
            let ahead = stored(&sandbox).pop().unwrap();
            moo.restore(&format!("--time {ahead}")).succeeds();
            sandbox.sh("test -e out/ahead -a ! -e out/right && rm -r out").silent();
        }
        let status = "moo status --archive-dir . --name archive --max-age 26h file://$PWD/store";
        sandbox.sh(status).silent();
        sandbox
            .sh(&status.replace("--max-age 26h", ""))
            .stdout_has("later than this machine's clock");
        sandbox.sh(&at("+30d", status)).fails_with(3).one_message();
    }
}
