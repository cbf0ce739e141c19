//! Volumes changed at random, the same in every run: whatever they hold, no stage panics, and
//! nothing of it is written elsewhere or left.

use std::fs;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tests::damage::find;
use tests::{Sandbox, Snapshot, Tree, assert_same, scale};

use crate::forge::{FULL, INC, patch_header, put};
use crate::moo::{Moo, stored};

mod generated;
mod texts;

/// A runner of so many cases, the same ones each time.
fn runner(short: usize, long: usize) -> TestRunner {
    let cases = u32::try_from(scale(short, long)).unwrap();
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    eprintln!("{cases} cases");
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]))
}

/// Restores what is in the store: it is refused in one line, or succeeds; nothing lies about.
fn is_restored_or_refused(sandbox: &Sandbox) -> Result<String, TestCaseError> {
    let run = sandbox.sh("moo-fetch file://$PWD/store | moo-decrypt | moo-patch out; echo $?");
    let (status, err) = (run.out().trim().to_owned(), run.err());
    // A path that is no path for the system is refused by it; and who says that even the root is
    // deleted leaves nothing to restore.
    let is_known = ["0", "5", "1", "3"].contains(&status.as_str())
        || status == "10" && err.contains("moo-patch: .: not in the backup");
    prop_assert!(is_known, "status {}: {}", status, err);
    prop_assert!(!err.contains("panicked"), "{}", err);
    let lines = err.lines().filter(|line| !line.ends_with("skipped")).count();
    prop_assert!(lines == usize::from(status != "0"), "{}: {}", status, err);
    if status == "0" || status == "3" {
        let _ = sandbox.sh("chmod -R u+rwx out; rm -r out").status;
    }
    let left = sandbox.sh("ls -A | grep out").out();
    prop_assert_eq!(left, "outside\n");
    Ok(status)
}

/// Changes that keep a tar a tar, and those that don't.
#[derive(Clone, Debug)]
enum Change {
    Flip { volume: usize, at: prop::sample::Index, bit: u8 },
    Cut { volume: usize, at: prop::sample::Index },
    Repeat { volume: usize, at: prop::sample::Index, blocks: usize },
    Field { volume: usize, at: prop::sample::Index, field: usize, value: Vec<u8> },
    Rename { volume: usize, at: prop::sample::Index, name: String },
}

fn changes() -> impl Strategy<Value = Change> {
    let index = any::<prop::sample::Index>;
    let volume = || 0..2usize;
    let word = prop::sample::select(vec![
        "snapshot",
        "diff",
        "deleted",
        "multivol_diff",
        "multivol_snapshot",
        "signature",
        "x",
    ]);
    let path = prop::sample::select(vec![
        "",
        ".",
        "..",
        "a",
        "a/b",
        "link",
        "link/x",
        "large",
        "large/1",
        "folder/file",
        "1",
        "/etc",
    ]);
    prop_oneof![
        (volume(), index(), 0..8u8).prop_map(|(volume, at, bit)| Change::Flip { volume, at, bit }),
        (volume(), index()).prop_map(|(volume, at)| Change::Cut { volume, at }),
        (volume(), index(), 1..9usize).prop_map(|(volume, at, blocks)| Change::Repeat {
            volume,
            at,
            blocks
        }),
        (
            volume(),
            index(),
            prop::sample::select(vec![100, 124, 136, 156, 157, 265, 329]),
            prop::collection::vec(any::<u8>(), 1..12)
        )
            .prop_map(|(volume, at, field, value)| Change::Field {
                volume,
                at,
                field,
                value
            }),
        (volume(), index(), word, path).prop_map(|(volume, at, word, path)| {
            Change::Rename { volume, at, name: format!("{word}/{path}\0") }
        }),
    ]
}

/// The offsets of a tar's header blocks.
fn headers(tar: &[u8]) -> Vec<usize> {
    (0..tar.len() / 512)
        .map(|block| block * 512)
        .filter(|at| &tar[at + 257..at + 262] == b"ustar")
        .collect()
}

fn apply(volumes: &mut [Vec<u8>; 2], change: &Change) {
    match change {
        Change::Flip { volume, at, bit } => {
            let volume = &mut volumes[*volume];
            let at = at.index(volume.len());
            volume[at] ^= 1 << bit;
        }
        Change::Cut { volume, at } => {
            let length = at.index(volumes[*volume].len());
            volumes[*volume].truncate(length + 1);
        }
        Change::Repeat { volume, at, blocks } => {
            let volume = &mut volumes[*volume];
            let at = at.index(volume.len()) / 512 * 512;
            let end = volume.len().min(at + blocks * 512);
            let copy = volume[at..end].to_vec();
            volume.splice(at..at, copy);
        }
        Change::Field { volume, at, field, value } => {
            patch(&mut volumes[*volume], *at, *field, value);
        }
        Change::Rename { volume, at, name } => {
            patch(&mut volumes[*volume], *at, 0, name.as_bytes());
        }
    }
}

fn patch(volume: &mut [u8], at: prop::sample::Index, field: usize, value: &[u8]) {
    let headers = headers(volume);
    if !headers.is_empty() {
        patch_header(volume, headers[at.index(headers.len())], field, value);
    }
}

#[test]
fn whatever_is_changed_in_the_volumes_no_stage_panics_and_nothing_leaks() {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir outside && echo moo >outside/canary").silent();
    let tree = Tree::small(sandbox.path("src"));
    let moo = Moo::new(&sandbox, "--no-encryption --no-compression");
    moo.backup("").silent();
    tree.edit("folder/large", |content| content[100_000] ^= 1);
    tree.mtime("folder/large", 1_700_000_999, 0);
    tree.remove("link");
    moo.backup("").silent();
    let read = |part: &str| fs::read(find(sandbox.path("store"), part)).unwrap();
    let times = stored(&sandbox);
    let volumes =
        [read(&format!("full.{}.vol1", times[0])), read(&format!("to.{}.vol1", times[1]))];
    sandbox.sh("rm -r store archive src").silent();
    let before = Snapshot::of(sandbox.path("outside"));
    let mut runner = runner(120, 20_000);
    let strategy = prop::collection::vec(changes(), 1..4);
    let result = runner.run(&strategy, |changes| {
        let mut volumes = volumes.clone();
        changes.iter().for_each(|change| apply(&mut volumes, change));
        put(&sandbox, FULL, &volumes[..1]);
        put(&sandbox, INC, &volumes[1..]);
        is_restored_or_refused(&sandbox).map(drop)
    });
    result.unwrap();
    assert_same(&before, &Snapshot::of(sandbox.path("outside")));
    sandbox.sh("ls -A .tmp").silent();
}
