//! Restoring with `pipelines/rescue.sh`: what other people's tools make of an archive without us.

use tests::damage::{find_all, flip, remove};
use tests::peers::times;
use tests::sandbox::workspace;
use tests::{Duplicity, Key, Sandbox, Snapshot, Tree, assert_same};

use crate::moo::Moo;

/// A sandbox where `$rescue` is the script and nothing else of ours is to be found.
fn ruins() -> Sandbox {
    let mut sandbox = Sandbox::without_us();
    // A copy, since the checkout may lie where only its owner can look.
    let copy = sandbox.path(".rescue.sh");
    std::fs::copy(workspace().join("pipelines/rescue.sh"), &copy).unwrap();
    sandbox.set("rescue", copy);
    sandbox
}

/// A full set and three increments of every kind of object; each state comes back.
fn restores_every_state(sandbox: &Sandbox, peer: &Duplicity) {
    let tree = Tree::every_kind(sandbox.path("src"));
    let mut states = vec![Snapshot::by_stock(sandbox.path("src"))];
    peer.full("src").succeeds();
    for day in 1..=3 {
        tree.day(day);
        states.push(Snapshot::by_stock(sandbox.path("src")));
        peer.increment("src").succeeds();
    }
    for (time, state) in times(sandbox.path("store")).iter().zip(&states) {
        sandbox.sh(&format!("$rescue store out {time}")).silent();
        assert_same(state, &Snapshot::by_stock(sandbox.path("out")));
        sandbox.remove("out");
    }
    sandbox.sh("$rescue store out").silent();
    assert_same(&states[3], &Snapshot::by_stock(sandbox.path("out")));
}

#[test]
fn it_restores_each_state_of_an_encrypted_archive_of_the_old_duplicity() {
    let sandbox = ruins();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let old = Duplicity::old(&sandbox).encrypt_to(&key).option("--volsize 1");
    restores_every_state(&sandbox, &old);
}

#[test]
fn it_restores_each_state_of_an_encrypted_archive_of_the_new_duplicity() {
    let sandbox = ruins();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let new = Duplicity::new(&sandbox).encrypt_to(&key).option("--volsize 1");
    restores_every_state(&sandbox, &new);
}

#[test]
fn it_restores_archives_that_are_compressed_or_plain() {
    for options in ["", "--no-compression"] {
        let sandbox = ruins();
        let old = Duplicity::old(&sandbox).plain().option("--volsize 1").option(options);
        restores_every_state(&sandbox, &old);
    }
}

/// A full set and three increments by us, of every kind of object, with a seal each; each state
/// comes back without us.
fn restores_every_state_of_ours(sandbox: &mut Sandbox, options: &str) {
    let key = Key::open(sandbox, "Moo <moo@example.org>");
    let tree = Tree::every_kind(sandbox.path("src"));
    let states = Moo::encrypted(sandbox, &key).option("--volsize 1").option(options).days(&tree, 3);
    assert_eq!(find_all(sandbox.path("store"), ".seal").len(), 4);
    assert!(find_all(sandbox.path("store"), "vol").len() > 8);
    sandbox.set("PATH", "/usr/local/bin:/usr/bin:/bin");
    sandbox.set("rescue", workspace().join("pipelines/rescue.sh"));
    sandbox.sh("command -v moo || command -v moo-patch").fails();
    sandbox.sh("rm -r archive").silent();
    let newest = times(sandbox.path("store")).into_iter().map(|time| format!(" {time}"));
    for (time, state) in newest.zip(&states).chain([(String::new(), &states[3])]) {
        sandbox.sh(&format!("$rescue store out{time}")).silent();
        let out = Snapshot::of(sandbox.path("out"));
        assert_same(&state.clone().as_stock(), &out.as_stock());
        sandbox.remove("out");
    }
}

#[test]
fn it_restores_each_state_of_an_encrypted_archive_of_ours() {
    restores_every_state_of_ours(&mut Sandbox::new(), "");
}

#[test]
fn it_restores_each_state_of_an_archive_of_ours_whose_seals_are_signed_by_a_known_key() {
    let mut sandbox = Sandbox::new();
    let host = Key::open(&sandbox, "Host <host@example.org>");
    restores_every_state_of_ours(&mut sandbox, &format!("--seal-key {host}"));
    let signatures = find_all(sandbox.path("store"), "signatures").remove(3);
    sandbox.sh(&format!("echo moo >>{}", signatures.display())).silent();
    sandbox.sh("$rescue store out").fails_with(1).stderr_has("damaged: duplicity-inc");
    sandbox.sh("test ! -e out").silent();
}

/// A small archive in the sandbox's folder `store`.
fn small_archive(sandbox: &Sandbox) -> Tree {
    let key = Key::open(sandbox, "Moo <moo@example.org>");
    let old = Duplicity::old(sandbox).encrypt_to(&key);
    let tree = Tree::small(sandbox.path("src"));
    old.full("src").succeeds();
    tree.edit("folder/large", |file| file.truncate(150_000));
    tree.mtime("folder/large", 1_800_000_000, 0);
    old.increment("src").succeeds();
    tree
}

