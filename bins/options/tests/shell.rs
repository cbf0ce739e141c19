//! What the shell makes of the text for `eval`: each value comes back as it was given.

// A test that can't go on should stop, loudly; its helpers too.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::process::{Command, Output};

use proptest::collection::vec;
use proptest::prelude::*;

/// The text for a call.
fn read(words: &[&OsStr]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_moo-options")).args(words).output().unwrap()
}

/// What sh writes that evaluates the text for a call, and then runs a snippet. A stage writes its
/// words, each followed by NUL.
fn evaluated(words: &[&OsStr], snippet: &str) -> Vec<u8> {
    let text = read(words);
    assert!(text.status.success(), "{}", String::from_utf8_lossy(&text.stderr));
    let script = format!("stage() {{ printf '%s\\0' \"$@\"; }}; eval \"$1\"; {snippet}");
    let text = OsString::from_vec(text.stdout);
    let run = Command::new("sh").args(["-euc", &script, "sh"]).arg(text).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&run.stderr), "");
    run.stdout
}

fn words(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == 0).map(|word| &word[..word.len() - 1]).collect()
}

/// A word without NUL: any bytes, but more often those that a shell looks at. An option refuses an
/// empty one.
fn word() -> impl Strategy<Value = Vec<u8>> {
    let byte =
        prop_oneof![1..=255_u8, proptest::sample::select(b"'\"\\$`\n *-=#!~;&|<>()".to_vec())];
    vec(byte, 1..12)
}

proptest! {
    #[test]
    fn any_bytes_reach_the_stage_and_the_variables(
        globs in vec((any::<bool>(), word()), 0..6), source in word(), url in word(),
    ) {
        let globs: Vec<_> = globs
            .iter()
            .map(|(exclude, glob)| {
                let name: &[u8] = if *exclude { b"--exclude=" } else { b"--include=" };
                OsString::from_vec([name, glob].concat())
            })
            .collect();
        let mut call = vec![OsStr::new("backup")];
        call.extend(globs.iter().map(OsString::as_os_str));
        call.extend([OsStr::new("--"), OsStr::from_bytes(&source), OsStr::from_bytes(&url)]);
        let shown = evaluated(&call, "scan behind; printf '%s\\0' \"$source\" \"$url\"");
        let mut expected = vec![&b"moo-scan"[..]];
        expected.extend(globs.iter().map(|glob| glob.as_bytes()));
        expected.extend([&b"behind"[..], &source, &url]);
        prop_assert_eq!(words(&shown), expected);
    }
}

/// The words of a stage, after a call.
fn stage(call: &str, stage: &str) -> String {
    let call: Vec<_> = call.split(' ').map(OsStr::new).collect();
    let shown = evaluated(&call, stage);
    let words = words(&shown).into_iter().map(|word| String::from_utf8_lossy(word).into_owned());
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_stage_gets_its_own_options_and_no_others() {
    let call = "backup --exclude x --encrypt-key k --num-retries 3 --volsize 9 -v info a file:///b";
    let level = "--verbosity=info";
    assert_eq!(stage(call, "scan"), format!("moo-scan --exclude=x {level}"));
    assert_eq!(stage(call, "encrypt"), format!("moo-encrypt --encrypt-key=k {level}"));
    assert_eq!(stage(call, "pack"), format!("moo-pack --volsize=9 {level}"));
    assert_eq!(stage(call, "upload"), format!("moo-upload --num-retries=3 {level}"));
}

#[test]
fn an_old_key_of_rekey_goes_to_who_reads_and_a_new_one_to_who_writes() {
    let call = "rekey --seal-key new --old-seal-key old --new-passphrase-file p u v";
    assert_eq!(stage(call, "fetch"), "moo-fetch --seal-key=old");
    assert_eq!(stage(call, "decrypt"), "moo-decrypt --seal-key=old");
    assert_eq!(stage(call, "encrypt"), "moo-encrypt --seal-key=new --passphrase-file=p");
}

#[test]
fn duplicitys_ssh_options_are_options_of_ssh_each() {
    let call: Vec<_> = ["status", "--ssh-options", "-oPort=2222 -o User=purr", "-oX=y", "u"]
        .map(OsStr::new)
        .to_vec();
    let shown = evaluated(&call, "status");
    let options = ["--ssh-option=Port=2222", "--ssh-option=User=purr", "--ssh-option=X=y"];
    assert_eq!(words(&shown)[1..], options.map(str::as_bytes));
}

#[test]
fn the_last_of_two_values_counts() {
    assert_eq!(stage("prune --keep-full 2 --keep-full 3 u", "prune"), "moo-prune --keep-full=3");
}

#[test]
fn a_path_to_list_that_looks_like_an_option_is_a_path() {
    assert_eq!(stage("list u -- file:///x -r", "list"), "moo-list -- file:///x -r");
}

#[test]
fn help_ends_the_script_and_is_all_that_it_prints() {
    let shown = evaluated(&["restore", "--help"].map(OsStr::new), "echo not reached");
    let shown = String::from_utf8(shown).unwrap();
    assert!(shown.contains("Usage: moo restore"), "{shown}");
    assert!(!shown.contains("not reached"), "{shown}");
}

#[test]
fn a_wrong_call_is_one_line_and_no_text_for_the_shell() {
    for call in ["restore --mrege u d", "restore u", "verify --sample 5 u", "verify --exclude x u"]
    {
        let call: Vec<_> = call.split(' ').map(OsStr::new).collect();
        let run = read(&call);
        assert_eq!(run.status.code(), Some(2));
        assert_eq!(run.stdout, b"");
        assert_eq!(run.stderr.iter().filter(|byte| **byte == b'\n').count(), 1);
    }
    let run = read(&["restore", "--mrege", "u", "d"].map(OsStr::new));
    let said = String::from_utf8(run.stderr).unwrap();
    assert!(said.contains("did you mean --merge?"), "{said}");
}
