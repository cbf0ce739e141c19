//! `moo list`: the entries of a state are those of the source.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use serde_json::Value;
use tests::{Duplicity, Run, Sandbox, Tree};

use super::{list, objects, paths, text};
use crate::moo::{Moo, stored};

/// The paths of a tree, `.` for its root; sockets are never stored.
fn found(sandbox: &Sandbox) -> Vec<Vec<u8>> {
    let run = sandbox.sh("find src ! -type s -printf '%P\\0'").succeeds();
    let mut found: Vec<_> = run.stdout.split(|&b| b == 0).map(<[u8]>::to_vec).collect();
    found.pop();
    found[0] = b".".to_vec();
    found.sort();
    found
}

fn sorted(mut paths: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    paths.sort();
    paths
}

#[test]
fn each_state_lists_exactly_what_the_source_had_in_exact_bytes() {
    let sandbox = Sandbox::new();
    let tree = Tree::every_kind(sandbox.path("src"));
    let moo = Moo::plain(&sandbox);
    let mut states = Vec::new();
    for day in 0..3 {
        if day > 0 {
            tree.day(day);
        }
        states.push(found(&sandbox));
        moo.backup("").silent();
    }
    let times = stored(&sandbox);
    for (time, state) in times.iter().zip(&states) {
        let listed = list(&sandbox, "archive", &format!("-0 --time {time}"), "").succeeds();
        assert_eq!(sorted(paths(&listed)), *state, "{time}");
    }
    let objects = objects(&list(&sandbox, "archive", "--json", "").succeeds());
    let (table, count) = (list(&sandbox, "archive", "", "").succeeds().out(), objects.len());
    assert_eq!((table.lines().count(), states[2].len()), (count, count));
    let objects: BTreeMap<_, _> =
        objects.into_iter().map(|object| (text(&object["path"]), object)).collect();
    for path in &states[2] {
        let object = &objects[&archive::escape(path)];
        check(object, &tree.root().join(Path::new(OsStr::from_bytes(path))));
    }
    println!("{} states, {count} entries in the last", states.len());
}

/// An object says what the system does.
fn check(object: &Value, path: &Path) {
    let stat = fs::symlink_metadata(path).unwrap();
    let kind = stat.file_type();
    let word = match () {
        () if kind.is_dir() => "directory",
        () if kind.is_symlink() => "symlink",
        () if kind.is_fifo() => "fifo",
        () if kind.is_char_device() => "character device",
        () if kind.is_block_device() => "block device",
        () => "file",
    };
    assert_eq!(object["type"], word, "{object}");
    assert_eq!(object["mode"], format!("{:04o}", stat.mode() & 0o7777), "{object}");
    assert_eq!((&object["uid"], &object["gid"]), (&stat.uid().into(), &stat.gid().into()));
    let size = if kind.is_file() { stat.size().into() } else { Value::Null };
    assert_eq!(object["size"], size, "{object}");
    let mtime = text(&object["mtime"]);
    let nanos = mtime.trim_end_matches('Z').split_once('.').map_or("0", |(_, nanos)| nanos);
    assert_eq!(format!("{nanos:0<9}"), format!("{:09}", stat.mtime_nsec()), "{object}");
    if kind.is_symlink() {
        let target = fs::read_link(path).unwrap();
        assert_eq!(object["target"], archive::escape(target.as_os_str().as_bytes()), "{object}");
    }
}

#[test]
fn the_table_has_what_tar_tells() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    tree.file("a file ", b"12345");
    tree.mode("a file ", 0o4750);
    tree.symlink("link", "a file ");
    tree.fifo("pipe");
    for name in ["a file ", "link", "pipe", ""] {
        tree.mtime(name, 1_700_000_000, 0);
    }
    Moo::plain(&sandbox).backup("").silent();
    let ours = list(&sandbox, "archive", "", "").succeeds().out();
    let tar =
        sandbox.sh("tar c --format=gnu --sort=name -C src . | tar tv --full-time").succeeds().out();
    let plain = |line: &str| {
        let line =
            line.replace(" ./", " ").replacen(" 0 2", " - 2", usize::from(!line.starts_with('-')));
        line.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    };
    let tar: Vec<_> = tar.lines().map(plain).collect();
    let ours: Vec<_> = ours.lines().map(|line| plain(&line.replace(" .", " "))).collect();
    assert_eq!(ours, tar);
}