#[test]
fn it_restores_read_only_folders_for_ordinary_users() {
    let sandbox = ruins();
    let tree = Tree::empty(sandbox.path("src"));
    tree.noise("closed/below/file", 3_000_000);
    tree.noise("closed/zzz", 10);
    tree.mode("closed/below", 0o500);
    tree.mode("closed", 0o555);
    let new = Duplicity::new(&sandbox).plain().option("--volsize 1");
    new.full("src").succeeds();
    tree.mode("closed", 0o755);
    tree.edit("closed/below/file", |file| file.truncate(1_000_000));
    tree.mtime("closed/below/file", 1_800_000_000, 0);
    tree.remove("closed/zzz");
    tree.mode("closed", 0o500);
    new.increment("src").succeeds();
    // Root is let through everywhere, so it plays somebody else.
    let script = "mkdir home && cd home && if [ $(id -u) != 0 ]; then $rescue ../store out; else
        chown nobody . && chmod 711 .. && setpriv --reuid nobody --clear-groups $rescue ../store out
    fi";
    sandbox.sh(script).silent();
    sandbox.sh("chown -R \"$(id -u):$(id -g)\" home").succeeds();
    assert_same(
        &Snapshot::by_stock(sandbox.path("src")),
        &Snapshot::by_stock(sandbox.path("home/out")),
    );
}

#[test]
fn it_names_a_damaged_and_a_missing_volume_and_takes_no_name() {
    let sandbox = ruins();
    small_archive(&sandbox);
    let volume = find_all(sandbox.path("store"), "vol1.").remove(0);
    flip(&volume, -100);
    sandbox.sh("$rescue store out").fails_with(1).stderr_has("vol1.difftar.gpg");
    remove(&volume);
    sandbox.sh("$rescue store out").fails_with(1).stderr_has("vol1.difftar");
    sandbox.sh("test ! -e out").succeeds();
}

#[test]
fn it_takes_the_newest_set_that_is_not_after_the_time() {
    let sandbox = ruins();
    let tree = small_archive(&sandbox);
    tree.file("news", b"moo");
    Duplicity::old(&sandbox).plain().full("src").succeeds();
    sandbox.sh("$rescue store newest && test -e newest/news").silent();
    let times = times(sandbox.path("store"));
    sandbox.sh(&format!("$rescue store before {} && test ! -e before/news", times[1])).silent();
    let absent = sandbox.sh("$rescue store none 20000101T000000Z");
    absent.fails_with(1).one_message().stderr_has("no backup of that time");
}

#[test]
fn it_does_not_take_an_older_state_for_the_one_that_was_asked_for() {
    let sandbox = ruins();
    let tree = small_archive(&sandbox);
    tree.file("news", b"moo");
    Duplicity::old(&sandbox).plain().increment("src").succeeds();
    let times = times(sandbox.path("store"));
    for file in find_all(sandbox.path("store"), &format!(".to.{}.", times[1])) {
        remove(file);
    }
    let orphan = sandbox.sh("$rescue store out").fails_with(1).one_message();
    orphan.stderr_has(&format!("what set {} builds on; TIME {}", times[2], times[0]));
    sandbox.sh(&format!("$rescue store out {}", times[0])).silent();
    sandbox.sh("$rescue store none yesterday").fails_with(1).one_message();
}

#[test]
fn it_checks_the_seals_of_known_signers() {
    let sandbox = ruins();
    small_archive(&sandbox);
    let host = Key::open(&sandbox, "Host <host@example.org>");
    let time = times(sandbox.path("store")).remove(1);
    let seal = format!("store/moobacker.{time}.seal");
    let list = "cd store && sha256sum *-inc.* *-new-*";
    sandbox.sh(&format!("({list}) | gpg -q --clearsign -u {host} >{seal}")).succeeds();
    sandbox.sh("$rescue store out && rm -r out").silent();
    sandbox.sh("for file in store/*-new-*; do echo moo >>$file; done").succeeds();
    sandbox.sh("$rescue store out").fails_with(1).stderr_has("damaged: duplicity-inc");
    sandbox.sh(&format!("sed -i s/new-signatures/old-signatures/ {seal}")).succeeds();
    sandbox.sh("$rescue store out").fails_with(1).stderr_has("bad signature");
    host.forget(&sandbox);
    sandbox.sh("$rescue store out").succeeds().one_message().stderr_has("unknown signer");
}

/// Makes a store with a full set of two plain volumes, `1.tar` and `2.tar`.
const STORE: &str = "mkdir store && set=store/duplicity-full.20261122T201500Z
    for n in 1 2; do
        mv $n.tar $set.vol$n.difftar && sum=$(sha1sum <$set.vol$n.difftar)
        printf 'Volume %s:\n    Hash SHA1 %s\n' $n ${sum%% *}
    done >$set.manifest";

