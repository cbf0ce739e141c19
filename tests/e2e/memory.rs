//! How much memory each stage takes: less than 64 MiB, and no more for a larger tree.

mod hostile;
mod life;
mod peaks;
mod trees;

use std::fs;
use std::path::Path;
use std::thread;

use tests::damage::find_all;
use tests::{long, scale};

use crate::memory::life::{DEEDS, life};
use crate::memory::peaks::{BACKUP, Measured, Peaks, table};
use crate::memory::trees::Shape;

const GIB: u64 = 1 << 30;
/// What a tree with some more of everything is measured by.
const SMALL: Shape = Shape { files: 1000, sparse: GIB / 64, deep: 50 };
/// That tree.
const LARGE: Shape = Shape { files: 8000, sparse: GIB / 8, deep: 1500 };
/// Trees that are as large as trees are, in one way each.
const WHOLE: [Shape; 3] = [
    Shape { files: 200_000, sparse: GIB / 64, deep: 50 },
    Shape { files: 1000, sparse: 10 * GIB, deep: 50 },
    Shape { files: 1000, sparse: GIB / 64, deep: 20_000 },
];

/// By how much the peaks of a program differ from run to run, in KiB. What takes 64 MiB for
/// 200,000 files takes 2 MiB for 7,000; and 1,450 long paths take 5.5 MiB.
fn noise(program: &str) -> u64 {
    // These have threads, each with what it holds, and know of no files; moo-each waits for them, and their
    // peaks count as its own.
    match program {
        "moo-encrypt" | "moo-decrypt" | "moo-each" => 5 << 10,
        // It has 9 MiB or 11, for the same tree.
        "moo-commit" => 3 << 10,
        _ => 2 << 10,
    }
}

fn measure(shape: &Shape) -> Peaks {
    let peaks = life(shape);
    eprintln!("{}", table(&shape.name(), &peaks, &DEEDS));
    peaks
}

#[test]
fn no_stage_takes_64_mib_and_none_takes_more_for_a_larger_tree() {
    let small = measure(&SMALL);
    let large = measure(&LARGE);
    if long() {
        thread::scope(|scope| {
            WHOLE.iter().for_each(|shape| drop(scope.spawn(|| measure(shape))));
        });
    }
    if above(&small, &large).is_empty() {
        return;
    }
    // On a busy machine threads wait for each other with what they hold, or do not come to hold it. What grows
    // with the tree does so every time.
    let small = merged(small, &measure(&SMALL), u64::max);
    let large = merged(large, &measure(&LARGE), u64::min);
    let above = above(&small, &large);
    assert!(above.is_empty(), "more for a larger tree, twice: {above:?}");
}

/// What two measurements agree on.
fn merged(one: Peaks, other: &Peaks, choose: fn(u64, u64) -> u64) -> Peaks {
    let peak = |what: &_, peak: u64| choose(peak, other.get(what).copied().unwrap_or(peak));
    one.into_iter().map(|(what, one)| (what.clone(), peak(&what, one))).collect()
}

/// What takes more for the larger tree, in words.
fn above(small: &Peaks, large: &Peaks) -> Vec<String> {
    let grown = large.iter().filter_map(|(what, peak)| {
        let least = small.get(what).unwrap();
        let grows = *peak > least + noise(&what.0);
        grows.then(|| format!("{what:?}: {least} KiB, and {peak} KiB"))
    });
    grown.collect()
}

/// Puts so many copies of the only increment of an archive on one another.
fn multiply(archive: &Path, count: usize) {
    let time = |at: usize| format!("20200101T{:02}{:02}{:02}Z", at / 3600, at / 60 % 60, at % 60);
    for file in ["manifest", "sigtar.gz"].iter().flat_map(|end| find_all(archive, end)) {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let words: Vec<&str> = name.split('.').collect();
        let copy = |name: String| fs::copy(&file, archive.join(name)).unwrap();
        if words[2] != "to" {
            copy(name.replace(words[1], &time(0)));
        } else {
            for at in 0..count {
                let (base, next) = (time(at), time(at + 1));
                copy([&[words[0], &base, "to", &next], &words[4..]].concat().join("."));
            }
        }
        fs::remove_file(&file).unwrap();
    }
    find_all(archive, ".seal").iter().for_each(|seal| fs::remove_file(seal).unwrap());
}

#[test]
fn a_chain_of_hundreds_of_sets_took_more_than_64_mib_and_does_not() {
    let mut measured = Measured::new();
    let make =
        format!("mkdir src && date >src/a && {BACKUP} && sleep 1 && date -R >>src/a && {BACKUP}");
    measured.does("made", &make).silent();
    let count = scale(600, 700);
    multiply(&measured.sandbox.path("archive"), count);
    measured.does("list", "moo-list --archive archive >/dev/null").silent();
    let next = "date >>src/a && moo-scan --archive archive src | moo-sign |
        moo-delta --archive archive >next";
    measured.does("some", next).silent();
    measured.does("versions", "moo-list --archive archive --versions a >/dev/null").silent();
    let deeds = ["list", "some", "versions"];
    eprintln!("{}", table(&format!("{count} increments"), &measured.peaks, &deeds));
}
