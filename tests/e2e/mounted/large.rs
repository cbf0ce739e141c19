//! A large file is read in the middle.

use std::fs;

use tests::damage::find_all;
use tests::{Sandbox, Tree};

use super::{ARCHIVE, Mounted};
use crate::moo::Moo;

/// Bytes of the file: some 30 volumes of the full set.
const SIZE: usize = 30 << 20;

#[test]
fn the_middle_of_a_large_file_needs_its_volumes_only_after_many_increments() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    tree.noise("large", SIZE);
    let moo = Moo::plain(&sandbox).option("--volsize 1");
    moo.backup("").silent();
    for day in 0..6 {
        // Bytes are added, removed and changed, so that all later content moves.
        tree.edit("large", |content| {
            let at = 1_000_000 + day * 3_000_000;
            content.splice(at..at + 100 * day, vec![day as u8; 5000]).for_each(drop);
            content[20_000_000] = day as u8;
        });
        moo.backup("").silent();
    }
    // Of the full set, the volumes of the middle stay.
    let full = find_all(sandbox.path("store"), "duplicity-full.");
    let volumes: Vec<_> =
        full.iter().filter(|path| path.to_string_lossy().contains(".vol")).collect();
    assert!(volumes.len() > 25, "{volumes:?}");
    let number = |path: &std::path::Path| -> usize {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.split(".vol").nth(1).unwrap().split('.').next().unwrap().parse().unwrap()
    };
    for path in volumes {
        if !(18..=24).contains(&number(path)) {
            fs::write(path, b"gone").unwrap();
        }
    }
    let Some(mounted) = Mounted::new(&sandbox, ARCHIVE) else { return };
    let part = |of: &str| format!("tail -c +20500001 {of} | head -c 1048576");
    let (source, state) = (part("src/large"), part("mnt/latest/large"));
    sandbox.sh(&format!("{source} >one && {state} >other && cmp one other")).silent();
    assert_eq!(mounted.said(), "");
    sandbox.sh("cat mnt/latest/large >/dev/null").fails();
}
