//! `moo find` and `moo diff`: all sets at once.

use std::collections::BTreeMap;
use std::fs;

use tests::{Key, Run, Sandbox, Tree};

use super::{list, objects, paths, text};
use crate::moo::{Moo, stored};

fn find(sandbox: &Sandbox, words: &str) -> Run {
    sandbox.sh(&format!("moo find --archive-dir . --name archive file://$PWD/store {words}"))
}

/// Two chains of every kind of object, and something that comes, goes and comes again.
fn chains(sandbox: &Sandbox) {
    let tree = Tree::every_kind(sandbox.path("src"));
    let moo = Moo::plain(sandbox);
    for day in 0..7 {
        if day > 0 {
            tree.day(day);
        }
        if matches!(day, 1 | 2 | 6) {
            tree.noise("comes/and/goes.sql", 100 + day as usize);
        } else if day > 0 {
            let _ = fs::remove_dir_all(tree.path("comes"));
        }
        moo.backup(if day == 4 { "full" } else { "" }).succeeds();
    }
}

#[test]
fn every_path_is_found_in_the_states_that_list_it() {
    let sandbox = Sandbox::new();
    chains(&sandbox);
    let times = stored(&sandbox);
    let mut expected = BTreeMap::<Vec<u8>, Vec<String>>::new();
    for time in &times {
        let run = list(&sandbox, "archive", &format!("--null --time {time}"), "").succeeds();
        for path in paths(&run) {
            expected.entry(path).or_default().push(time.clone());
        }
    }
    let found = objects(&find(&sandbox, "--json '**'").succeeds());
    let order = paths(&find(&sandbox, "-0 '**'").succeeds());
    assert_eq!((found.len(), order.len()), (expected.len(), expected.len()));
    for (object, path) in found.iter().zip(&order) {
        let states = &expected[path];
        assert_eq!(object["states"].as_u64(), Some(states.len() as u64), "{object}");
        assert_eq!(
            (text(&object["first"]), text(&object["last"])),
            (states[0].clone(), states[states.len() - 1].clone())
        );
        let within = |time: &String| {
            let rows = object["rows"].as_array().unwrap();
            rows.iter().any(|row| text(&row[0]) <= *time && *time <= text(&row[1]))
        };
        let rows: Vec<_> = times.iter().filter(|time| within(time)).cloned().collect();
        assert_eq!(rows, *states, "{object}");
    }
    // The entry is that of the newest state that has it.
    let newest = objects(&list(&sandbox, "archive", "--json", "").succeeds());
    let entry = |object: &serde_json::Value| object["entry"].clone();
    assert!(newest.iter().all(|wanted| found.iter().map(entry).any(|entry| entry == *wanted)));
}

#[test]
fn names_are_found_anywhere_and_paths_where_they_are() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    for name in ["a.sql", "d/a.sql", "d/e/a.sql", "d/e/A.SQL", "d/a.sqlite", "sql/b"] {
        tree.file(name, b"");
    }
    Moo::plain(&sandbox).backup("").silent();
    for (words, wanted) in [
        ("'*.sql'", "a.sql d/a.sql d/e/a.sql"),
        ("'ignorecase:*.SQL'", "a.sql d/a.sql d/e/A.SQL d/e/a.sql"),
        ("a.sql", "a.sql d/a.sql d/e/a.sql"),
        ("'d/*'", "d/a.sql d/a.sqlite d/e"),
        ("'d/*/'", "d/e"),
        ("'d/**.sql'", "d/a.sql d/e/a.sql"),
        ("./d/a.sql /d/e/a.sql", "d/a.sql d/e/a.sql"),
        ("d", "d"),
        ("'[ds]*' b", "d sql sql/b"),
    ] {
        let found = paths(&find(&sandbox, &format!("-0 {words}")).succeeds());
        let found: Vec<_> = found.iter().map(|path| String::from_utf8_lossy(path)).collect();
        assert_eq!(found.join(" "), wanted, "{words}");
    }
    let run = find(&sandbox, "'*.txt' nothing").fails_with(10).one_message();
    run.stderr_has("*.txt, nothing: in no backup");
    find(&sandbox, "").fails_with(2).one_message().stderr_has("a pattern is needed");
    find(&sandbox, "'[z-a]'").fails_with(2).one_message();
    let line = find(&sandbox, "d/a.sqlite").succeeds().out();
    assert!(line.contains("      1/1  -rw-r--r-- ") && line.ends_with(" d/a.sqlite\n"), "{line}");
}

#[test]
fn a_machine_without_the_archive_directory_finds_with_the_key() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let tree = Tree::small(sandbox.path("src"));
    let moo = Moo::encrypted(&sandbox, &key);
    moo.backup("").silent();
    tree.remove("a file");
    moo.backup("").silent();
    let here = find(&sandbox, "--json '*'").succeeds().out();
    sandbox.sh("mv archive away").silent();
    find(&sandbox, "--json '*'").succeeds().stdout_is(&here);
    assert!(!sandbox.path("archive").exists());
    sandbox.sh("ls -A .tmp").silent();
}

#[test]
fn a_diff_is_the_list_of_changes() {
    let sandbox = Sandbox::new();
    chains(&sandbox);
    let times = stored(&sandbox);
    let diff = |words: &str, paths: &str| {
        let call = "moo diff --archive-dir . --name archive";
        sandbox.sh(&format!("{call} {words} file://$PWD/store {} {} {paths}", times[1], times[5]))
    };
    let changes = format!("--changes {} {}", times[1], times[5]);
    for form in ["", "--json", "--null"] {
        let listed = list(&sandbox, "archive", &format!("{form} {changes}"), "").succeeds();
        assert!(!listed.stdout.is_empty());
        assert!(diff(form, "").succeeds().stdout == listed.stdout);
    }
    diff("", "comes").succeeds().stdout_is(
        "- directory            comes\n- directory            comes/and\n- file                 comes/and/goes.sql");
    diff("", "nothing").fails_with(10).one_message();
    let one = "moo diff --archive-dir . --name archive file://$PWD/store now";
    sandbox.sh(one).fails_with(2).one_message().stderr_has("TIME2");
}
