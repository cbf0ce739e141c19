//! Volumes that are checked piece by piece while they are read, by the checkpoints in their manifest.

use std::fs;

use tests::damage::{find, find_all, flip};
use tests::{Duplicity, Key, Run, Sandbox, Snapshot, Tree, assert_same};

use crate::captured::Pipe;
use crate::moo::Moo;

/// Bytes from one checkpoint to the next.
const PIECE: usize = 8 << 20;
/// Restores where no file can be held: there is no folder of temporary files.
const NOWHERE: &str = "moo-fetch file://$PWD/store | TMPDIR=/nonexistent moo-decrypt";

/// A source of one file that can't be compressed, of two and a half pieces.
fn prepared(sandbox: &Sandbox) -> Tree {
    let tree = Tree::empty(sandbox.path("src"));
    tree.noise("noise", PIECE * 5 / 2);
    tree
}

/// Restores into `out` without room for temporary files.
fn restored(sandbox: &Sandbox, options: &str) -> Run {
    sandbox.sh(&format!("rm -rf out; {NOWHERE} {options} | moo-patch out"))
}

fn comes_back(sandbox: &Sandbox, options: &str, tree: &Tree) {
    restored(sandbox, options).silent();
    assert_same(&Snapshot::kept(tree.root()), &Snapshot::kept(sandbox.path("out")));
}

#[test]
fn what_an_encrypted_manifest_vouches_for_needs_no_temporary_file() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let tree = prepared(&sandbox);
    Moo::encrypted(&sandbox, &key).backup("").silent();
    comes_back(&sandbox, "", &tree);
    // With --keep-going, nothing of a damaged file is handed on: the volume is held.
    restored(&sandbox, "--keep-going").fails_with(1).stderr_has("temporary file");
}

#[test]
fn what_a_passphrase_encrypts_needs_none_either() {
    let mut sandbox = Sandbox::new();
    sandbox.set("PASSPHRASE", "swordfish");
    let tree = prepared(&sandbox);
    Moo::new(&sandbox, "").backup("").silent();
    comes_back(&sandbox, "", &tree);
}

#[test]
fn a_manifest_that_anybody_could_have_written_counts_only_with_a_seal_that_is_demanded() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Barn <barn@example.org>");
    let tree = prepared(&sandbox);
    Moo::plain(&sandbox).option(&format!("--seal-key {key}")).backup("").silent();
    comes_back(&sandbox, &format!("--seal-key {key}"), &tree);
    restored(&sandbox, "").fails_with(1).stderr_has("temporary file");
}

#[test]
fn a_set_without_checkpoints_is_held_as_a_whole() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let tree = prepared(&sandbox);
    Duplicity::old(&sandbox).option(&format!("--encrypt-key {key}")).full("src").succeeds();
    restored(&sandbox, "").fails_with(1).stderr_has("temporary file");
    sandbox.sh("moo restore file://$PWD/store out").silent();
    assert_same(&Snapshot::by_stock(tree.root()), &Snapshot::by_stock(sandbox.path("out")));
}

/// What somebody does to a volume of three pieces, and how many pieces of it are whole before that.
type Damage = (&'static str, usize, fn(&mut Vec<u8>));

const DAMAGES: [Damage; 9] = [
    ("a bit of the first piece", 0, |volume| volume[PIECE / 2] ^= 1),
    ("the last byte of the first piece", 0, |volume| volume[PIECE - 1] ^= 0x80),
    ("the first byte of the second piece", 1, |volume| volume[PIECE] ^= 0x80),
    ("the last byte", 2, |volume| *volume.last_mut().unwrap() ^= 1),
    ("a byte too much", 2, |volume| volume.push(0)),
    ("a byte too few", 2, |volume| volume.truncate(volume.len() - 1)),
    ("a piece too few", 1, |volume| drop(volume.drain(PIECE..2 * PIECE))),
    ("cut at a checkpoint", 1, |volume| volume.truncate(2 * PIECE)),
    ("two pieces for each other", 0, |volume| {
        let (first, rest) = volume.split_at_mut(PIECE);
        first.swap_with_slice(&mut rest[..PIECE]);
    }),
];

#[test]
fn nothing_of_a_piece_that_is_damaged_is_handed_on_and_what_is_whole_before_it_is() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let tree = prepared(&sandbox);
    Moo::encrypted(&sandbox, &key).option("--no-compression").backup("").silent();
    // Without it, moo-fetch does not know how long the volume is.
    fs::remove_file(find(sandbox.path("store"), ".seal")).unwrap();
    let volume = find(sandbox.path("store"), "vol1.");
    let (whole, source) = (fs::read(&volume).unwrap(), fs::read(tree.path("noise")).unwrap());
    for (what, pieces, damage) in DAMAGES {
        let mut bytes = whole.clone();
        damage(&mut bytes);
        fs::write(&volume, bytes).unwrap();
        let why = "its hash differs from that in the manifest";
        let run = sandbox.sh(&format!("{NOWHERE} >plain")).fails_with(5);
        run.one_message().stderr_has(why);
        let plain = fs::read(sandbox.path("plain")).unwrap();
        let length = plain.len();
        // Beside the file there are the manifest and the heads of members, much shorter than a piece.
        let most = pieces * PIECE + PIECE / 4;
        assert!(length <= most && length + PIECE / 4 >= pieces * PIECE, "{what}: {length}");
        let is_there = |at: usize| plain.windows(64).any(|window| *window == source[at..at + 64]);
        assert_eq!(is_there(PIECE / 4), pieces > 0, "{what}");
        sandbox.sh("moo restore file://$PWD/store out").fails_with(5).stderr_has(why);
        assert!(!sandbox.path("out").exists(), "{what}");
    }
}

