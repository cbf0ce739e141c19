//! Restores: which state, what of it, where to, and what becomes of what only root can give back.

use std::fs;

use tests::damage::{find_all, remove};
use tests::{Key, Run, Sandbox, Snapshot, Tree, assert_same};

use crate::moo::{Moo, stored};

/// The times that the sets of [`dated`] get.
const DATES: [&str; 3] = ["20200101T000000Z", "20200615T120000Z", "20210101T000000Z"];

/// A plain store whose sets are of those times; the file `state` has their numbers.
fn dated(sandbox: &Sandbox) {
    let tree = Tree::empty(sandbox.path("src"));
    let moo = Moo::plain(sandbox);
    for number in ["1", "2", "3"] {
        tree.file("state", number.as_bytes());
        tree.mtime("state", 1_700_000_000 + number.parse::<i64>().unwrap(), 0);
        moo.backup("").silent();
    }
    let times = stored(sandbox);
    for file in find_all(sandbox.path("store"), "") {
        let name = file.file_name().unwrap().to_str().unwrap();
        if name.ends_with(".seal") {
            remove(&file);
            continue;
        }
        let dates = times.iter().zip(DATES);
        let new = dates.fold(name.to_owned(), |name, (old, new)| name.replace(old, new));
        fs::rename(&file, file.with_file_name(new)).unwrap();
    }
}

fn at(sandbox: &Sandbox, time: &str) -> Run {
    sandbox.sh(&format!(
        "moo restore --archive-dir . --name lost --time '{time}' file://$PWD/store out"
    ))
}

#[test]
fn a_time_is_told_in_any_of_duplicitys_ways() {
    let sandbox = Sandbox::new();
    dated(&sandbox);
    let now = sandbox.sh("date +%s").succeeds().out().trim().parse::<i64>().unwrap();
    let days_since_august_2020 = (now - 1_596_240_000) / 86_400;
    let spans =
        [(format!("{days_since_august_2020}D"), "2"), (format!("{}s", now - 1_580_000_000), "1")];
    let fixed = [
        ("20200101T000000Z", "1"),
        ("2020-01-01", "1"),
        ("2020-06-15", "1"),
        ("2020-06-16", "2"),
        ("2020/06/16", "2"),
        ("06/16/2020", "2"),
        ("06-16-2020", "2"),
        ("2020-06-15T11:59:59Z", "1"),
        ("2020-06-15T12:00:00Z", "2"),
        ("2020-06-15T12:00:00", "2"),
        ("2020-06-15T13:59:59+02:00", "1"),
        ("2020-06-15T14:00:00+02:00", "2"),
        ("2020-06-15T07:00:00-05:00", "2"),
        ("1592222399", "1"),
        ("1592222400", "2"),
        ("now", "3"),
        ("5s", "3"),
        ("1h30m", "3"),
        ("3D", "3"),
        ("2W1M", "3"),
    ];
    let fixed = fixed.map(|(time, state)| (time.to_owned(), state));
    for (time, state) in fixed.into_iter().chain(spans) {
        at(&sandbox, &time).silent();
        let found = fs::read_to_string(sandbox.path("out/state")).unwrap();
        assert_eq!(found, state, "--time {time}");
        sandbox.remove("out");
    }
}

#[test]
fn a_time_before_the_first_set_is_an_error_and_not_the_first_set() {
    let sandbox = Sandbox::new();
    dated(&sandbox);
    for time in ["2019-12-31", "20191231T235959Z", "50Y", "0"] {
        let run = at(&sandbox, time).fails_with(10).one_message();
        run.stderr_has("the first one is of 20200101T000000Z").stderr_has("moo restore: file://");
    }
    sandbox.sh("ls -A | grep out").fails_with(1);
}

#[test]
fn what_is_no_time_is_wrong_usage() {
    let sandbox = Sandbox::new();
    dated(&sandbox);
    for time in ["", "yesterday", "2020-13-01", "5x", "2020-06-15T25:00:00Z", "-3D", "D"] {
        at(&sandbox, time).fails_with(2).one_message().stderr_has("--time");
    }
}

#[test]
fn an_empty_or_missing_store_is_no_backup() {
    let sandbox = Sandbox::new();
    sandbox.sh("moo restore file://$PWD/store out").fails_with(10).one_message();
    sandbox.sh("mkdir store; moo restore file://$PWD/store out").fails_with(10).one_message();
    sandbox.sh("moo restore store out").fails_with(2).one_message().stderr_has("not a url");
    sandbox.sh("ls -A | grep out").fails_with(1);
}

