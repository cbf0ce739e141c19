//! Content and extended attributes.

use std::fs;

use tests::damage::{find, find_all, flip};
use tests::peers::Duplicity;
use tests::{Key, Sandbox, Snapshot, Tree, assert_same};

use super::{ARCHIVE, Mounted, beside, folders};
use crate::moo::Moo;

/// Compares as those tools do that people copy with.
const SAME: &str = "diff -r --no-dereference $state/sizes $out/sizes &&
    diff -r --no-dereference $state/names $out/names &&
    rsync -aHAXn --checksum --delete --itemize-changes $state/ $out &&
    cp -a $state copy && rsync -aHAXn --checksum --delete --itemize-changes $out/ copy && rm -r copy";

#[test]
fn every_state_is_what_its_restore_is_whatever_reads_it() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "moo");
    let tree = Tree::every_kind(sandbox.path("src"));
    let moo = Moo::encrypted(&sandbox, &key).option("--volsize 1");
    for day in 0..6 {
        if day > 0 {
            tree.day(day);
        }
        moo.backup(if day == 3 { "full" } else { "" }).succeeds();
    }
    let Some(mounted) = Mounted::new(&sandbox, ARCHIVE) else { return };
    for folder in folders(&sandbox) {
        beside(&sandbox, &folder, "", SAME).silent();
        let state = Snapshot::of(sandbox.path(format!("mnt/{folder}")));
        assert_same(&Snapshot::of(sandbox.path("out")), &state);
    }
    assert_eq!(mounted.said(), "");
}

#[test]
fn a_backup_that_duplicity_has_made_has_its_sizes_from_the_volumes() {
    let sandbox = Sandbox::new();
    let duplicity = Duplicity::old(&sandbox).plain().option("--volsize 1");
    let tree = Tree::small(sandbox.path("src"));
    tree.noise("folder/huge", 3_000_000);
    duplicity.full("src").succeeds();
    tree.edit("folder/huge", |content| {
        content.splice(1_500_000..1_500_010, *b"moo").for_each(drop);
    });
    tree.edit("folder/large", |content| content.extend(b"moo"));
    duplicity.increment("src").succeeds();
    let Some(mounted) = Mounted::new(&sandbox, ARCHIVE) else { return };
    for folder in folders(&sandbox) {
        beside(&sandbox, &folder, "", "diff -r --no-dereference $state $out").silent();
        let sizes = "cd $state && find . -type f -printf '%P %s\n' | sort >$out.one && cd $out &&
            find . -type f -printf '%P %s\n' | sort | diff $out.one -";
        beside(&sandbox, &folder, "", sizes).silent();
    }
    assert_eq!(mounted.said(), "");
}

#[test]
fn a_damaged_volume_fails_its_files_with_one_line_and_no_others() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    ["a", "b", "c", "d"].iter().for_each(|name| tree.noise(name, 700_000));
    Moo::plain(&sandbox).option("--volsize 1").backup("").silent();
    let Some(mounted) = Mounted::new(&sandbox, ARCHIVE) else { return };
    flip(find(sandbox.path("store"), "vol2"), 100);
    let read = |name: &str| sandbox.sh(&format!("cmp src/{name} mnt/latest/{name}"));
    read("a").silent();
    for _ in 0..2 {
        read("c").fails().stderr_has("Input/output error");
    }
    read("d").silent();
    let said = mounted.said();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("vol2") && said.contains("hash"), "{said}");
    assert_eq!(mounted.unmount().status, 0);
}

#[test]
fn what_a_restore_refuses_is_refused() {
    let sandbox = Sandbox::new();
    let (key, other) = (Key::open(&sandbox, "moo"), Key::open(&sandbox, "other"));
    let tree = Tree::small(sandbox.path("src"));
    let moo = Moo::encrypted(&sandbox, &key).option(&format!("--seal-key {key}"));
    moo.backup("").silent();
    tree.noise("new", 10);
    moo.backup("").silent();
    let read = |options: &str, newest: bool, why: &str| {
        let Some(mounted) = Mounted::new(&sandbox, &format!("{ARCHIVE} {options}")) else { return };
        sandbox.sh("ls mnt/latest/folder").stdout_is("large\nother\n");
        let restored =
            sandbox.sh(&format!("moo restore {ARCHIVE} {options} file://$PWD/store out"));
        let run = sandbox.sh("cat mnt/latest/new");
        let said = mounted.said();
        match newest {
            true => {
                restored.silent();
                run.succeeds();
                assert_eq!(said, "");
            }
            false => {
                restored.fails().stderr_has(why);
                run.fails().stderr_has("Input/output error");
                assert_eq!(said.lines().count(), 1, "{said}");
                assert!(said.contains(why), "{said}");
            }
        }
        sandbox.sh("rm -rf out").silent();
    };
    read(&format!("--seal-key {key}"), true, "");
    read(&format!("--seal-key {other}"), false, "is not signed by the seal key");
    read("--identity 00000000000000000000000000000000", false, "00000000000000000000000000000000");
    let first = find_all(sandbox.path("store"), ".seal").into_iter().min().unwrap();
    // Sealed once more, the full set is another one than that which the increment was made on.
    let seal = first.display();
    let again = format!(
        "cp {seal} seal && gpg -q -d seal >text 2>/dev/null && sleep 1.1 &&
        gpg -q --batch --yes -u {key} --clear-sign -o {seal} text"
    );
    sandbox.sh(&again).succeeds();
    read(&format!("--seal-key {key}"), false, "its seal does not follow the seal of the full");
    fs::remove_file(first).unwrap();
    read(&format!("--seal-key {key}"), false, "has no seal");
}

#[test]
fn a_key_file_and_its_passphrase_open_a_state() {
    let mut sandbox = Sandbox::new();
    sandbox.set("PASSPHRASE", "moo moo");
    Tree::small(sandbox.path("src"));
    sandbox.sh("moo keygen key").succeeds();
    Moo::new(&sandbox, "--encrypt-key key.cert.pgp").backup("").silent();
    sandbox.unset("PASSPHRASE");
    let options = format!("{ARCHIVE} --secret-key key.secret.pgp --passphrase-file pass");
    sandbox.sh("echo 'moo moo' >pass").silent();
    let Some(mounted) = Mounted::new(&sandbox, &options) else { return };
    sandbox.sh("diff -r --no-dereference src mnt/latest/").silent();
    // Only moo-decrypt gets it.
    sandbox
        .sh("! grep -a 'moo moo' /proc/$(pgrep -f \"moo-mount .*--volumes $PWD\" | head -n 1)/environ")
        .silent();
    drop(mounted);
}

#[test]
fn the_cache_is_bounded_and_no_plaintext_has_a_name() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    (0..12).for_each(|number| tree.noise(format!("{number:02}"), 1_000_000));
    Moo::plain(&sandbox).option("--volsize 1").backup("").silent();
    let options = format!("{ARCHIVE} --cache-size 3");
    let Some(_mounted) = Mounted::new(&sandbox, &options) else { return };
    sandbox.sh("diff -r src mnt/latest/").silent();
    // Files without a name, as the process has them open.
    let held = "for pid in $(pgrep -f \"moo-mount .*--volumes $PWD\"); do
            find /proc/$pid/fd -lname '*(deleted)' -exec stat -L -c %s {} +
        done | awk '{ sum += $1 } END { print (sum > 1000000 && sum < 6000000) }'";
    sandbox.sh(held).stdout_is("1\n");
    sandbox.sh("find .tmp -type f -size +0").stdout_is("");
}