#[test]
fn an_intruder_without_the_key_gains_nothing_by_a_seal_of_his_own() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    prepared(&sandbox);
    Moo::encrypted(&sandbox, &key).backup("").silent();
    flip(find(sandbox.path("store"), "vol1."), i64::try_from(PIECE).unwrap() + 9);
    // Nobody has signed the seal, so all of its hashes may be those of the volume as it is now.
    let forge = "name=$(basename store/*vol1.*); hash=$(sha256sum <store/$name | cut -d' ' -f1)
        one=$(head -c 8388608 store/$name | sha256sum | cut -d' ' -f1)
        two=$(head -c 16777216 store/$name | sha256sum | cut -d' ' -f1)
        gpg -q --batch -d store/*.seal >old
        sed \"s/^# checkpoints .* $name/# checkpoints $one$two $name/; s/^[0-9a-f]*  $name/$hash  $name/\" old >new
        gpg -q --batch --yes --armor -z 0 --store -o store/*.seal new; diff old new | grep -c '^>'";
    sandbox.sh(forge).stdout_is("2");
    let run = restored(&sandbox, "").fails_with(5);
    run.stderr_has("its hash differs from that in the seal");
}

#[test]
fn stock_duplicity_restores_and_extends_a_set_with_checkpoints() {
    for new in [false, true] {
        let sandbox = Sandbox::new();
        let key = Key::open(&sandbox, "Moo <moo@example.org>");
        let tree = prepared(&sandbox);
        let moo = Moo::encrypted(&sandbox, &key);
        moo.backup("").silent();
        let stock = if new { Duplicity::new(&sandbox) } else { Duplicity::old(&sandbox) };
        // It compares the manifest of our archive directory with the stored one.
        let stock = stock.archive("archive").option(&format!("--encrypt-key {key}"));
        tree.noise("news", 1000);
        stock.increment("src").succeeds();
        tree.noise("more news", 1000);
        moo.backup("inc").silent();
        assert_eq!(find_all(sandbox.path("store"), "full-signatures").len(), 1);
        moo.brings_back("now", &Snapshot::kept(tree.root()));
        stock.restore_at("now", "out").succeeds();
        assert_same(&Snapshot::by_stock(tree.root()), &Snapshot::by_stock(sandbox.path("out")));
    }
}

/// The pipe of a backup that is encrypted to that key.
fn pipe(key: &Key) -> Pipe {
    Pipe::backup().with("moo-encrypt", &format!("moo-encrypt --encrypt-key {key}"))
}

/// Every manifest in the archive directory is the one in the store.
fn manifests_agree(sandbox: &Sandbox) {
    for file in find_all(sandbox.path("archive"), ".manifest") {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let compare = format!("gpg -q --batch -d store/{name}.gpg | cmp - archive/{name}");
        sandbox.sh(&compare).silent();
    }
}

/// How many checkpoints each volume of the full set has.
fn checkpoints(sandbox: &Sandbox) -> Vec<usize> {
    let text = fs::read_to_string(find(sandbox.path("archive"), "full.")).unwrap();
    let blocks = text.split("Volume ").skip(1);
    let value = |block: &str| {
        let (_, rest) = block.split_once("Hash SHA256-8MIB ")?;
        rest.lines().next().map(|value| value.len() / 64)
    };
    blocks.map(|block| value(block).unwrap_or_default()).collect()
}

#[test]
fn a_set_that_the_next_run_finishes_in_the_archive_directory_has_the_manifest_of_the_store() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let tree = prepared(&sandbox);
    sandbox.sh("mkdir archive store").silent();
    sandbox.sh(&pipe(&key).with("moo-commit", "cat >/dev/null").script()).silent();
    tree.noise("news", 1000);
    Moo::encrypted(&sandbox, &key).backup("inc").silent();
    assert_eq!(find_all(sandbox.path("archive"), ".manifest").len(), 2);
    manifests_agree(&sandbox);
    assert_eq!(checkpoints(&sandbox), [2]);
}

#[test]
fn volumes_of_an_interrupted_run_are_held_as_a_whole_and_the_others_are_not() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let tree = prepared(&sandbox);
    tree.noise("other", PIECE);
    let cut = "mkdir shim && printf '#!/bin/sh\nhead -c 20000000 | \"$REAL\" \"$@\"\n' >shim/moo-upload && chmod +x shim/moo-upload
        REAL=$(command -v moo-upload) PATH=$PWD/shim:$PATH $commands/backup.sh --archive-dir . --name archive";
    sandbox
        .sh(&format!("{cut} --encrypt-key {key} --volsize 12 src file://$PWD/store"))
        .fails_with(4);
    let moo = Moo::encrypted(&sandbox, &key).option("--volsize 12");
    moo.backup("").silent();
    manifests_agree(&sandbox);
    assert_eq!(checkpoints(&sandbox), [0, 1, 0]);
    moo.brings_back("now", &Snapshot::kept(tree.root()));
}
