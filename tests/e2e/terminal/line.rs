//! The line that is redrawn, and the summary.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use tests::Sandbox;

use super::kit::{Terminal, XTERM, seen};
use crate::signals::kit::{hold, sandbox};

/// A backup that waits for the file `go` after 2 of 6 MiB.
fn held() -> Sandbox {
    let mut sandbox = sandbox();
    hold(&mut sandbox, "moo-sign", 2_300_000);
    sandbox
}

#[test]
fn a_backup_shows_how_far_it_is_and_at_the_end_what_was_stored() {
    let sandbox = held();
    let backup = "moo backup src file://$PWD/store";
    let run =
        XTERM.run(&sandbox, backup, "moo.expect(r'backing up \\d entries, [2-6].\\d MiB')\ngo()");
    let out = run.succeeds().out();
    let lines: Vec<_> = out.lines().collect();
    // Nothing of the progress line is left.
    assert!(lines[0].starts_with("moo backup: file://"), "{out}");
    assert!(lines[1].starts_with("moo backup: full set of 20"), "{out}");
    assert!(lines[1].ends_with(": 7 new, 0 changed, 0 deleted"), "{out}");
    assert!(lines[2].starts_with("moo backup: read 6.0 MiB, stored 6."), "{out}");
    assert!(lines[2].ends_with("/store"), "{out}");
    assert_eq!(lines[3..], ["status 0"], "{out}");
}

#[test]
fn the_totals_of_a_backup_are_those_of_the_last_one_and_it_is_never_done_before_it_is_stored() {
    let sandbox = held();
    sandbox.sh("touch go && moo backup src file://$PWD/store && rm go && touch src/*").silent();
    let steps =
        "moo.expect(r'backing up \\d of 7 entries, \\d.\\d MiB of 6.0 MiB \\(\\d\\d %\\)')\ngo()";
    let run = XTERM.run(&sandbox, "moo backup full src file://$PWD/store", steps);
    run.succeeds().stdout_has(": 7 new").stdout_has("status 0");
    assert!(!String::from_utf8_lossy(&seen(&sandbox)).contains("100 %"));
}

#[test]
fn commands_that_read_a_store_show_how_far_they_are() {
    let mut sandbox = sandbox();
    sandbox.sh("moo backup --volsize 1 src file://$PWD/store").silent();
    hold(&mut sandbox, "moo-decrypt", 2_300_000);
    for (command, shown, done) in [
        ("restore file://$PWD/store out", "restoring", "moo restore: restored to out: read 6."),
        ("verify file://$PWD/store", "verifying", "moo verify: found no damage: read 6."),
        ("verify file://$PWD/store src", "verifying", "moo verify: found no damage: read 6."),
    ] {
        let progress = format!("{shown} \\d of \\d+ files, [1-6].\\d MiB of 6.\\d MiB");
        let steps = format!("moo.expect(r'{progress}')\ngo()");
        let run = XTERM.run(&sandbox, &format!("moo {command}"), &steps);
        let out = run.succeeds().out();
        assert!(out.starts_with(done), "{command}: {out}");
        assert_eq!(out.lines().count(), 2, "{command}: {out}");
        fs::remove_file(sandbox.path("go")).unwrap();
    }
    sandbox.sh("diff -r src out").silent();
}

#[test]
fn commands_without_a_source_end_with_a_summary() {
    let sandbox = sandbox();
    sandbox.sh("for i in 1 2; do moo backup full src file://$PWD/store; done").silent();
    for (command, done) in [
        ("drill file://$PWD/store src", "restored files and found no damage: read "),
        ("verify --quick --sample 100 file://$PWD/store", "found no damage: read 12."),
        ("sync file://$PWD/store", "the archive directory is current: read 0 B"),
        ("replicate file://$PWD/store file://$PWD/copy", "copied 12."),
        ("consolidate file://$PWD/store", "full set of 20"),
        ("prune --keep-full 1 --force file://$PWD/store", "deleted "),
    ] {
        let name = command.split(' ').next().unwrap();
        let out = XTERM.run(&sandbox, &format!("moo {command}"), "").succeeds().out();
        assert!(out.starts_with(&format!("moo {name}: {done}")), "{command}: {out}");
        assert!(out.trim_end().ends_with("status 0"), "{command}: {out}");
    }
}