/// Several volumes with an increment that touches one file.
fn in_volumes(sandbox: &Sandbox) -> Tree {
    let key = Key::open(sandbox, "Moo <moo@example.org>");
    let tree = Tree::empty(sandbox.path("src"));
    tree.noise("a first", 1000);
    tree.noise("b spans", 3_500_000);
    tree.noise("folder/changes", 300_000);
    tree.noise("folder/deep/file", 100_000);
    tree.symlink("folder/link", "changes");
    tree.noise("goes", 10);
    tree.noise("y large", 2_000_000);
    tree.noise("z last", 1000);
    let moo = Moo::encrypted(sandbox, &key).option("--volsize 1");
    moo.backup("full").silent();
    tree.edit("folder/changes", |content| content[9] ^= 1);
    tree.mtime("folder/changes", 1_700_000_999, 0);
    tree.remove("goes");
    moo.backup("inc").silent();
    tree
}

/// The numbers of the volumes of the full set that a fetch of that path sends.
fn fetched(sandbox: &Sandbox, path: &str) -> Vec<u32> {
    let fetch = format!("moo-fetch --path '{path}' --archive archive file://$PWD/store | tar t");
    let list = sandbox.sh(&fetch).succeeds().out();
    let chunks = list.lines().filter(|line| line.contains("-full."));
    let mut numbers: Vec<u32> = chunks
        .filter_map(|line| line.split(".vol").nth(1)?.split('.').next()?.parse().ok())
        .collect();
    numbers.dedup();
    numbers
}

#[test]
fn one_path_comes_back_with_the_archive_and_without() {
    let sandbox = Sandbox::new();
    let tree = in_volumes(&sandbox);
    for archive in ["archive", "lost"] {
        let moo = Moo::plain(&sandbox).archive(archive);
        for path in [
            "a first",
            "b spans",
            "z last",
            "folder",
            "folder/deep",
            "folder/changes",
            "folder/link",
            "folder/deep/file",
            ".",
            "/folder/deep/",
        ] {
            moo.restore(&format!("--path '{path}'")).silent();
            let expected = Snapshot::kept(tree.path(path.trim_matches('/')));
            assert_same(&expected, &Snapshot::kept(sandbox.path("out")));
            sandbox.sh("rm -r out").silent();
        }
        for absent in ["goes", "nothing", "folder/changes/below", "folder/link/x", "a", "z last/"] {
            let run = moo.restore(&format!("--path '{absent}'"));
            if absent == "z last/" {
                run.silent();
                sandbox.sh("rm out").silent();
                continue;
            }
            run.fails_with(10).one_message().stderr_has("not in the backup at that time");
        }
        let before = stored(&sandbox).remove(0);
        moo.restore(&format!("--path goes --time {before}")).silent();
        sandbox.sh("rm out").silent();
        moo.restore("--path ../x").fails_with(2).one_message();
        sandbox.sh("ls -A | grep out").fails_with(1);
    }
}

#[test]
fn a_path_whose_name_is_no_text_was_refused_and_comes_back() {
    let sandbox = Sandbox::new();
    let latin = "caf=$(printf 'caf\\351')";
    sandbox.sh(&format!("{latin}; mkdir src; echo x >src/$caf; echo y >src/other")).silent();
    Moo::plain(&sandbox).backup("").silent();
    let restore = "moo restore --archive-dir . --name archive --path $caf file://$PWD/store out";
    sandbox.sh(&format!("{latin}; {restore}; cmp out src/$caf")).silent();
}

#[test]
fn with_the_archive_only_the_volumes_that_a_path_needs_are_fetched() {
    let sandbox = Sandbox::new();
    in_volumes(&sandbox);
    let all = find_all(sandbox.path("store"), "-full.2").len() as u32 - 1;
    assert!(all >= 6, "{all} volumes");
    assert_eq!(fetched(&sandbox, "a first"), [1]);
    assert_eq!(fetched(&sandbox, "z last"), [all]);
    let spans = fetched(&sandbox, "b spans");
    assert!(spans.len() >= 3 && spans[0] == 1 && spans.len() < all as usize, "{spans:?}");
    assert!(fetched(&sandbox, "folder/deep").len() <= 2);
    assert_eq!(fetched(&sandbox, ".").len(), all as usize);
    let needless = find_all(sandbox.path("store"), "vol1.").remove(0);
    remove(needless);
    let moo = Moo::plain(&sandbox);
    moo.restore("--path 'z last'").silent();
    sandbox.sh("cmp 'src/z last' out && rm out").silent();
    moo.restore("--path 'a first'").fails_with(5).one_message().stderr_has("volume 1 of the full");
}

#[test]
fn a_directory_that_became_a_file_takes_what_was_in_it_along() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    tree.noise("turns/deep/file", 100);
    let moo = Moo::plain(&sandbox);
    moo.backup("").silent();
    tree.noise("turns", 100);
    moo.backup("").silent();
    moo.restore("--path turns/deep/file").fails_with(10).one_message();
    moo.restore("--path turns").silent();
    sandbox.sh("cmp src/turns out").silent();
}
