//! The shells complete `moo` and the programs from the files that `moobacker --completions` writes.

// A test that can't go on should stop, loudly; its helpers too.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::process::Command;

use tempfile::TempDir;

/// The folder with all files.
fn share() -> TempDir {
    let share = tempfile::tempdir().unwrap();
    moobacker::completions::write(share.path()).unwrap();
    share
}

/// What a shell prints on both streams.
fn says(shell: &str, arguments: &[&str], share: &TempDir) -> String {
    let mut command = Command::new(shell);
    command.args(arguments).current_dir(share.path()).env("HOME", share.path());
    let output = command.output().unwrap_or_else(|error| panic!("{shell}: {error}"));
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

/// Sources the file of a command's completions, and calls its function as readline does for the words.
const COMPLETE: &str = r#"
    source "bash-completion/completions/$1" && COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    function=$(complete -p "$1" | sed 's/.* -F \([^ ]*\) .*/\1/')
    $function "$1" "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
    echo "${COMPREPLY[*]}""#;

#[test]
fn bash_completes_commands_and_options() {
    let share = share();
    for (words, completed) in [
        ("moo back", "backup\n"),
        ("moo rec", "recovery-kit\n"),
        ("moo key", "keygen\n"),
        ("moo conf", "config\n"),
        ("moo prune", "prune prune-remote\n"),
        ("moo backup --encr", "--encrypt-key\n"),
        ("moo keygen --sign", "--sign-only\n"),
        ("moo doctor --max", "--max-age\n"),
        ("moo-scan --exclude-if", "--exclude-if-present\n"),
        ("moo-upload --bw", "--bwlimit\n"),
    ] {
        let words: Vec<_> = words.split(' ').collect();
        let arguments = [&["--norc", "-c", COMPLETE, "bash"], &words[..]].concat();
        assert_eq!(says("bash", &arguments, &share), completed, "{words:?}");
    }
}

#[test]
fn fish_completes_commands_and_options() {
    let share = share();
    for (words, completed) in [("moo back", "backup\t"), ("moo backup --encr", "--encrypt-key\t")] {
        let script = format!("source fish/vendor_completions.d/moo.fish; complete -C '{words}'");
        let said = says("fish", &["--no-config", "-c", &script], &share);
        assert!(said.starts_with(completed), "{words}: {said}");
    }
}

#[test]
fn every_program_has_a_file_that_each_shell_can_parse() {
    let share = share();
    for (shell, folder) in [
        ("bash", "bash-completion/completions"),
        ("zsh", "zsh/site-functions"),
        ("fish", "fish/vendor_completions.d"),
    ] {
        let files: Vec<_> = fs::read_dir(share.path().join(folder)).unwrap().collect();
        assert_eq!(files.len(), moobacker::PROGRAMS.len() + 1, "{folder}");
        for file in files {
            let path = file.unwrap().path();
            assert_eq!(says(shell, &["-n", path.to_str().unwrap()], &share), "", "{path:?}");
        }
    }
}
