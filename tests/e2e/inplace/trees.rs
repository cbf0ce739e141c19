//! Any tree at the destination: a restore gives what one into an empty folder gives, and with `--merge` all
//! else stays.

use std::fs;
use std::path::{Path, PathBuf};

use tests::scale::scale;
use tests::{Sandbox, Snapshot, Tree, assert_same};

use super::{is_whole, restore};
use crate::moo::Moo;

/// Numbers that look random; the seed is printed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

/// All paths below a folder, without following links.
fn paths(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            all.extend(paths(&entry.path()));
        }
        all.push(entry.path());
    }
    all.sort();
    all
}

/// Does something to a tree.
fn disturb(root: &Path, random: &mut Random) {
    let all = paths(root);
    let Some(path) = all.get(random.below(all.len().max(1))) else { return };
    let other = &all[random.below(all.len())];
    let look = fs::symlink_metadata(path).unwrap();
    let path = path.to_str().map(|text| format!("'{text}'"));
    let other = other.to_str().map(|text| format!("'{text}'"));
    let (Some(path), Some(other)) = (path, other) else { return };
    let script = match random.below(12) {
        0 => format!("rm -rf {path}"),
        1 if !look.is_symlink() => {
            format!("chmod 0{}{}{} {path}", random.below(8), random.below(8), random.below(8))
        }
        2 => format!("touch -h {path}"),
        3 => format!("touch -h -r {other} {path}"),
        4 if look.is_file() => {
            format!("printf x | dd of={path} bs=1 seek={} conv=notrunc", random.below(70_000))
        }
        5 if look.is_file() => {
            format!("touch -r {path} t; tr a-y b-z <{path} >t; cat t >{path}; touch -r t {path}")
        }
        6 => format!("rm -rf {path}; mkdir {path}; echo more >{path}/more"),
        7 => format!("rm -rf {path}; ln -s nowhere {path}"),
        8 => format!("ln -f {other} {path}"),
        9 => format!("rm -rf {path}; cp -a {other} {path}"),
        10 => format!("rm -rf t; mv -T {path} t; mv -T {other} {path}; mv -T t {other}"),
        _ => format!("setfattr -h -n user.disturbed -v 1 {path}"),
    };
    let mut shell = std::process::Command::new("sh");
    let _ = shell.arg("-c").arg(script).current_dir(root.parent().unwrap()).output();
}

#[test]
fn a_restore_over_any_tree_gives_what_a_restore_into_an_empty_folder_gives() {
    let seed = std::env::var("MOO_TREES_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()) << 20 | 1);
    eprintln!("MOO_TREES_SEED={seed}");
    let mut random = Random(seed);
    let sandbox = Sandbox::new();
    let tree = Tree::every_kind(sandbox.path("src"));
    Moo::plain(&sandbox).option("--volsize 1").days(&tree, 4);
    for round in 0..scale(12, 300) {
        sandbox.sh(&format!("rm -rf out t; {}", restore(""))).succeeds();
        for _ in 0..random.below(30) {
            disturb(&sandbox.path("out"), &mut random);
        }
        let before = Snapshot::of(sandbox.path("out"));
        let run = sandbox.sh(&restore("--delete"));
        if run.status == 2 {
            run.stderr_has("is a symbolic link, and a directory in the backup");
            assert_same(&before, &Snapshot::of(sandbox.path("out")));
            continue;
        }
        run.succeeds();
        is_whole(&sandbox);
        eprintln!("round {round}");
    }
}

#[test]
fn what_the_backup_does_not_have_stays_beside_what_is_brought_into_line() {
    let sandbox = Sandbox::new();
    let tree = Tree::every_kind(sandbox.path("src"));
    Moo::plain(&sandbox).days(&tree, 1);
    sandbox.sh(&restore("")).succeeds();
    let own = "find out -type d -print0 >dirs &&
        xargs -0 -n 1 sh -c 'echo own >\"$1/zz own\"; mkdir \"$1/00 own\"' sh <dirs";
    sandbox.sh(own).silent();
    let before = Snapshot::kept(sandbox.path("out"));
    sandbox.sh(&restore("--merge")).succeeds();
    let own = |snapshot: &Snapshot| {
        let lines = snapshot.lines().into_iter();
        lines.filter(|line| line.contains("zz own") || line.contains("00 own")).collect::<Vec<_>>()
    };
    let after = Snapshot::kept(sandbox.path("out"));
    assert_eq!(own(&before), own(&after));
    sandbox.sh(&restore("--delete")).succeeds();
    is_whole(&sandbox);
    assert_same(&Snapshot::kept(sandbox.path("whole")), &Snapshot::kept(sandbox.path("out")));
}
