//! What is fetched and written if a part of the destination differs.

use std::fs;

use tests::damage::{find_all, flip, remove};
use tests::peers::Duplicity;
use tests::{Sandbox, Snapshot, Tree, assert_same};

use super::{all_volumes, fetched, inodes, is_whole, restore, stored};
use crate::moo::Moo;

#[test]
fn a_destination_that_is_right_is_read_and_nothing_else_is_fetched_or_touched() {
    let sandbox = Sandbox::new();
    stored(&sandbox);
    sandbox.sh(&restore("")).silent();
    let before = inodes(&sandbox);
    for options in ["--merge", "--delete", "--force", "--merge --name lost"] {
        assert_eq!(fetched(&sandbox, options).len(), 0, "{options}");
        assert_eq!(inodes(&sandbox), before, "{options}");
    }
    is_whole(&sandbox);
}

#[test]
fn only_what_differs_is_fetched_and_written_and_all_else_stays() {
    let sandbox = Sandbox::new();
    stored(&sandbox);
    let all = all_volumes(&sandbox);
    for (damage, most) in [
        // One block of a large file, with the time of the backup.
        (
            "touch -r out/b/two t; printf x | dd of=out/b/two bs=1 seek=2000000 conv=notrunc 2>&-; touch -r t out/b/two",
            6,
        ),
        // Size and time are the same.
        ("touch -r out/c/small t; head -c 300 /dev/zero >out/c/small; touch -r t out/c/small", 2),
        ("rm -r out/a", 5),
        ("mv out/a/new out/a/newer", 3),
        ("rm -r out/c/empty out/c/link; ln -s elsewhere out/c/link", 0),
        (": >out/d/four", 6),
        ("rm out/c/link; mkdir out/c/link out/c/link/x; : >out/c/link/x/y", 0),
        ("rm -r out/c; : >out/c", 5),
    ] {
        sandbox.sh(&format!("rm -rf out && {}", restore(""))).silent();
        let before = inodes(&sandbox);
        sandbox.sh(&format!("{damage}; echo own >out/own; chmod 700 out")).succeeds();
        let merge = if damage.contains("rm out/c/link") || damage.contains(": >out/c") {
            "--delete"
        } else {
            "--merge"
        };
        let read = fetched(&sandbox, merge);
        assert!(read.len() <= most, "{damage}: {read:?} of {all}");
        if merge == "--merge" {
            sandbox.sh("grep -qx own out/own && rm out/own && rm -f out/a/newer").silent();
        }
        sandbox.sh("touch -r src/a out/a; touch -r src out").silent();
        is_whole(&sandbox);
        let stay = before.intersection(&inodes(&sandbox)).count();
        assert!(stay >= 3, "{damage}: {stay} of {}", before.len());
    }
}

#[test]
fn metadata_is_brought_into_line_without_a_volume_and_the_files_stay() {
    let sandbox = Sandbox::new();
    stored(&sandbox);
    sandbox.sh(&restore("")).silent();
    let numbers =
        |sandbox: &Sandbox| sandbox.sh("cd out; find . -type f -printf '%p %i\\n' | sort").out();
    let before = numbers(&sandbox);
    sandbox
        .sh("chmod 600 out/a/one && touch out/b/two out/c && chmod 755 out/c && touch -h out/c/link")
        .silent();
    assert_eq!(fetched(&sandbox, "--merge").len(), 0);
    assert_eq!(numbers(&sandbox), before);
    is_whole(&sandbox);
}