#[test]
fn a_store_that_is_made_by_hand_is_restored() {
    let sandbox = ruins();
    sandbox.sh("mkdir snapshot; tar cf 1.tar snapshot").succeeds();
    sandbox
        .sh("echo moo >snapshot/-; ln -s /etc snapshot/l; tar cf 2.tar snapshot/[-l]")
        .succeeds();
    sandbox.sh(STORE).silent();
    sandbox.sh("$rescue store out").silent();
    sandbox.sh("cat out/-; readlink out/l").succeeds().stdout_is("moo\n/etc");
}

#[test]
fn a_path_that_is_too_long_for_tar_is_named_and_all_else_comes_back() {
    let sandbox = ruins();
    sandbox
        .sh("mkdir snapshot; echo moo >snapshot/-; tar cf 1.tar snapshot; echo far >snapshot/z
            long=$(printf 'd/%.0s' $(seq 2100))
            tar cf 2.tar --transform \"s,z,${long}z,\" snapshot/z")
        .succeeds();
    sandbox.sh(STORE).silent();
    let run = sandbox.sh("$rescue store out").fails_with(3);
    run.stderr_has("File name too long").stderr_has("not everything was restored");
    sandbox.sh("cat out/-").succeeds().stdout_is("moo\n");
}

/// What a hostile archive tries, and the words that refuse it.
const ATTACKS: [(&str, &str); 6] = [
    (
        "ln -s ../../outside snapshot/l; tar cf 1.tar snapshot; rm snapshot/l; mkdir snapshot/l
        echo evil >snapshot/l/evil; tar cf 2.tar snapshot/l/evil",
        "Not a directory",
    ),
    (
        "ln -s $PWD/outside snapshot/l; tar cf 1.tar snapshot; mkdir -p multivol_snapshot/l/evil
        echo evil >multivol_snapshot/l/evil/1; tar cf 2.tar multivol_snapshot/l/evil/1",
        "Not a directory",
    ),
    (
        "tar cf 1.tar snapshot; echo evil >evil
        tar cPf 2.tar --transform s,^,snapshot/../../outside/, evil",
        "bad name",
    ),
    (
        "tar cf 1.tar snapshot; echo evil >list.0; tar cf 2.tar list.0",
        "bad name",
    ),
    (
        "echo moo >snapshot/a; ln snapshot/a snapshot/b; echo moo >outside/moo
        tar cPf 1.tar --no-recursion --transform 's,snapshot/a,../outside/moo,RS' snapshot snapshot/a snapshot/b; cp 1.tar 2.tar",
        "damaged",
    ),
    (
        "tar cf 1.tar snapshot; rm -r snapshot; ln -s $PWD/outside snapshot; tar cf 2.tar snapshot",
        "bad name",
    ),
];

#[test]
fn nothing_is_written_through_links_or_upwards() {
    for (attack, message) in ATTACKS {
        let sandbox = ruins();
        sandbox.sh(&format!("mkdir outside snapshot; {attack}\n{STORE}")).succeeds();
        sandbox.sh("$rescue store out").fails_with(1).stderr_has(message);
        sandbox.sh("test ! -e outside/evil && test ! -e out").silent();
    }
}

#[test]
fn it_restores_a_backup_whose_names_have_prefixes_and_that_beside_it() {
    let sandbox = ruins();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let old = Duplicity::old(&sandbox).encrypt_to(&key);
    sandbox.sh("mkdir other && echo other >other/file").silent();
    old.full("other").succeeds();
    let tree = Tree::small(sandbox.path("src"));
    let prefixes = "--file-prefix 'g 1-' --file-prefix-manifest m- --file-prefix-archive a- \
                    --file-prefix-signature s-";
    let prefixed = old.clone().archive("second").option(prefixes);
    prefixed.full("src").succeeds();
    tree.edit("folder/large", |file| file.truncate(150_000));
    tree.mtime("folder/large", 1_800_000_000, 0);
    prefixed.increment("src").succeeds();
    let rescue = "$rescue -p 'g 1-m-' -p 'g 1-a-' -p 'g 1-s-'";
    sandbox.sh(&format!("{rescue} store out")).silent();
    assert_same(&Snapshot::by_stock(sandbox.path("src")), &Snapshot::by_stock(sandbox.path("out")));
    sandbox.sh("$rescue store others && diff -r other others").silent();
    sandbox.sh("$rescue -p h- store none").fails_with(1).stderr_has("no backup of that time");
    sandbox.sh("$rescue -p 'g 1-m-' store none").fails_with(1).stderr_has("missing: ");
    sandbox.sh("$rescue -p 'g 1-m-'").fails_with(1).stderr_has("usage: ");
    sandbox.sh("rm -r none.*/; ls -d out?* none*").fails();
}
