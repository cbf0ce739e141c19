//! Several paths, patterns and other names at a restore.

use std::collections::BTreeSet;
use std::fs;

use tests::damage::find_all;
use tests::{Key, Run, Sandbox, Snapshot, Tree, assert_same};

use crate::moo::Moo;
use crate::part::{reads, volumes};

/// A plain store of a full set and an increment.
fn prepared(sandbox: &Sandbox) -> Tree {
    let tree = Tree::empty(sandbox.path("src"));
    tree.file("etc/ssh/config", b"one");
    tree.file("etc/ssh/keys/a.key", b"key");
    tree.file("etc/hosts", b"hosts");
    tree.file("home/tom/docs/a.txt", b"text");
    tree.file("home/tom/docs/b.odt", b"odt");
    tree.file("home/ann/c.txt", b"c");
    tree.folder("srv/empty");
    tree.mode("etc/ssh", 0o711);
    let moo = Moo::plain(sandbox);
    moo.backup("").silent();
    tree.file("etc/ssh/config", b"two");
    tree.remove("home/ann/c.txt");
    tree.file("home/ann/c.txt/now/a/folder.txt", b"deep");
    moo.backup("").silent();
    tree
}

/// Restores into `out`, which is deleted before.
fn restored(sandbox: &Sandbox, options: &str) -> Run {
    sandbox.sh("rm -rf out").silent();
    Moo::plain(sandbox).restore(options)
}

