//! The configuration, moobacker.toml: names that stand for sources and stores, and what is refused.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tests::{Run, Sandbox};

mod broken;
mod checks;
mod metrics;
mod nightly;
mod year;

/// A sandbox of an ordinary user, with two sources, and a configuration with two stores.
struct Person(Sandbox);

/// After the stores' tables.
const SOURCES: &str = "
[sources.etc]
path = \"@/sources/etc\"
[sources.home]
path = \"@/sources/home\"
exclude = [\"**.tmp\", \"**/cache\"]
stores = \"disk\"
";

/// For all sources.
const KEYS: &str = "encrypt-key = \"@/backup.cert.pgp\"\nsecret-key = \"@/backup.secret.pgp\"\n";

/// Where each source is kept.
const STORES: &str = "
[stores.disk]
url = \"file://@/disk\"
[stores.second]
url = \"file://@/second\"
";

impl Person {
    fn new() -> Person {
        let person = Person(Sandbox::for_everybody());
        person
            .0
            .sh("moo keygen --no-passphrase backup && mkdir -p sources/etc sources/home/cache disk second
                echo one >sources/etc/hosts && echo two >sources/home/note && echo x >sources/home/a.tmp
                echo c >sources/home/cache/c; chmod -R go+rwX . && chmod 700 .gnupg")
            .succeeds();
        person.configure(&format!("{KEYS}{STORES}{SOURCES}"));
        person
    }

    /// Writes the user's own configuration; `@` is the sandbox.
    fn configure(&self, text: &str) {
        let folder = self.0.path(".home/.config/moobacker");
        fs::create_dir_all(&folder).unwrap();
        let here = self.0.path("").display().to_string();
        let text = text.replace('@', here.trim_end_matches('/'));
        fs::write(folder.join("moobacker.toml"), text).unwrap();
        self.0
            .sh("chmod -R go+rwX .home && chmod go-w .home/.config/moobacker/moobacker.toml")
            .silent();
    }

    /// Runs a line of the shell as that user: root has a configuration of its own.
    fn sh(&self, line: &str) -> Run {
        let root = rustix::process::geteuid().is_root();
        let nobody =
            if root { "setpriv --reuid 65534 --regid 65534 --clear-groups --" } else { "" };
        let line = line.replace('\'', "'\\''");
        self.0.sh(&format!("{nobody} env HOME=$PWD/.home XDG_CONFIG_HOME= sh -c '{line}'"))
    }

    /// How many sets a store has of a source.
    fn sets(&self, store: &str, source: &str) -> usize {
        let files = fs::read_dir(self.0.path(format!("{store}/{source}"))).into_iter().flatten();
        let is_manifest = |name: &str| name.ends_with(".manifest.gpg");
        files.flatten().filter(|file| file.file_name().to_str().is_some_and(is_manifest)).count()
    }
}

/// The run has printed nothing of that.
#[track_caller]
fn lacks(run: &Run, part: &str) {
    assert!(!run.out().contains(part), "{}", run.out());
}

#[test]
fn a_name_stands_for_a_source_a_store_or_all() {
    let person = Person::new();
    person.sh("moo backup").silent();
    let sets = |store| ["etc", "home"].map(|source| person.sets(store, source));
    assert_eq!((sets("disk"), sets("second")), ([1, 1], [1, 0]));
    person.sh("sleep 1.1; moo backup etc second").silent();
    person.sh("sleep 1.1; moo backup full home").silent();
    person.sh("sleep 1.1; moo backup disk").silent();
    assert_eq!((sets("disk"), sets("second")), ([2, 3], [2, 0]));
    let status = person.sh("moo status").succeeds();
    let heads: Vec<_> =
        status.out().lines().filter(|line| line.contains(" at ")).map(str::to_owned).collect();
    assert_eq!(heads.len(), 3, "{}", status.out());
    assert!(heads[0].starts_with("etc at disk: file:///"), "{heads:?}");
    person.sh("moo list home").succeeds().stdout_has("note");
    lacks(&person.sh("moo list home").succeeds(), "a.tmp");
    lacks(&person.sh("moo list etc second hosts").succeeds(), "note");
    person
        .sh("moo verify && moo verify --quick && moo drill && moo sync && moo cleanup")
        .succeeds();
    person.sh("moo verify home $PWD/sources/home").silent();
    person.sh("echo changed >sources/home/note").silent();
    person.sh("moo verify home $PWD/sources/home").fails_with(3).stdout_has("note");
    person.sh("moo restore --no-restore-ownership etc second $PWD/out").silent();
    person.sh("cat out/hosts").stdout_is("one");
    person.sh("rm -r second/etc && moo replicate etc disk second").silent();
    assert_eq!(sets("second"), [2, 0]);
}

#[test]
fn each_source_has_an_archive_directory_for_each_store() {
    let person = Person::new();
    person.sh("moo backup").silent();
    person.sh("ls .home/.local/state/moobacker").stdout_is("etc.disk\netc.second\nhome.disk");
}

#[test]
fn a_store_that_is_away_is_a_failure_of_that_one_alone() {
    let person = Person::new();
    person.sh("moo backup && rm -r second && sleep 1.1").silent();
    let run = person.sh("moo backup").fails_with(8);
    run.one_message_of("moo backup: etc at second").stderr_has("is its disk mounted");
    assert_eq!(["etc", "home"].map(|source| person.sets("disk", source)), [2, 2]);
}

#[test]
fn a_users_configuration_that_others_could_write_ran_their_hooks_and_is_refused() {
    let person = Person::new();
    let config = ".home/.config/moobacker/moobacker.toml";
    person.sh("moo config check").silent();
    let everybody = ("chmod o+w", "moobacker.toml: others may write it (chmod go-w)");
    let others = [
        ("chgrp 65534", everybody.1),
        ("chmod g+w,o-w", ""),
        ("chgrp 65533", everybody.1),
        ("chown 65533", "moobacker.toml: belongs to another user"),
        ("chown 65534", everybody.1),
        ("chmod g-w", ""),
    ];
    let root = rustix::process::geteuid().is_root();
    for (change, why) in [everybody].into_iter().chain(others.into_iter().filter(|_| root)) {
        person.0.sh(&format!("{change} {config}")).silent();
        let run = person.sh("moo config check");
        match why {
            "" => drop(run.silent()),
            why => drop(run.fails_with(2).one_message().stderr_has(why)),
        }
    }
}

#[test]
fn a_name_of_nothing_says_what_was_meant_and_runs_nothing() {
    let person = Person::new();
    person.sh("moo backup hmoe").fails_with(2).stderr_is(
        "moo backup: hmoe: no such source or store in the configuration; did you mean home?",
    );
    person.sh("moo status frob").fails_with(2).stderr_is(
        "moo status: frob: no such source or store in the configuration (see moo config show)",
    );
    person.sh("moo backup home second").fails_with(2).stderr_has("second: no such source or store");
    for command in ["restore disk $PWD/out", "list disk", "verify disk $PWD/sources"] {
        let run = person.sh(&format!("moo {command}")).fails_with(2).one_message();
        run.stderr_has("disk: is of several sources; name one of them");
    }
    person.sh("moo prune --force --config").fails_with(2).stderr_has("--config: needs a value");
    person.sh("moo restore etc").fails_with(2).one_message().stderr_has("DEST");
    person.sh("moo backup --frob").fails_with(2).one_message().stderr_has("--frob");
    person.sh("moo status --config x file:///srv").fails_with(2).one_message();
    assert_eq!(person.sets("disk", "home"), 0);
}

#[test]
fn a_key_that_setup_has_not_made_yet_is_told_once_with_the_command_that_makes_it() {
    let person = Person::new();
    let hook = "failed = \"echo $MOO_STATUS >failed\"\nbefore = \"touch begun\"\n";
    let keys = KEYS.replace("backup.cert.pgp", "later.cert.pgp");
    person.configure(&format!("{hook}{keys}{STORES}{SOURCES}"));
    let run = person.sh("moo backup").fails_with(6).one_message();
    run.stderr_has("later.cert.pgp: no such file; finish the setup: moo setup-local --host-key");
    person.sh("cat failed; test ! -e begun").stdout_is("6");
}

#[test]
fn without_a_configuration_a_url_is_needed() {
    let person = Person::new();
    fs::remove_file(person.0.path(".home/.config/moobacker/moobacker.toml")).unwrap();
    for (call, why) in [
        (
            "status",
            "moo status: needs a URL (see --help), because there is no configuration: moo setup-local ",
        ),
        (
            "status etc",
            "moo status: etc: not a url (such as file:///srv/backup), and there is no configuration: ",
        ),
        ("run-checks", "moo run-checks: there is no configuration: moo setup-local makes one"),
    ] {
        person.sh(&format!("moo {call}")).fails_with(2).one_message().stderr_has(why);
    }
    person.sh("moo config check").fails_with(2).one_message().stderr_has("moo setup-local");
    person.sh("echo colour = 1 >other.toml").silent();
    person
        .sh("moo config check other.toml")
        .fails_with(2)
        .one_message()
        .stderr_has("other.toml: line 1: colour");
}

#[test]
fn output_that_nobody_reads_was_a_panic_and_is_no_news() {
    let person = Person::new();
    person.sh("moo backup").silent();
    for command in ["status disk", "prune disk --keep-full 1", "config show", "config rows"] {
        // The reader has gone before the first line.
        let line = format!("(sleep 0.2; exec moo {command}) 2>said | : ; cat said");
        person.sh(&line).silent();
    }
}

#[test]
fn a_mistyped_command_of_the_configuration_says_what_was_meant() {
    let person = Person::new();
    let run = person.sh("moo confg").fails_with(2);
    run.stderr_is("moo: confg: no such command; did you mean config? (see moo --help)");
    person.sh("moo config chek").fails_with(2).one_message().stderr_has("check");
}

#[test]
fn an_absolute_path_and_a_url_are_taken_as_they_are() {
    let person = Person::new();
    person.sh("moo backup --encrypt-key backup.cert.pgp sources/etc file://$PWD/other").silent();
    assert_eq!(person.sets(".", "other"), 1);
    lacks(&person.sh("moo status file://$PWD/other").succeeds(), " at ");
}

#[test]
fn roots_configuration_is_never_a_users() {
    let person = Person::new();
    let mode = PermissionsExt::from_mode(0o666);
    let file = person.0.path("mine.toml");
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, mode).unwrap();
    if rustix::process::geteuid().is_root() {
        let run = person.0.sh("HOME=$PWD/.home moo config check");
        run.fails_with(2).stderr_has("/etc/moobacker/");
        person.0.sh("moo backup --config mine.toml").fails_with(2).stderr_has("chmod go-w");
    }
}

#[test]
fn a_source_of_commands_is_backed_up_listed_and_restored_by_its_name() {
    let person = Person::new();
    let dumps =
        "[sources.dumps]\ncommands = { \"shop.sql\" = \"seq 9\", \"it's.sql\" = \"echo 'two'\" }\n";
    person.configure(&format!("{KEYS}{STORES}{dumps}"));
    person.sh("moo backup && moo backup dumps disk").silent();
    assert_eq!((person.sets("disk", "dumps"), person.sets("second", "dumps")), (2, 1));
    person.sh("moo list dumps").succeeds().stdout_has("shop.sql").stdout_has("it's.sql");
    person.sh("moo restore --path shop.sql dumps -").stdout_is("1\n2\n3\n4\n5\n6\n7\n8\n9");
    person
        .sh("moo restore --no-restore-ownership dumps second $PWD/out && cat out/it*")
        .stdout_is("two");
    // One that fails is named, and nothing is stored.
    person.configure(&format!("{KEYS}{STORES}{}", dumps.replace("seq 9", "false")));
    person.sh("moo backup dumps disk").fails_with(1).stderr_has("false: has failed with status 1");
    assert_eq!(person.sets("disk", "dumps"), 2);
    // Only root can run them as somebody else.
    person.configure(&format!("{KEYS}{STORES}{dumps}run-as = \"daemon\"\n"));
    person.sh("moo backup dumps disk").fails_with(2).stderr_has("only root can run a command as");
}
