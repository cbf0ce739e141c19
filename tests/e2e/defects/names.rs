//! Files beside those of a backup, with names that are much like theirs.

use std::fs;

use tests::damage::find_all;
use tests::{Sandbox, Snapshot, Tree, assert_same};

use super::restore;
use crate::interop::programs::{Moo, New, Old, Program, Who, sample};

/// A full set and an increment by one program.
fn two_sets(sandbox: &Sandbox, who: Who) -> Snapshot {
    let tree = Tree::small(sandbox.path("src"));
    let by = Program::new(sandbox, who, "--no-encryption");
    by.full("src");
    tree.noise("news", 1000);
    by.increment("src");
    Snapshot::by_stock(tree.root())
}

/// What somebody keeps beside each file of a store.
const SUFFIXES: [&str; 6] = ["sha256", "par2", "sig", "tmp", "bak", "vol0+1.par2"];

#[test]
fn hashes_and_signatures_beside_the_files_crashed_every_command_and_are_passed_over() {
    for who in sample(&[Moo, Old, New], 6) {
        let sandbox = Sandbox::new();
        let state = two_sets(&sandbox, who);
        for file in find_all(sandbox.path("store"), "duplicity-") {
            for suffix in SUFFIXES {
                fs::write(format!("{}.{suffix}", file.display()), "moo").unwrap();
            }
        }
        restore(&sandbox, "").silent();
        assert_same(&state, &Snapshot::by_stock(sandbox.path("out")));
        sandbox.remove("out");
        let moo = Program::new(&sandbox, Moo, "--no-encryption");
        sandbox.sh("echo more >src/more").silent();
        moo.moo("inc", "src").silent();
        moo.brings_back("now", &Snapshot::by_stock(sandbox.path("src")));
    }
}

#[test]
fn a_volume_in_two_wrappings_crashed_every_command_and_one_of_them_is_taken() {
    for who in sample(&[Moo, Old, New], 7) {
        let sandbox = Sandbox::new();
        let state = two_sets(&sandbox, who);
        for part in ["-full.", "-inc."] {
            let file = find_all(sandbox.path("store"), part);
            let file = file.iter().find(|file| file.to_string_lossy().contains("vol1")).unwrap();
            let unpack =
                format!("zcat {0} >{1}", file.display(), file.with_extension("").display());
            sandbox.sh(&unpack).silent();
        }
        let run = restore(&sandbox, "");
        // Both fit the name; the hash in the manifest tells which of them it is, or that neither
        // can be taken for it: a wrong one is not.
        if run.status == 0 {
            assert_same(&state, &Snapshot::by_stock(sandbox.path("out")));
        } else {
            run.fails_with(5).one_message();
        }
    }
}

#[test]
fn a_second_manifest_was_read_in_place_of_the_first_and_is_passed_over() {
    for who in sample(&[Moo, Old, New], 8) {
        let sandbox = Sandbox::new();
        let state = two_sets(&sandbox, who);
        for part in ["-full.", "-inc."] {
            let manifests = find_all(sandbox.path("store"), ".manifest");
            let of = |file: &&std::path::PathBuf| file.to_string_lossy().contains(part);
            let manifest = manifests.iter().find(of).unwrap();
            fs::write(format!("{}.sig", manifest.display()), "moo").unwrap();
            fs::write(format!("{}.zz", manifest.display()), "moo").unwrap();
        }
        restore(&sandbox, "").silent();
        assert_same(&state, &Snapshot::by_stock(sandbox.path("out")));
    }
}
