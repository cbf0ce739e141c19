//! Each program is found by its own name, and no other is.

// A test that can't go on should stop, loudly; its helpers too.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

use moobacker::{PROGRAMS, Program};

/// The exit status and both streams of a call by that name.
fn called(name: &str, words: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_moobacker"));
    let Output { status, stdout, stderr } = command.arg0(name).args(words).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[test]
fn every_program_of_the_workspace_is_there_by_the_name_of_its_folder() {
    let bins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bins");
    let bins = fs::read_dir(bins).unwrap().map(|bin| bin.unwrap().file_name());
    let name = |bin: &str| match bin {
        "duplicity" => "moobacker-duplicity".to_owned(),
        _ => format!("moo-{bin}"),
    };
    let mut expected: Vec<_> = bins.map(|bin| name(bin.to_str().unwrap())).collect();
    let mut names = PROGRAMS.each_ref().map(|program| program.name);
    expected.sort();
    names.sort_unstable();
    assert_eq!(names[..], expected);
    for name in names {
        let command = (Program::named(OsStr::new(name)).unwrap().command)();
        assert_eq!(command.get_name(), name);
        let version = match name {
            "moobacker-duplicity" => DUPLICITY.to_owned(),
            _ => format!("{name} {}\n", env!("CARGO_PKG_VERSION")),
        };
        for path in [name.to_owned(), format!("/usr/bin/{name}")] {
            assert_eq!(called(&path, &["--version"]), (0, version.clone(), String::new()));
        }
    }
}

/// The version of duplicity is all: its clients read it.
const DUPLICITY: &str = "duplicity 3.0.4\n";

#[test]
fn it_is_found_by_the_name_of_duplicity_too() {
    let expected = (0, DUPLICITY.to_owned(), String::new());
    assert_eq!(called("/usr/local/bin/duplicity", &["--version"]), expected);
}

#[test]
fn another_name_is_a_wrong_call_that_says_what_to_do() {
    for name in ["moobacker", "moo", "moo-scan.old", "./real-moo-scan", "moo-\u{1b}[2J", "", "/"] {
        for words in [&[][..], &["--version"], &["--list", "moo-scan"]] {
            let (status, out, err) = called(name, words);
            assert_eq!((status, &*out, err.lines().count()), (2, "", 1), "{name}: {err}");
            assert!(err.contains("--list prints") && !err.contains('\u{1b}'), "{name}: {err}");
        }
    }
    let (status, out, err) = called("moobacker", &["--list"]);
    assert_eq!((status, out.lines().count(), &*err), (0, PROGRAMS.len(), ""));
}
