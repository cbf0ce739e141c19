//! The snapshot goes, whatever happens to the backup.

use std::fs;

use tests::Sandbox;

use super::{BACKUP, Disk};
use crate::signals::kit::{Background, hold, processes, until};

/// A disk with a source of 8 MiB, and a backup of it that stops in the middle of reading.
fn held() -> Option<Disk> {
    let mut disk = Disk::new()?;
    disk.0.sh("head -c 8M /dev/urandom >disk/src/big && echo z >disk/src/z").silent();
    hold(&mut disk.0, "moo-sign", 3_000_000);
    Some(disk)
}

fn reads(sandbox: &Sandbox) -> bool {
    processes(sandbox).iter().any(|words| words.starts_with("moo-scan --read-from="))
}

fn start(disk: &Disk) -> Background {
    let run = Background::start(&disk.0, BACKUP);
    until("the reader", || reads(&disk.0));
    assert!(!disk.has_no_snapshot());
    run
}

/// Nothing of the run is left, and the next one stores all.
#[track_caller]
fn is_over(disk: &Disk, what: &str) {
    until(what, || disk.has_no_snapshot() && processes(&disk.0).is_empty());
    next_run_works(disk);
}

#[track_caller]
fn next_run_works(disk: &Disk) {
    fs::write(disk.0.path("go"), "").unwrap();
    disk.0.sh(BACKUP).silent();
    assert!(disk.has_no_snapshot());
    disk.0
        .sh("moo restore file://$PWD/store out && cmp out/big disk/src/big && cmp out/z disk/src/z")
        .silent();
}

#[test]
fn a_signal_that_ends_the_backup_deletes_the_snapshot() {
    for (signal, status) in [("TERM", 143), ("INT", 130), ("HUP", 129)] {
        let Some(disk) = held() else { return };
        let ended = start(&disk).end(&disk.0, signal);
        assert!(disk.has_no_snapshot(), "{signal}");
        assert_eq!(ended.status, status, "{:?}", ended.said);
        assert_eq!(ended.said.len(), 1, "{:?}", ended.said);
        is_over(&disk, signal);
    }
}

#[test]
fn the_snapshot_of_a_backup_that_is_killed_is_deleted_by_its_keeper() {
    let Some(disk) = held() else { return };
    assert_eq!(start(&disk).end(&disk.0, "KILL").status, 137);
    is_over(&disk, "KILL");
}

#[test]
fn the_snapshot_that_nobody_was_left_to_delete_goes_with_the_next_run_and_nothing_else_does() {
    let Some(disk) = held() else { return };
    let run = start(&disk);
    // All at once: stopped first, none sees the end of another.
    let ours = disk.0.path("").display().to_string();
    let all = format!(
        "cd /proc && for pid in [0-9]*; do
            grep -qs 'HOME={}' $pid/environ && grep -qsa moo $pid/cmdline && ! grep -qsa said $pid/cmdline && list=\"$list $pid\"
        done; kill -STOP $list; kill -KILL $list; true",
        ours.trim_end_matches('/')
    );
    drop(disk.0.command(&all).env("HOME", "/").output().unwrap());
    drop(run.end(&disk.0, "KILL"));
    until("their end", || processes(&disk.0).is_empty());
    let left = disk.subvolumes();
    assert_eq!(left.len(), 2, "{left:?}");
    let strangers = ["moobacker-0123456789abcdefg", "moobacker-mine", "mine"];
    for name in strangers {
        disk.0
            .sh(&format!("btrfs subvolume create disk/src/.moobacker-snapshots/{name} >made"))
            .silent();
    }
    fs::write(disk.0.path("go"), "").unwrap();
    drop(disk.0.sh(BACKUP).succeeds());
    let mut now = disk.subvolumes();
    now.sort_unstable();
    let mut wanted = vec!["src".to_owned()];
    wanted.extend(strangers.map(|name| format!("src/.moobacker-snapshots/{name}")));
    wanted.sort_unstable();
    assert_eq!(now, wanted);
}

#[test]
fn the_snapshot_of_a_run_that_goes_on_stays() {
    let Some(disk) = held() else { return };
    let run = start(&disk);
    let other = BACKUP.replace("archive ", "other ").replace("/store", "/second");
    fs::create_dir(disk.0.path("second")).unwrap();
    let before = disk.subvolumes();
    drop(disk.0.sh(&format!("PATH=${{PATH#*:}} {other}")).succeeds());
    assert_eq!(disk.subvolumes(), before);
    fs::write(disk.0.path("go"), "").unwrap();
    assert_eq!(run.end(&disk.0, "CONT").status, 0);
    assert!(disk.has_no_snapshot());
    disk.0.sh("moo restore file://$PWD/store out && cmp out/big disk/src/big").silent();
}

#[test]
fn a_stage_that_fails_leaves_no_snapshot() {
    for (stage, script) in [
        ("moo-upload", "exit 9"),
        ("moo-scan", "kill -9 $$"),
        ("moo-pack", "head -c 9 >/dev/null; exit 4"),
    ] {
        let Some(mut disk) = Disk::new() else { return };
        disk.0.sh("head -c 2M /dev/urandom >disk/src/f").silent();
        hold(&mut disk.0, stage, 0);
        fs::write(disk.0.path(format!(".held/{stage}")), format!("#!/bin/sh\n{script}\n")).unwrap();
        drop(disk.0.sh(BACKUP).fails());
        assert!(disk.has_no_snapshot(), "{stage}");
    }
}

#[test]
fn a_signal_to_the_program_alone_deletes_the_snapshot_after_what_it_runs() {
    let Some(disk) = Disk::new() else { return };
    let run =
        Background::start(&disk.0, "moo-snapshot btrfs disk/src sh -c \"sleep 60 & wait; :\"");
    until("the snapshot", || !disk.has_no_snapshot());
    let ended = run.end(&disk.0, "TERM");
    assert_eq!((ended.status, ended.said), (143, vec![]));
    assert!(disk.has_no_snapshot());
    disk.0.sh("moo-snapshot btrfs disk/src sh -c 'exit 7'").fails_with(7).stderr_is("");
    assert!(disk.has_no_snapshot());
}
