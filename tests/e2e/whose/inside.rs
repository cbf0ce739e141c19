//! A store inside its own source, and a restore into the store.

use tests::{Run, Sandbox};

struct Home(Sandbox);

impl Home {
    /// A source with a folder for the store.
    fn new() -> Home {
        let sandbox = Sandbox::new();
        sandbox.sh("mkdir -p src/a src/disk && echo 1 >src/a/file && ln -s src/disk link").silent();
        Home(sandbox)
    }

    fn backup(&self, options: &str, url: &str) -> Run {
        self.backup_of("src", options, url)
    }

    fn backup_of(&self, source: &str, options: &str, url: &str) -> Run {
        let moo = "moo backup --archive-dir archives --name a --no-encryption";
        self.0.sh(&format!("{moo} {options} {source} {url}"))
    }

    /// Refused, and nothing was stored.
    #[track_caller]
    fn is_refused(&self, run: Run) -> Run {
        let run = run.fails_with(2).one_message();
        self.0.sh("! ls src/disk/*/duplicity-* src/disk/duplicity-* 2>/dev/null").silent();
        run
    }
}

#[test]
fn a_store_in_its_own_source_was_stored_again_by_each_backup_and_is_refused() {
    let home = Home::new();
    for url in [
        "file://$PWD/src/disk/store",
        "file://$PWD/src//./a/../disk/store/",
        "file://$PWD/link/store",
        "file://src/disk/store",
    ] {
        for there in ["", "mkdir -p src/disk/store"] {
            home.0.sh(there).silent();
            let run = home.is_refused(home.backup("", url));
            run.stderr_has("is the folder of the store").stderr_has("--exclude src/disk/store");
            home.is_refused(home.backup("--dry-run", url));
            home.is_refused(home.backup_of("$PWD/src", "", url));
            home.0.sh("rm -rf src/disk/store").silent();
        }
    }
    let run = home.is_refused(home.backup("", "file://$PWD/src"));
    run.stderr_has("is the folder of the store itself");
}

#[test]
fn the_option_that_the_refusal_names_lets_the_backup_go_on() {
    for name in ["store", "a b", "[x]*?", "it\\'s", "caf\u{e9}", "b\\\\c"] {
        let home = Home::new();
        let name = format!("$(printf '%s' \"{name}\")");
        let url = format!("\"file://$PWD/src/disk/{name}\"");
        let said = home.is_refused(home.backup("", &url)).err();
        let (_, option) = said.split_once("leave it out with ").expect("an option");
        for day in ["2", "3"] {
            home.backup(option.trim(), &url).silent();
            home.0.sh(&format!("sleep 1.1; echo {day} >src/a/file")).silent();
        }
        let list = format!("moo list --archive-dir archives --name a {url}");
        let list = home.0.sh(&list).succeeds().out();
        assert!(list.contains("a/file") && !list.contains("duplicity-"), "{list}");
    }
}

#[test]
fn a_store_that_the_selection_leaves_out_in_any_way_is_none_in_the_source() {
    let home = Home::new();
    home.0.sh("echo a >files && touch src/disk/.no").silent();
    let url = "file://$PWD/src/disk/store";
    for options in [
        "--exclude '**/store'",
        "--exclude src/disk/",
        "--exclude-if-present .no",
        "--include src/a --exclude '**'",
        "--include '**/file' --exclude '**'",
        "--files-from files",
        "--exclude-regexp 'dis[k]$'",
    ] {
        home.backup(options, url).silent();
        home.backup(options, url).silent();
        home.0.sh("rm -r archives src/disk/store").silent();
    }
    // What asks for the files of the store alone asks for the store.
    home.backup("--exclude '**/store'", url).silent();
    let run = home.backup("--include '**/*.seal' --include src/a --exclude '**'", url);
    run.fails_with(2).stderr_has("is the folder of the store");
}

#[test]
fn a_store_that_is_mounted_into_its_source_is_found_on_the_way() {
    let home = Home::new();
    let script = "mkdir store src/mounted && mount --bind store src/mounted || exit 77
        moo backup --archive-dir archives --name a --no-encryption src file://$PWD/store";
    let run = home.0.sh(&format!("unshare --mount --propagation private sh -c '{script}'"));
    if run.status == 77 || run.err().contains("unshare") {
        assert!(!rustix::process::geteuid().is_root(), "{}", run.err());
        return;
    }
    run.fails_with(2).one_message().stderr_has("--exclude src/mounted");
    home.0.sh("! ls store/duplicity-* 2>/dev/null").silent();
}

#[test]
fn an_archive_directory_in_the_source_is_a_part_of_it() {
    let home = Home::new();
    let moo = "moo backup --archive-dir src/a/archives --no-encryption src file://$PWD/store";
    for day in 2..5 {
        home.0.sh(moo).silent();
        home.0.sh(&format!("sleep 1.1; echo {day} >src/a/file")).silent();
    }
}

#[test]
fn a_restore_writes_nothing_into_the_store_and_does_not_delete_it() {
    let home = Home::new();
    let url = "file://$PWD/src/disk/store";
    home.backup("--exclude src/disk", url).silent();
    home.0.sh("cp -a src before && mkdir src/disk/store/folder before/disk/store/folder").silent();
    for (options, destination) in [
        ("--delete", "src"),
        ("--delete", "link/.."),
        ("--delete", "src/disk/store"),
        ("--merge", "src/disk/store"),
        ("--merge", "link/store"),
        ("", "src/disk/store/out"),
        ("", "src/disk/store/folder"),
        ("", "link/store/new/out"),
    ] {
        let moo = "moo restore --archive-dir none";
        let run = home.0.sh(&format!("{moo} {options} {url} {destination}"));
        run.fails_with(2).one_message().stderr_has("the store");
        home.0.sh("diff -r src before").silent();
    }
    home.0
        .sh(&format!("echo x >src/a/file; moo restore --archive-dir none --merge {url} src"))
        .silent();
    home.0.sh("grep -qx 1 src/a/file && diff -r src/disk before/disk").silent();
}
