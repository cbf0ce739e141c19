//! A backup does not mix: the store has sets that the archive directory does not know.

use tests::{Run, Sandbox};

/// A source, keys, and a store with a full set. The secret key is in no keyring.
struct Laptop {
    sandbox: Sandbox,
    options: &'static str,
}

/// Encrypted, and signed by a seal key.
const SIGNED: &str = "--encrypt-key key.cert.pgp --seal-key host.secret.pgp";
/// Encrypted alone.
const UNSIGNED: &str = "--encrypt-key key.cert.pgp";
/// The secret key of the backups, on its own.
const KEY: &str = "--secret-key key.secret.pgp";

impl Laptop {
    fn new(options: &'static str) -> Laptop {
        let sandbox = Sandbox::new();
        sandbox.sh("moo-keygen --no-passphrase key >/dev/null && mkdir etc www").silent();
        sandbox
            .sh("moo-keygen --sign-only host >/dev/null; echo 1 >etc/file; echo w >www/file")
            .silent();
        let laptop = Laptop { sandbox, options };
        laptop.backup("").silent();
        laptop.edit("2");
        laptop
    }

    fn edit(&self, content: &str) {
        self.sandbox.sh(&format!("sleep 1.1; echo {content} >etc/file")).silent();
    }

    fn backup(&self, more: &str) -> Run {
        self.backup_of("etc", more)
    }

    fn backup_of(&self, source: &str, more: &str) -> Run {
        let options = self.options;
        self.sandbox.sh(&format!(
            "moo backup --archive-dir archives --name etc {options} {more} {source} file://$PWD/store"
        ))
    }

    fn lose_the_archive_directory(&self) {
        self.sandbox.sh("rm -r archives").silent();
    }

    /// How many full sets and increments the store has.
    #[track_caller]
    fn has(&self, full: usize, increments: usize) {
        let count = |what: &str| {
            let list = format!("ls store | grep -c '^duplicity-{what}.*manifest'");
            self.sandbox.sh(&list).out().trim().parse::<usize>().unwrap()
        };
        assert_eq!((count("full"), count("inc")), (full, increments));
    }

    /// The one identity of all sets in the store.
    fn identity(&self) -> String {
        let read = "for seal in store/*.seal; do gpg -d $seal 2>/dev/null; done";
        let found =
            self.sandbox.sh(&format!("{read} | sed -n 's/^# identity //p' | sort -u")).out();
        assert_eq!(found.trim().len(), 32, "{found:?}");
        found.trim().to_owned()
    }

    /// A restore on a bare machine brings the content back.
    #[track_caller]
    fn restores(&self, content: &str) {
        let key = if self.options == "--no-encryption" { "" } else { KEY };
        let restore = format!("moo restore --archive-dir none {key} file://$PWD/store out");
        self.sandbox.sh(&format!("{restore} && grep -qx {content} out/file && rm -r out")).silent();
    }
}

#[test]
fn a_lost_archive_directory_comes_back_where_the_sets_can_be_read() {
    let laptop = Laptop::new("--no-encryption");
    let identity = laptop.identity();
    laptop.lose_the_archive_directory();
    laptop.backup("").silent();
    laptop.has(1, 1);
    assert_eq!(laptop.identity(), identity);
}

#[test]
fn a_lost_archive_directory_comes_back_with_the_passphrase() {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir etc; echo 1 >etc/file; echo moo >word").silent();
    let backup = "moo backup --archive-dir archives --passphrase-file word etc file://$PWD/store";
    sandbox.sh(backup).silent();
    sandbox.sh(&format!("rm -r archives; sleep 1.1; echo 2 >etc/file; {backup}")).silent();
    sandbox.sh("ls store | grep -c '^duplicity-inc.*manifest'").stdout_is("1");
}

#[test]
fn without_the_secret_key_a_full_set_follows_on_sets_that_the_own_seal_key_has_signed() {
    let laptop = Laptop::new(SIGNED);
    let identity = laptop.identity();
    laptop.lose_the_archive_directory();
    laptop.backup("").succeeds().one_message().stderr_has("making a full set");
    laptop.has(2, 0);
    laptop.edit("3");
    laptop.backup("").silent();
    laptop.has(2, 1);
    assert_eq!(laptop.identity(), identity);
    laptop.restores("3");
}

#[test]
fn without_a_seal_key_it_stops_until_it_is_told_to_start_over() {
    let laptop = Laptop::new(UNSIGNED);
    let identity = laptop.identity();
    laptop.lose_the_archive_directory();
    for kind in ["", "--seal-key host.secret.pgp"] {
        let run = laptop.backup(kind).fails_with(10);
        run.stderr_has("moo sync").stderr_has("--start-over");
    }
    laptop.has(1, 0);
    laptop.backup("--start-over").silent();
    laptop.has(2, 0);
    assert_eq!(laptop.identity(), identity);
    laptop.edit("3");
    laptop.backup("").silent();
    laptop.has(2, 1);
    laptop.restores("3");
}

#[test]
fn a_host_that_was_installed_anew_goes_on_with_the_identity_that_it_had() {
    let laptop = Laptop::new(UNSIGNED);
    let identity = laptop.identity();
    laptop.lose_the_archive_directory();
    let other = "--identity 0123456789abcdef0123456789abcdef";
    for more in ["", "--start-over"] {
        let run = laptop.backup(&format!("{other} {more}")).fails_with(10).one_message();
        run.stderr_has(&identity).stderr_has("it was made here before");
    }
    laptop.backup(&format!("--identity {identity}")).fails_with(10).stderr_has("--start-over");
    laptop.backup(&format!("--identity {identity} --start-over")).silent();
    laptop.has(2, 0);
    assert_eq!(laptop.identity(), identity);
    laptop.restores("2");
}