/// What is in `out`, with a slash after the names of directories.
fn listed(sandbox: &Sandbox) -> String {
    let find = "cd out && find . -mindepth 1 -type d -printf '%P/\\n' -o -printf '%P\\n' | sort";
    sandbox.sh(find).succeeds().out().lines().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn gives(sandbox: &Sandbox, options: &str, expected: &str) {
    restored(sandbox, options).silent();
    assert_eq!(listed(sandbox), expected, "{options}");
}

#[test]
fn several_paths_come_back_below_the_destination_with_the_directories_above_them() {
    let sandbox = Sandbox::new();
    let tree = prepared(&sandbox);
    let paths = "--path etc/ssh --path home/tom/docs/a.txt --path etc/ssh/keys";
    gives(
        &sandbox,
        paths,
        "etc/ etc/ssh/ etc/ssh/config etc/ssh/keys/ etc/ssh/keys/a.key home/ home/tom/ \
         home/tom/docs/ home/tom/docs/a.txt",
    );
    tree.remove("etc/hosts");
    tree.remove("home/ann");
    tree.remove("home/tom/docs/b.odt");
    tree.remove("srv");
    sandbox.sh("for d in etc home/tom/docs home .; do touch -r out/$d src/$d; done").silent();
    assert_same(&Snapshot::kept(tree.root()), &Snapshot::kept(sandbox.path("out")));
    // A file was a directory's name before.
    gives(
        &sandbox,
        "--path home/ann/c.txt/now --path srv/empty",
        "home/ home/ann/ home/ann/c.txt/ home/ann/c.txt/now/ home/ann/c.txt/now/a/ \
         home/ann/c.txt/now/a/folder.txt srv/ srv/empty/",
    );
    restored(&sandbox, "--path etc/hosts --path etc/nothing --path home")
        .fails_with(10)
        .one_message()
        .stderr_has("etc/nothing: not in the backup at that time");
    assert!(!sandbox.path("out").exists());
    gives(
        &sandbox,
        "--path . --path etc --exclude home --exclude srv --exclude etc/ssh",
        "etc/ etc/hosts",
    );
}

#[test]
fn patterns_select_at_a_restore_as_they_do_at_a_backup() {
    let sandbox = Sandbox::new();
    prepared(&sandbox);
    let all_ssh = "etc/ etc/ssh/ etc/ssh/config etc/ssh/keys/ etc/ssh/keys/a.key";
    for (options, expected) in [
        ("--include etc/ssh --exclude '**'", all_ssh),
        ("--include ./etc/ssh --exclude '**'", all_ssh),
        ("--include '**.txt' --exclude '**' --path home/tom", "docs/ docs/a.txt"),
        ("--exclude '**/ssh' --exclude-regexp '^(home|srv)$'", "etc/ etc/hosts"),
        ("--include 'ignorecase:ETC/HOSTS' --exclude '**'", "etc/ etc/hosts"),
        (
            "--exclude '[!h]*' --exclude home/tom --exclude home/ann/c.txt/*/a",
            "home/ home/ann/ home/ann/c.txt/ home/ann/c.txt/now/",
        ),
        ("--include-filelist list --exclude '**'", "etc/ etc/ssh/ etc/ssh/config home/ home/tom/"),
        (
            "--include-filelist /dev/stdin --exclude '**' <list",
            "etc/ etc/ssh/ etc/ssh/config home/ home/tom/",
        ),
        ("--include-filelist nul --null-separator --exclude '**'", "etc/ etc/hosts"),
    ] {
        sandbox
            .sh("printf '%s\\n' '- etc/ssh/keys' '+ etc/ssh' '- home/tom/*' home/tom >list")
            .silent();
        sandbox.sh("printf 'etc/hosts\\0' >nul").silent();
        let (options, input) = options.split_once(" <").unwrap_or((options, "/dev/null"));
        sandbox.sh("rm -rf out").silent();
        for archive in ["archive", "lost"] {
            let moo = format!(
                "moo restore --archive-dir . --name {archive} --no-restore-ownership {options}"
            );
            sandbox.sh(&format!("rm -rf out; {moo} file://$PWD/store out <{input}")).silent();
            assert_eq!(listed(&sandbox), expected, "{options}");
        }
    }
    for (options, status, why) in [
        ("--include nothing --exclude '**'", 10, "nothing in the backup is selected"),
        ("--include etc", 2, "means nothing as the last option"),
        ("--exclude /etc", 2, "--exclude /etc: cannot match anything in the backup"),
        ("--exclude-regexp '('", 2, "--exclude-regexp ("),
        ("--include-filelist none --exclude '**'", 2, "none: no such file"),
        ("--path etc --delete --exclude etc/ssh", 2, "--delete"),
        ("--path etc --path home --delete", 2, "--delete"),
        ("--keep-going --exclude etc", 2, "--keep-going"),
    ] {
        restored(&sandbox, options).fails_with(status).one_message().stderr_has(why);
        assert!(!sandbox.path("out").exists(), "{options}");
    }
}

#[test]
fn standard_output_takes_a_tar_of_what_is_selected_and_one_file_only() {
    let sandbox = Sandbox::new();
    prepared(&sandbox);
    let restore = "moo restore --archive-dir . --name archive";
    let tar = |options: &str| {
        let list = format!("{restore} {options} --tar file://$PWD/store - >tar && tar tf tar");
        sandbox.sh(&list).succeeds().out().lines().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(tar("--path etc/hosts --path srv"), "./ ./etc/ ./etc/hosts ./srv/ ./srv/empty/");
    assert_eq!(
        tar("--include '**/*.txt' --exclude '**'"),
        "./ ./home/ ./home/ann/ ./home/ann/c.txt/ ./home/ann/c.txt/now/ ./home/ann/c.txt/now/a/ \
         ./home/ann/c.txt/now/a/folder.txt ./home/tom/ ./home/tom/docs/ ./home/tom/docs/a.txt"
    );
    for options in ["--path etc/hosts --path etc/ssh/config", "--path etc --exclude etc/ssh"] {
        for spool in ["", "--no-spool"] {
            sandbox
                .sh(&format!("{restore} {spool} {options} file://$PWD/store -"))
                .fails_with(2)
                .one_message()
                .stderr_has("standard output takes one file");
        }
    }
    for options in ["--tar --rename etc x", "--tar --strip-components 1", "--no-spool --rename a b"]
    {
        let run = sandbox.sh(&format!("{restore} {options} file://$PWD/store -"));
        run.fails_with(2).one_message();
    }
    let run = sandbox.sh(&format!("{restore} --rename etc x --path etc/hosts file://$PWD/store -"));
    run.fails_with(2).one_message().stderr_has("--rename");
    let verify = "moo-fetch --path etc --path srv file://$PWD/store | moo-decrypt";
    sandbox.sh(&format!("{verify} | moo-patch --check")).silent();
    sandbox.sh(&format!("moo-scan src >src.tar; {verify} | moo-compare src.tar")).fails_with(2);
    sandbox.sh(&format!("{verify} | moo-replay --encrypt-key x")).fails();
}

#[test]
fn renames_are_done_at_once_and_keep_what_objects_are() {
    let sandbox = Sandbox::new();
    let tree = prepared(&sandbox);
    for (options, expected) in [
        (
            "--path etc --rename ssh new/place",
            "hosts new/ new/place/ new/place/config new/place/keys/ new/place/keys/a.key",
        ),
        (
            "--path etc --rename ssh/keys keys --rename ssh hosts.d",
            "hosts hosts.d/ hosts.d/config keys/ keys/a.key",
        ),
        (
            "--path etc --rename ssh hosts --rename hosts ssh",
            "hosts/ hosts/config hosts/keys/ hosts/keys/a.key ssh",
        ),
        ("--path home/tom --rename ./docs/a.txt ./a.txt", "a.txt docs/ docs/b.odt"),
        (
            "--include home/tom --exclude '**' --rename home/tom tom",
            "home/ tom/ tom/docs/ tom/docs/a.txt tom/docs/b.odt",
        ),
        (
            "--path home/tom --path home/ann --rename home/ann home/tom --strip-components 2",
            "c.txt/ c.txt/now/ c.txt/now/a/ c.txt/now/a/folder.txt docs/ docs/a.txt docs/b.odt",
        ),
        (
            "--path home --strip-components 1",
            "c.txt/ c.txt/now/ c.txt/now/a/ c.txt/now/a/folder.txt docs/ docs/a.txt docs/b.odt",
        ),
        ("--path etc --strip-components 0", "hosts ssh/ ssh/config ssh/keys/ ssh/keys/a.key"),
    ] {
        gives(&sandbox, options, expected);
    }
    restored(&sandbox, "--path etc --rename ssh place").silent();
    sandbox.sh("stat -c %a out/place; mv out/place out/ssh; touch -r src/etc out").stdout_is("711");
    assert_same(&Snapshot::kept(tree.path("etc")), &Snapshot::kept(sandbox.path("out")));
    let strip = restored(&sandbox, "--path etc --strip-components 1").succeeds();
    assert_eq!(listed(&sandbox), "config keys/ keys/a.key");
    strip.stderr_has("--strip-components 1: 1 object not restored");
    let none = restored(&sandbox, "--path etc --rename nothing x").fails_with(3).one_message();
    none.stderr_has("--rename nothing x: nothing is not restored, so it is not renamed");
    assert_eq!(listed(&sandbox), "hosts ssh/ ssh/config ssh/keys/ ssh/keys/a.key");
    sandbox.remove("out");
    for (options, why) in [
        ("--path etc --rename hosts ssh", "--rename hosts ssh: two objects would become ssh"),
        ("--path etc --rename ssh hosts/x", "what is to be above hosts/x is no directory"),
        ("--path etc --rename ssh ../x", "a path with .."),
        ("--path etc --rename ssh /etc/x", "--rename ssh /etc/x: the new path is absolute"),
        ("--path etc --rename . x", "below the directory that is restored"),
        ("--path etc --rename ssh x --rename ssh y", "is renamed twice"),
        ("--path etc/hosts --rename hosts x", "a file is restored"),
        (
            "--path home --rename tom/docs/b.odt ann/c.txt --strip-components 1",
            "two objects would become ann/c.txt",
        ),
    ] {
        restored(&sandbox, options).fails_with(2).one_message().stderr_has(why);
        assert!(!sandbox.path("out").exists(), "{options}");
    }
    sandbox.sh("ls; ls -A .tmp").stdout_is("archive\nsrc\nstore");
}

#[test]
fn a_value_that_is_empty_meant_everything_or_nothing_in_silence_and_is_refused() {
    let sandbox = Sandbox::new();
    prepared(&sandbox);
    for (command, option) in [
        ("restore --path '' $U out", "--path"),
        ("restore --path etc --path '' $U out", "--path"),
        ("restore --path= $U out", "--path"),
        ("restore --seal-key '' $U out", "--seal-key"),
        ("restore --secret-key '' $U out", "--secret-key"),
        ("verify --path '' $U src", "--path"),
        ("backup --no-encryption --seal-key '' src $U", "--seal-key"),
        ("list --name '' $U", "--name"),
    ] {
        let run = sandbox.sh(&format!("unset key; U=file://$PWD/store; moo {command}"));
        run.fails_with(2).one_message().stderr_has(option);
        assert!(!sandbox.path("out").exists(), "{command}");
    }
    let alone = "moo-fetch --path '' file://$PWD/store";
    sandbox
        .sh(&format!("{alone} >/dev/null"))
        .fails_with(2)
        .one_message()
        .stderr_has("--path: empty");
}

#[test]
fn what_strip_components_leaves_out_is_not_deleted_and_nothing_left_is_an_error() {
    let sandbox = Sandbox::new();
    prepared(&sandbox);
    sandbox.sh("mkdir out && echo mine >out/mine && echo old >out/hosts").silent();
    let into = |options: &str| {
        let moo = "moo restore --archive-dir . --name archive";
        sandbox.sh(&format!("{moo} {options} file://$PWD/store out"))
    };
    for (options, why) in [
        ("--strip-components 9 --delete", "nothing is left to restore"),
        ("--strip-components 9 --merge", "nothing is left to restore"),
        ("--path etc --strip-components 1 --delete", "--delete would delete what is not restored"),
    ] {
        into(options).fails_with(2).one_message().stderr_has(why);
        sandbox.sh("cat out/mine out/hosts").stdout_is("mine\nold");
    }
    into("--path home --strip-components 1 --delete").silent();
    sandbox.sh("test ! -e out/mine -a -d out/docs").silent();
}

#[test]
fn a_rename_leads_out_of_the_destination_by_no_link() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    tree.file("file", b"mine");
    tree.symlink("link", "../victim");
    sandbox.sh("mkdir victim").silent();
    Moo::plain(&sandbox).backup("").silent();
    restored(&sandbox, "--rename file link/file").fails_with(2).one_message();
    restored(&sandbox, "--rename link/x y").fails_with(3);
    sandbox.sh("ls victim").silent();
}

#[test]
fn only_volumes_that_may_hold_something_wanted_are_read() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let tree = Tree::empty(sandbox.path("src"));
    for name in ["a/large", "c/large", "e/large"] {
        tree.noise(name, 4_300_000);
    }
    for name in ["b/one", "b/two", "d/three"] {
        tree.noise(name, 1000);
    }
    let moo = Moo::encrypted(&sandbox, &key).option("--volsize 1");
    moo.backup("").silent();
    let all = find_all(sandbox.path("store"), ".difftar").len();
    let read = |options: &str, name: &str| -> BTreeSet<String> {
        sandbox.sh("rm -rf out").silent();
        let command =
            format!("moo restore --archive-dir . --name {name} {options} file://$PWD/store out");
        volumes(&reads(&sandbox, &command)).into_iter().map(str::to_owned).collect()
    };
    for options in [
        "--path b/one --path d/three",
        "--include b/one --include d/three --exclude '**'",
        "--include 'b/o*' --include 'd/t*e' --exclude '**'",
    ] {
        let read_with = read(options, "archive");
        assert_eq!(read_with, read(options, "lost"));
        assert!(read_with.len() <= 3 && all > 12, "{read_with:?} of {all}: {options}");
        for name in ["b/one", "d/three"] {
            let same = fs::read(sandbox.path("out").join(name)).unwrap();
            assert_eq!(same, fs::read(tree.path(name)).unwrap());
        }
    }
    assert_eq!(read("--include '**one' --exclude '**'", "archive").len(), all);
}