#[test]
fn a_message_of_a_stage_stands_on_a_line_of_its_own() {
    let sandbox = held();
    sandbox.sh("ls src >list && echo zzz >>list").silent();
    let backup = "moo backup --files-from list src file://$PWD/store";
    let run = XTERM.run(&sandbox, backup, "moo.expect('backing up')\ngo()");
    let out = run.succeeds().out();
    assert!(out.contains("\nmoo backup: src/zzz: is listed, but does not exist\n"), "{out}");
    assert!(!out.contains("backing up"), "{out}");
}

#[test]
fn a_name_neither_commands_the_terminal_nor_is_longer_than_its_line() {
    let sandbox = held();
    let evil = [&b"\x1b[2J\xff\xe7\x8c\xab"[..], &b"long".repeat(50)].concat();
    sandbox.sh("rm src/*; touch src").silent();
    fs::write(sandbox.path("src").join(OsStr::from_bytes(&evil)), vec![7; 6 << 20]).unwrap();
    let narrow = Terminal { columns: 60, ..XTERM };
    let steps = "moo.expect_exact('\\\\x1b[2J\\\\xff猫'.encode())\ngo()";
    narrow.run(&sandbox, "moo backup src file://$PWD/store", steps).succeeds();
    let seen = String::from_utf8(seen(&sandbox)).unwrap();
    assert!(!seen.contains("\x1b[2J"), "{seen:?}");
    let drawn = seen.split(['\r', '\n']).filter(|line| line.starts_with("backing up"));
    for line in drawn {
        let shown = line.replace("\x1b[K", "");
        // The cat takes two columns.
        let columns = shown.chars().count() + shown.matches('猫').count();
        assert!(columns < 60, "{columns}: {shown}");
    }
}

#[test]
fn ctrl_c_leaves_one_line_that_says_what_stands_and_the_next_run_resumes() {
    let mut sandbox = sandbox();
    hold(&mut sandbox, "moo-upload", 2_300_000);
    let backup = "moo backup --volsize 1 src file://$PWD/store";
    let stored = "until = time.time() + 60
while len([name for name in (os.listdir('store') if os.path.exists('store') else []) if 'vol2' in name]) == 0:
    assert time.time() < until
    time.sleep(0.05)
moo.expect('storing the rest|backing up')
moo.sendintr()";
    let out = XTERM.run(&sandbox, backup, stored).succeeds().out();
    let lines: Vec<_> = out.lines().rev().collect();
    assert_eq!(lines[0], "status 130", "{out}");
    let stands = "moo backup: interrupted; the next run resumes after volume ";
    assert!(lines[1].starts_with(stands), "{out}");
    let run = XTERM.run(&sandbox, &format!("{backup} -v info"), "go()");
    run.stdout_has("resuming after volume ").stdout_has("status 0");
    sandbox.sh("moo restore file://$PWD/store out && diff -r src out").silent();
}

#[test]
fn a_backup_that_is_interrupted_before_a_volume_has_arrived_says_that_nothing_was_stored() {
    let mut sandbox = sandbox();
    hold(&mut sandbox, "moo-upload", 600_000);
    let run = crate::signals::kit::Background::start(&sandbox, "moo backup src file://$PWD/store");
    crate::signals::kit::until("the start", || run.note(&sandbox) == "0");
    let line = "moo backup: interrupted; nothing was stored; the next run starts anew";
    assert_eq!(run.end(&sandbox, "TERM").said, [line]);
}