#[test]
fn where_the_secret_key_is_a_sync_lets_the_next_backup_go_on() {
    let laptop = Laptop::new(UNSIGNED);
    laptop.lose_the_archive_directory();
    let sync = format!("moo sync --archive-dir archives --name etc {KEY} file://$PWD/store");
    laptop.sandbox.sh(&sync).silent();
    laptop.backup("").silent();
    laptop.has(1, 1);
}

#[test]
fn sets_of_another_source_stop_it_whatever_it_is_told() {
    for options in [SIGNED, UNSIGNED, "--no-encryption"] {
        let laptop = Laptop::new(options);
        laptop.lose_the_archive_directory();
        laptop.sandbox.sh("cp -a store before").silent();
        for more in ["", "--start-over"] {
            laptop.backup_of("www", more).fails_with(10).one_message().stderr_has("check the URL");
        }
        laptop.sandbox.sh("diff -r store before").silent();
    }
}

#[test]
fn a_source_that_was_moved_is_adopted_once() {
    for options in [SIGNED, "--no-encryption"] {
        let laptop = Laptop::new(options);
        let identity = laptop.identity();
        laptop.sandbox.sh("mv etc moved; mkdir etc; echo other >etc/file").silent();
        laptop.backup_of("moved", "").fails_with(2).stderr_has("--allow-source-mismatch");
        laptop
            .sandbox
            .sh("moo backup full --archive-dir archives --name etc --no-encryption \
            moved file://$PWD/store")
            .fails_with(2);
        laptop.backup_of("moved", "--allow-source-mismatch").silent();
        laptop.sandbox.sh("sleep 1.1; echo 3 >moved/file").silent();
        laptop.backup_of("moved", "").silent();
        laptop.lose_the_archive_directory();
        laptop.sandbox.sh("sleep 1.1; echo 4 >moved/file").silent();
        laptop.backup_of("moved", "").succeeds();
        assert_eq!(laptop.identity(), identity);
        laptop.restores("4");
    }
}

#[test]
fn a_moved_source_whose_archive_directory_is_lost_is_adopted_too() {
    let laptop = Laptop::new(SIGNED);
    let identity = laptop.identity();
    laptop.lose_the_archive_directory();
    laptop.sandbox.sh("mv etc moved").silent();
    laptop.backup_of("moved", "").fails_with(10).stderr_has("--allow-source-mismatch");
    laptop.backup_of("moved", "--allow-source-mismatch").succeeds();
    assert_eq!(laptop.identity(), identity);
    laptop.restores("2");
}

#[test]
fn sets_without_seals_of_another_source_stop_it() {
    let laptop = Laptop::new("--no-encryption");
    laptop.lose_the_archive_directory();
    laptop.sandbox.sh("rm store/*.seal; cp -a store before").silent();
    laptop.backup_of("www", "").fails_with(2).stderr_has("the source etc");
    laptop.sandbox.sh("diff -r store before").silent();
    laptop.lose_the_archive_directory();
    laptop.backup("").silent();
    laptop.has(1, 1);
}

#[test]
fn exchanged_folders_stop_the_backup() {
    let laptop = Laptop::new(SIGNED);
    let home = "moo backup --archive-dir archives --name www";
    laptop.sandbox.sh(&format!("{home} {SIGNED} www file://$PWD/www.store")).silent();
    laptop
        .sandbox
        .sh("mv store x && mv www.store store && mv x www.store && cp -a store before")
        .silent();
    for more in ["", "--start-over"] {
        laptop.backup(more).fails_with(10).stderr_has("another backup");
    }
    laptop.sandbox.sh("diff -r store before").silent();
}

#[test]
fn a_disk_that_is_not_mounted_is_no_new_store() {
    let laptop = Laptop::new(SIGNED);
    let identity = laptop.identity();
    laptop.sandbox.sh("mkdir disk && mv store disk/store && mv disk away").silent();
    laptop.backup("").fails_with(8).one_message().stderr_has("mounted");
    laptop.sandbox.sh("test ! -e store && mkdir store").silent();
    laptop.backup("").fails_with(8).one_message().stderr_has("mounted");
    laptop.sandbox.sh("rmdir store && mv away/store store").silent();
    laptop.backup("").silent();
    laptop.has(1, 1);
    laptop.sandbox.sh("rm -r store").silent();
    laptop.edit("3");
    laptop.backup("--start-over").silent();
    laptop.has(1, 0);
    assert_eq!(laptop.identity(), identity);
    laptop.restores("3");
}

#[test]
fn a_store_is_made_only_below_a_folder_that_is_there() {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir etc && echo 1 >etc/file").silent();
    let backup = |url: &str| {
        sandbox.sh(&format!("moo backup --archive-dir archives --no-encryption etc {url}"))
    };
    backup("file://$PWD/mnt/disk").fails_with(8).stderr_has("is the disk mounted?");
    sandbox.sh("test ! -e mnt").silent();
    sandbox.sh("mkdir mnt").silent();
    backup("file://$PWD/mnt/disk").silent();
}

#[test]
fn the_first_set_of_a_new_store_is_announced_on_a_terminal_alone() {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir etc && echo 1 >etc/file").silent();
    let backup = "moo backup --archive-dir archives --no-encryption etc file://$PWD/";
    sandbox.sh(&format!("{backup}first")).silent();
    let run = sandbox.sh(&format!("script -qec \"{backup}second\" /dev/null </dev/null"));
    run.succeeds().stdout_has("a new store");
    let run = sandbox.sh(&format!("script -qec \"{backup}second\" /dev/null </dev/null"));
    assert!(!run.out().contains("a new store"), "{}", run.out());
}
