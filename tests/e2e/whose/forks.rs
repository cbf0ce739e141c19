//! Forks: two copies of an archive directory that back up into the same store, or into copies of it.

use tests::{Run, Sandbox};

const SEALED: &str = "--no-encryption --seal-key host.secret.pgp";

/// A store with a full set and an increment, and two archive directories that know them.
struct Clones(Sandbox);

impl Clones {
    fn new() -> Clones {
        let clones = Clones(Sandbox::new());
        clones.0.sh("moo-keygen --sign-only host >/dev/null && mkdir etc").silent();
        clones.backup("one", "").silent();
        clones.backup("one", "").silent();
        clones.0.sh("cp -a archives/one archives/two").silent();
        clones
    }

    /// A backup of a new state, by the machine with that archive directory.
    fn backup(&self, archive: &str, options: &str) -> Run {
        self.backup_to("store", archive, options)
    }

    fn backup_to(&self, store: &str, archive: &str, options: &str) -> Run {
        let moo = format!("moo backup --archive-dir archives --name {archive} {SEALED}");
        let edit = format!("sleep 1.1; echo {archive} >>etc/file");
        self.0.sh(&format!("{edit}; {moo} {options} etc file://$PWD/{store}"))
    }

    /// Both machines have extended the same set in the store.
    fn forked() -> Clones {
        let clones = Clones::new();
        clones.backup("one", "").silent();
        // The second one does not know that set yet, and only lags behind.
        clones.backup("two", "").succeeds().stderr_has("so this backup is a full one");
        clones
    }

    fn on_store(&self, archive: &str, command: &str) -> Run {
        let (command, last) = command.split_once(" TO ").unwrap_or((command, ""));
        let all = format!("--archive-dir archives --name {archive}");
        self.0.sh(&format!("moo {command} {all} file://$PWD/store {last}"))
    }
}

#[test]
fn two_machines_with_copies_of_one_archive_directory_backed_up_in_turn_and_the_first_is_stopped() {
    let clones = Clones::forked();
    clones.0.sh("cp -a store before").silent();
    for _ in 0..2 {
        let run = clones.backup("one", "").fails_with(5).one_message();
        run.stderr_has("a fork").stderr_has("--start-over");
        clones.0.sh("diff -r store before").silent();
    }
    // After that message, a full set and its increments work.
    clones.backup("one", "--start-over").succeeds();
    clones.backup("one", "").succeeds();
    clones.0.sh("ls store/duplicity-inc*.manifest | wc -l").stdout_is("3");
    clones.0.sh("ls store/duplicity-full*.manifest | wc -l").stdout_is("3");
}

#[test]
fn a_fork_in_a_store_is_named_by_status_verify_and_restore() {
    let clones = Clones::forked();
    for archive in ["none", "one", "two"] {
        for keys in ["", "--seal-key host.cert.pgp"] {
            let status = clones.on_store(archive, &format!("status {keys}"));
            status.fails_with(3).stdout_has("a fork");
            let json = clones.on_store(archive, &format!("status --json {keys}"));
            json.fails_with(3).stdout_has("\"kind\":\"fork\"");
            clones.on_store(archive, &format!("verify {keys}")).fails_with(5).stderr_has("a fork");
            clones
                .on_store(archive, &format!("verify --quick {keys}"))
                .fails_with(5)
                .stderr_has("a fork");
            let run = clones.on_store(archive, &format!("restore {keys} TO out")).fails_with(3);
            assert!(
                run.err().contains("a fork") || run.err().contains("does not count"),
                "{}",
                run.err()
            );
            clones.0.sh("test -f out/file && rm -r out").silent();
        }
    }
    let times =
        clones.0.sh("ls store | sed -n 's/.*to\\.\\(.*Z\\)\\.manifest/\\1/p' | tail -n 1").out();
    let restore = format!("restore --time {} TO out", times.trim());
    clones.on_store("none", &restore).silent();
    clones.0.sh("test $(grep -c one out/file) = 3 && ! grep -q two out/file").silent();
}

#[test]
fn a_machine_that_is_given_the_copy_which_another_has_extended_is_stopped() {
    let clones = Clones::new();
    clones.0.sh("cp -a store copy").silent();
    clones.backup("one", "").silent();
    clones.backup_to("copy", "two", "").silent();
    clones.0.sh("cp -a copy before").silent();
    let run = clones.backup_to("copy", "one", "").fails_with(5).one_message();
    run.stderr_has("a fork");
    clones.0.sh("diff -r copy before").silent();
    clones.0.sh("mv store x && mv copy store").silent();
    let keys = "--seal-key host.cert.pgp";
    clones.on_store("one", &format!("status {keys}")).fails_with(5);
    clones.on_store("one", &format!("verify {keys}")).fails_with(5);
    let run = clones.on_store("one", &format!("restore {keys} TO out"));
    assert!([3, 5].contains(&run.status), "{}: {}", run.status, run.err());
    clones.on_store("one", &format!("sync {keys}")).fails_with(5).stderr_has("a fork");
}

#[test]
fn a_copy_under_a_new_key_that_was_extended_by_itself_is_not_brought_up_to_date() {
    let clones = Clones::new();
    let rekey =
        "moo rekey --no-encryption --seal-key host.secret.pgp file://$PWD/store file://$PWD/copy";
    clones.0.sh(rekey).silent();
    clones.0.sh("moo sync --archive-dir archives --name copy file://$PWD/copy").silent();
    clones.backup("one", "").silent();
    clones.0.sh(rekey).silent();
    clones.0.sh("moo sync --archive-dir archives --name copy file://$PWD/copy").silent();
    clones.backup_to("copy", "copy", "").silent();
    clones.backup("one", "").silent();
    clones.0.sh("cp -a copy before").silent();
    clones.0.sh(rekey).fails_with(5).stderr_has("a fork");
    clones.0.sh("diff -r copy before").silent();
}

#[test]
fn anybody_can_add_a_set_that_looks_like_a_fork_and_stops_no_backup() {
    let clones = Clones::new();
    clones.backup("one", "").silent();
    // As a set of the other machine, but sealed by nobody.
    clones.0.sh("mkdir away && cp -a archives store away").silent();
    let unsealed = "sleep 1.1; moo backup --archive-dir archives --name two --no-encryption etc file://$PWD/store";
    clones.0.sh(unsealed).succeeds();
    clones.backup("one", "").succeeds();
    let run = clones.on_store("one", "restore --seal-key host.cert.pgp TO out");
    assert!([0, 3].contains(&run.status), "{}: {}", run.status, run.err());
    clones.0.sh("test $(grep -c one out/file) = 4").silent();
}

#[test]
fn a_machine_that_lags_behind_its_store_is_not_a_fork() {
    let clones = Clones::new();
    clones.backup("one", "").silent();
    for command in ["status", "verify", "verify --quick", "restore TO out"] {
        clones.on_store("none", command).succeeds();
    }
    clones.on_store("two", "sync").silent();
    clones.backup("two", "").silent();
    clones.on_store("two", "status").succeeds();
    clones.on_store("two", "verify").silent();
}