#[test]
fn attributes_that_differ_are_fetched_and_those_that_are_right_are_kept() {
    let sandbox = Sandbox::new();
    let tree = stored(&sandbox);
    for name in ["a/one", "c", "c/three"] {
        tree.attribute(name, "user.moo", b"value");
    }
    Moo::plain(&sandbox).option("--volsize 1").backup("").silent();
    sandbox.sh(&restore("")).silent();
    let before = inodes(&sandbox);
    assert_eq!(fetched(&sandbox, "--merge").len(), 0);
    assert_eq!(inodes(&sandbox), before);
    sandbox
        .sh("setfattr -n user.moo -v other out/a/one && setfattr -x user.moo out/c &&
            setfattr -n user.own -v own out/b/two && setfattr -n user.own -v own out/d")
        .silent();
    assert!(fetched(&sandbox, "--merge").len() < all_volumes(&sandbox));
    is_whole(&sandbox);
}

#[test]
fn names_of_one_file_are_kept_as_a_whole_or_fetched_as_a_whole() {
    let sandbox = Sandbox::new();
    let tree = stored(&sandbox);
    tree.noise("e/file", 5000);
    tree.hard_link("e/name", tree.path("e/file"));
    tree.hard_link("f/name", tree.path("e/file"));
    tree.noise("g/alone", 5000);
    Moo::plain(&sandbox).option("--volsize 1").backup("").silent();
    for damage in [
        ":",
        "rm out/f/name",
        "rm out/e/file",
        "rm out/e/name; cp -p out/e/file out/e/name",
        "ln out/e/file out/e/more",
        "ln out/g/alone out/g/more",
        "chmod 600 out/e/file",
        "rm -r out/f; ln -f out/a/one out/d/four",
    ] {
        sandbox.sh(&format!("rm -rf out && {}", restore(""))).silent();
        sandbox.sh(damage).silent();
        let read = fetched(&sandbox, "--merge");
        if damage == ":" {
            assert_eq!(read.len(), 0);
        }
        sandbox
            .sh("rm -f out/e/more out/g/more; for d in e g; do touch -r src/$d out/$d; done")
            .silent();
        is_whole(&sandbox);
    }
}

#[test]
fn a_damaged_volume_is_no_matter_if_what_it_holds_is_there() {
    let sandbox = Sandbox::new();
    stored(&sandbox);
    sandbox.sh(&restore("")).silent();
    let state = Snapshot::kept(sandbox.path("out"));
    let volumes = find_all(sandbox.path("store"), ".difftar");
    flip(&volumes[0], 300_000);
    sandbox.sh("rm out/c/small").silent();
    assert_eq!(fetched(&sandbox, "--merge").len(), 1);
    sandbox.sh("touch -r src/c out/c").silent();
    assert_same(&state, &Snapshot::kept(sandbox.path("out")));
    // What it holds is missing: nothing changes.
    sandbox.sh("rm -r out/a out/c/small").silent();
    let before = Snapshot::kept(sandbox.path("out"));
    sandbox.sh(&restore("--merge")).fails_with(5).one_message();
    assert_same(&before, &Snapshot::kept(sandbox.path("out")));
    // Without a signature file everything is fetched.
    flip(&volumes[0], 300_000);
    remove(&find_all(sandbox.path("store"), "sigtar")[1]);
    assert!(fetched(&sandbox, "--merge").len() == all_volumes(&sandbox));
    sandbox.sh("ls -A . | grep moo-").fails_with(1);
}

#[test]
fn a_part_and_an_older_state_are_compared_with_what_is_there_as_well() {
    let sandbox = Sandbox::new();
    stored(&sandbox);
    sandbox.sh(&restore("")).silent();
    sandbox.sh("mv out all && cp -a all/b out").silent();
    assert_eq!(fetched(&sandbox, "--merge --path b").len(), 0);
    sandbox.sh("rm -r out && mv all out").silent();
    let first = crate::moo::stored(&sandbox).remove(0);
    let read = fetched(&sandbox, &format!("--delete --time {first}"));
    // Of the first set, the two files that have changed, and one that is gone.
    assert!(read.iter().all(|name| name.contains("full")) && read.len() < 8, "{read:?}");
    sandbox
        .sh(&format!(
            "moo restore --archive-dir . --name archive --time {first} file://$PWD/store first"
        ))
        .silent();
    assert_same(&Snapshot::kept(sandbox.path("first")), &Snapshot::kept(sandbox.path("out")));
    for options in
        ["--merge --include c --exclude '**'", "--merge --rename a A", "--merge --path c/three"]
    {
        sandbox.sh(&restore(options)).succeeds();
    }
    let same = |name: &str| fs::read(sandbox.path("src").join(name)).unwrap();
    assert_eq!(same("a/one"), fs::read(sandbox.path("out/A/one")).unwrap());
    assert_eq!(same("c/three"), fs::read(sandbox.path("out/three")).unwrap());
}

#[test]
fn a_chain_of_duplicity_which_records_no_hashes_is_compared_by_its_signatures() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    for name in ["a", "b", "c"] {
        tree.noise(name, 2_300_000);
    }
    tree.mode("b", 0o600);
    let duplicity = Duplicity::old(&sandbox).plain().option("--volsize 1");
    duplicity.full("src").succeeds();
    sandbox.sh("sleep 1.1").silent();
    tree.edit("c", |content| content[1_000_000] ^= 1);
    duplicity.increment("src").succeeds();
    sandbox.sh(&restore("")).silent();
    let before = inodes(&sandbox);
    assert_eq!(fetched(&sandbox, "--merge").len(), 0);
    assert_eq!(inodes(&sandbox), before);
    let damage = "touch -r out/b t; printf x | dd of=out/b bs=1 seek=100 conv=notrunc 2>&-;
        touch -r t out/b; chmod 644 out/a";
    sandbox.sh(damage).succeeds();
    let read = fetched(&sandbox, "--merge");
    assert!(!read.is_empty() && read.len() < all_volumes(&sandbox) - 2, "{read:?}");
    is_whole(&sandbox);
}