#[test]
fn what_duplicity_has_stored_is_listed_without_the_sizes_that_it_does_not_keep() {
    let sandbox = Sandbox::new();
    Tree::every_kind(sandbox.path("src"));
    sandbox.remove("src/modes");
    Duplicity::old(&sandbox).plain().full("src").succeeds();
    let state = found(&sandbox);
    assert_eq!(sorted(paths(&list(&sandbox, "archive", "-0", "").succeeds())), state);
    let listed = objects(&list(&sandbox, "archive", "--json", "").succeeds());
    assert!(listed.iter().all(|object| object["size"] == Value::Null));
    let lines = list(&sandbox, "archive", "", "sizes/65537").succeeds().out();
    assert!(lines.contains(" - 2") && lines.ends_with(" sizes/65537\n"), "{lines}");
}

#[test]
fn a_path_is_one_of_the_source_and_stands_for_all_that_is_below_it() {
    let sandbox = Sandbox::new();
    let tree = Tree::small(sandbox.path("src"));
    tree.noise("a-b", 10);
    tree.noise("a/z", 10);
    tree.noise("file://x/y", 10);
    Moo::plain(&sandbox).backup("").silent();
    let of = |words: &str| {
        let run = list(&sandbox, "archive", "-0", words).succeeds();
        String::from_utf8(paths(&run).join(&b' ')).unwrap()
    };
    assert_eq!(of("a"), "a a/z");
    assert_eq!(of("a-b ./folder/"), "a-b folder folder/large folder/other");
    assert_eq!(of("/folder/large link"), "folder/large link");
    assert_eq!(of("file://x"), "file:/x file:/x/y");
    let one =
        list(&sandbox, "archive", "-0", "link nothing folder/nix").fails_with(10).one_message();
    one.stderr_has("moo list: nothing, folder/nix: not in the backup of ").stdout_is("link\0");
    list(&sandbox, "archive", "", "../src").fails_with(2).one_message();
}

#[test]
fn a_time_before_the_first_backup_and_an_archive_without_any_have_nothing_to_list() {
    let sandbox = Sandbox::new();
    Tree::small(sandbox.path("src"));
    Moo::plain(&sandbox).backup("").silent();
    list(&sandbox, "archive", "--time 1D", "").fails_with(10).one_message();
    list(&sandbox, "archive", "--changes 1D now", "").fails_with(10).one_message();
    list(&sandbox, "archive", "--versions nothing", "").fails_with(10).one_message();
    sandbox.sh("mkdir none; moo-list --archive none").fails_with(10).one_message();
    sandbox.sh("moo-list --archive nowhere").fails_with(1).one_message();
    sandbox.sh("moo-list --archive archive | head -n 1").succeeds().stderr_is("");
}

#[test]
fn a_damaged_archive_is_told_and_not_believed() {
    let sandbox = Sandbox::new();
    two_sets(&sandbox);
    for damage in ["truncate -s 100", "truncate -s 0", "cp /bin/true"] {
        sandbox.sh("rm -rf copy; cp -R archive copy").silent();
        sandbox.sh(&format!("{damage} copy/*.to.*.sigtar.gz")).silent();
        for options in ["", "--json", "--changes 0D now", "--versions much"] {
            let run = list(&sandbox, "copy", options, "");
            assert_eq!(run.status, 5, "{damage} {options}: {}{}", run.out(), run.err());
            run.one_message();
        }
    }
}

/// Two sets.
fn two_sets(sandbox: &Sandbox) {
    let tree = Tree::small(sandbox.path("src"));
    let moo = Moo::plain(sandbox);
    moo.backup("").silent();
    tree.noise("much", 3000);
    moo.backup("").silent();
}

/// What a listing shows on a terminal.
fn on_terminal(sandbox: &Sandbox, command: &str) -> Run {
    sandbox.sh(&format!("script -qec '{command}' log"))
}

#[test]
fn no_name_commands_the_terminal() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    let names: [&[u8]; 4] =
        [b"\x1b]0;moo\x07", "\u{9b}2J".as_bytes(), "\u{202e}txt".as_bytes(), b"\x9b\xff\r"];
    for name in names {
        tree.file(OsStr::from_bytes(name), b"");
        tree.symlink(OsStr::from_bytes(&[b"to", name].concat()), OsStr::from_bytes(name));
    }
    Moo::plain(&sandbox).backup("").silent();
    for options in ["", "--json", "--changes 0D now", "--versions \"$(printf \"\\233\\377\\r\")\""]
    {
        let run =
            on_terminal(&sandbox, &format!("moo-list --archive archive {options}")).succeeds();
        let shown = run.out();
        let bad = |c: char| c.is_control() && !matches!(c, '\n' | '\r') || c == '\u{202e}';
        assert!(!shown.contains(bad) && std::str::from_utf8(&run.stdout).is_ok(), "{shown:?}");
    }
    let raw = on_terminal(&sandbox, "moo-list --archive archive --null").fails_with(2);
    raw.stdout_has("moo-list: standard output: is a terminal");
}
