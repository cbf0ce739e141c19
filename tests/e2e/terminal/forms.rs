//! Forms without a line that is redrawn: for logs, for screen readers, and none.

use tests::Sandbox;

use super::kit::{Terminal, XTERM, seen};
use crate::signals::kit::{Background, hold, processes, sandbox, until};

const BACKUP: &str = "moo backup src file://$PWD/store";

fn held() -> Sandbox {
    let mut sandbox = sandbox();
    hold(&mut sandbox, "moo-sign", 2_300_000);
    sandbox
}

#[test]
fn a_dumb_terminal_and_progress_plain_get_whole_lines_without_control_characters() {
    let dumb = Terminal { name: "dumb", ..XTERM };
    for (terminal, option) in [(dumb, ""), (XTERM, "--progress=plain")] {
        let sandbox = held();
        let steps = "moo.expect(r'moo backup: backing up \\d entries, \\d.\\d MiB')\ngo()";
        let run = terminal.run(&sandbox, &format!("{BACKUP} {option}"), steps);
        run.succeeds().stdout_has("\nmoo backup: full set of ").stdout_has("status 0");
        let seen = String::from_utf8(seen(&sandbox)).unwrap().replace("\r\n", "\n");
        assert!(!seen.chars().any(|letter| letter.is_control() && letter != '\n'), "{seen:?}");
    }
}

#[test]
fn without_a_terminal_and_with_quiet_nothing_is_shown() {
    let sandbox = sandbox();
    sandbox.sh(BACKUP).silent();
    sandbox.sh("moo verify file://$PWD/store src && moo restore file://$PWD/store out").silent();
    for option in ["--quiet", "-q", "--progress=none", "-q --progress=json"] {
        XTERM.run(&sandbox, &format!("{BACKUP} {option}"), "").succeeds().stdout_is("status 0");
        assert_eq!(seen(&sandbox), b"", "{option}");
    }
}

#[test]
fn an_unknown_form_is_a_wrong_call() {
    let sandbox = sandbox();
    let run = sandbox.sh(&format!("{BACKUP} --progress=plane")).fails_with(2).one_message();
    run.stderr_has("did you mean plain?");
}

#[test]
fn sigusr1_prints_one_line_and_disturbs_nothing() {
    asked(&held(), BACKUP);
}

#[test]
fn sigusr1_reaches_the_backup_of_a_name() {
    let sandbox = held();
    let toml = "passphrase-file = \"@/passphrase\"\n[stores.main]\nurl = \"file://@/\"\n\
                [sources.store]\npath = \"@/src\"\n";
    let here = sandbox.path("").display().to_string();
    let toml = toml.replace('@', here.trim_end_matches('/'));
    std::fs::write(sandbox.path("moobacker.toml"), toml).unwrap();
    let ready = "echo moo >passphrase && chmod -R go+rwX . && chmod go-w moobacker.toml";
    sandbox.sh(ready).silent();
    // Root would need another user for the stages.
    let root = rustix::process::geteuid().is_root();
    let nobody = if root { "setpriv --reuid 65534 --regid 65534 --clear-groups" } else { "" };
    let other = "env -u PASSPHRASE HOME=$PWD/.home";
    asked(&sandbox, &format!("{nobody} {other} moo backup --config moobacker.toml store"));
}

/// SIGUSR1 to that command prints a line, and its set comes back.
fn asked(sandbox: &Sandbox, command: &str) {
    let run = Background::start(sandbox, command);
    let said = || std::fs::read_to_string(sandbox.path("said")).unwrap_or_default();
    // Before that nobody handles it.
    until("the stage", || processes(sandbox).iter().any(|words| words.contains(".held/moo-sign")));
    until("the line", || {
        sandbox.sh("kill -USR1 $(cat pid); sleep 0.5").succeeds();
        said().contains("moo backup: backing up")
    });
    std::fs::write(sandbox.path("go"), "").unwrap();
    let ended = run.end(sandbox, "0");
    assert_eq!(ended.status, 0);
    assert!(ended.said.iter().all(|line| line.starts_with("moo backup: ")), "{:?}", ended.said);
    sandbox.sh("moo restore file://$PWD/store out && diff -r src out").silent();
}
