//! `moo restore --keep-going`: what is whole comes back, what is not is named.

use std::collections::BTreeSet;
use std::fs;

use tests::scale::{scale, spread};
use tests::{Key, Sandbox, Snapshot, Tree, assert_same};

use super::whole::Chain;
use crate::moo::Moo;

const RESTORE: &str = "moo-fetch --keep-going file://$PWD/store |
    moo-decrypt --keep-going --secret-key secret.pgp | moo-patch --keep-going out";

/// What there is to know of a damaged store.
struct Damage<'a> {
    case: String,
    /// What the messages have to name.
    at_fault: &'a str,
    /// The files that can't come back.
    lost: BTreeSet<String>,
}

/// Restores, and compares with what has to come back. Returns the exit status.
#[track_caller]
fn brings_back_what_is_whole(chain: &Chain, damage: &Damage) -> i32 {
    let Damage { case, at_fault, lost } = damage;
    let run = chain.sandbox.sh(RESTORE);
    let (status, err) = (run.status, run.err());
    assert!([0, 5].contains(&status), "{case}: status {status}\n{err}");
    assert!(status == 5 || lost.is_empty(), "{case}: exits with 0");
    assert!(status == 0 || err.contains(at_fault), "{case}: does not name {at_fault}\n{err}");
    for path in lost {
        assert!(err.contains(&format!("moo-patch: {path}: ")), "{case}: {path}\n{err}");
    }
    let lost: Vec<&str> = lost.iter().map(String::as_str).collect();
    let out = Snapshot::kept(chain.sandbox.path("out"));
    let is_stock = out != chain.state.clone().without(&lost);
    let out = if is_stock { out.as_stock() } else { out };
    if out != chain.state.clone().without(&lost) {
        eprintln!("{case}\n{err}");
        assert_same(&chain.state.clone().without(&lost), &out);
    }
    chain.sandbox.sh("rm -r out").silent();
    assert_eq!(chain.sandbox.sh("ls -A | grep '^.out'").out(), "", "{case}: something is left");
    status
}

/// The damage that is done to one file: its name, and its content, if it is there at all.
fn ways(chain: &Chain, whole: &[u8]) -> Vec<(String, Option<Vec<u8>>)> {
    let mut ways: Vec<(String, Option<Vec<u8>>)> = vec![("deleted".into(), None)];
    let cuts = [0, 1, whole.len() / 2, whole.len() - 1];
    ways.extend(cuts.map(|cut| (format!("cut to {cut}"), Some(whole[..cut].to_vec()))));
    ways.push(("extended".into(), Some([whole, &[0; 512]].concat())));
    for at in spread(scale(2, 400), whole.len()) {
        let mut content = whole.to_vec();
        content[at] ^= 1 << (at % 8);
        ways.push((format!("bit flipped at {at}"), Some(content)));
    }
    let others = chain.names();
    for other in others.iter().step_by(scale(5, 1)) {
        let content = fs::read(chain.sandbox.path("store").join(other)).unwrap();
        if content != whole {
            ways.push((format!("is {other}"), Some(content)));
        }
    }
    ways
}

/// What is lost with a file: of a set without a seal, all volumes go with the manifest.
fn lost_with(chain: &Chain, name: &str) -> BTreeSet<String> {
    let sealed = chain.names().iter().any(|name| name.ends_with(".seal"));
    match () {
        () if name.contains(".vol") => chain.lost_with(&[name.to_owned()]),
        () if name.contains("manifest") && !sealed => chain.lost_with(&chain.volumes_beside(name)),
        () => BTreeSet::new(),
    }
}

fn whatever_file_is_damaged(by: &str) {
    let chain = Chain::new(by);
    let none = Damage { case: "undamaged".into(), at_fault: "", lost: BTreeSet::new() };
    assert_eq!(brings_back_what_is_whole(&chain, &none), 0);
    let (mut cases, mut noticed) = (1, 0);
    for name in chain.names() {
        let path = chain.sandbox.path("store").join(&name);
        let whole = fs::read(&path).unwrap();
        let lost = lost_with(&chain, &name);
        for (way, content) in ways(&chain, &whole) {
            match &content {
                Some(content) => fs::write(&path, content).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            let case = format!("{by}: {name}: {way}");
            let is_unfinished = content.is_none() && is_newest_manifest(&chain, &name);
            if !is_unfinished {
                let at_fault = super::set_of(&name);
                let damage = Damage { case, at_fault: &at_fault, lost: lost.clone() };
                noticed += u32::from(brings_back_what_is_whole(&chain, &damage) == 5);
                cases += 1;
            }
            fs::write(&path, &whole).unwrap();
        }
    }
    eprintln!("--keep-going, {by}: {cases} cases of damage, {noticed} noticed, all as due");
}

/// Without its manifest, the newest set is one that was never finished.
fn is_newest_manifest(chain: &Chain, name: &str) -> bool {
    let times = crate::moo::stored(&chain.sandbox);
    name.contains("manifest") && super::set_of(name) >= *times.last().unwrap()
}

#[test]
fn keep_going_brings_back_every_whole_file_of_ours_and_names_the_others() {
    whatever_file_is_damaged("moo");
}

#[test]
fn keep_going_brings_back_every_whole_file_of_duplicity_and_names_the_others() {
    whatever_file_is_damaged("duplicity");
}

/// A small store with a seal that is signed, and its first two states.
fn signed(sandbox: &Sandbox) -> Moo<'_> {
    let key = Key::open(sandbox, "Moo <moo@example.org>");
    key.export_secret(sandbox, "secret.pgp", "");
    sandbox.sh("moo keygen --sign-only seal && moo keygen --sign-only other").succeeds();
    Moo::encrypted(sandbox, &key).option("--seal-key seal.secret.pgp")
}

#[test]
fn where_the_seal_key_is_demanded_a_set_whose_seal_is_damaged_is_lost() {
    let sandbox = Sandbox::new();
    let moo = signed(&sandbox);
    let tree = Tree::small(sandbox.path("src"));
    moo.backup("full").silent();
    tree.noise("new", 100);
    moo.backup("inc").silent();
    sandbox.sh("for seal in store/*.seal; do :; done && echo >\"$seal\"").silent();
    let options = "--keep-going --secret-key secret.pgp";
    let run = moo.restore(&format!("{options} --seal-key seal.cert.pgp")).fails_with(5);
    run.stderr_has("has no seal, and the seal key demands one").stderr_has("nothing could be");
    sandbox.sh("test ! -e out").silent();
}

#[test]
fn without_the_right_key_keep_going_fails_as_any_restore_does() {
    let sandbox = Sandbox::new();
    let moo = signed(&sandbox);
    drop(Tree::small(sandbox.path("src")));
    moo.backup("full").silent();
    let other = Key::open(&sandbox, "Other <other@example.org>");
    other.export_secret(&sandbox, "other.pgp", "");
    drop(moo.restore("--keep-going --secret-key other.pgp").fails_with(6));
    sandbox.sh("ls -A | grep out").fails_with(1);
}

#[test]
fn a_volume_and_the_signatures_that_tell_of_it_are_lost_and_nothing_old_takes_their_place() {
    let sandbox = Sandbox::new();
    let moo = Moo::plain(&sandbox);
    let tree = Tree::small(sandbox.path("src"));
    moo.backup("full").silent();
    tree.edit("folder/large", |content| content[0] ^= 1);
    tree.mtime("folder/large", 1_700_000_999, 0);
    moo.backup("inc").silent();
    sandbox.sh("rm store/*inc*vol1* store/*new-signatures*").silent();
    let run = moo.restore("--keep-going").fails_with(5);
    run.stderr_has("its content is unknown").stderr_has("moo restore: folder/large: was in");
    // Which it replaced is not known; but what lies before and behind it is whole.
    sandbox.sh("cmp src/'a file' out/'a file' && test ! -e out/folder/large").silent();
}

#[test]
fn a_set_that_is_gone_altogether_leaves_what_was_stored_anew_since() {
    let sandbox = Sandbox::new();
    let moo = Moo::plain(&sandbox).archive("archive");
    let tree = Tree::small(sandbox.path("src"));
    moo.backup("full").silent();
    for day in ["one", "two"] {
        tree.noise(day, 1000);
        moo.backup("inc").silent();
    }
    let times = crate::moo::stored(&sandbox);
    sandbox.sh(&format!("rm store/*.to.{}.* store/*{0}.seal", times[1])).silent();
    for archive in ["archive", "lost"] {
        let moo = Moo::plain(&sandbox).archive(archive);
        moo.restore("").fails_with(5).one_message();
        let run = moo.restore("--keep-going").fails_with(5);
        run.stderr_has(&format!("the set of {}", times[1])).stderr_has("is missing");
        sandbox.sh("cmp src/two out/two && ls out").succeeds().stdout_is("two");
        sandbox.remove("out");
    }
}

/// A store with a full set of a small tree, and an increment of a new file.
fn with_two_sets(sandbox: &Sandbox) -> (Moo<'_>, Tree) {
    let moo = Moo::plain(sandbox);
    let tree = Tree::small(sandbox.path("src"));
    moo.backup("full").silent();
    tree.noise("new", 1000);
    moo.backup("inc").silent();
    (moo, tree)
}

#[test]
fn a_lost_newest_manifest_costs_nothing_where_the_archive_knows_the_set_and_a_seal_tells_of_it() {
    let sandbox = Sandbox::new();
    let (moo, tree) = with_two_sets(&sandbox);
    sandbox.sh("rm store/*inc*manifest").silent();
    let run = moo.restore("--keep-going").fails_with(5);
    run.stderr_has(".manifest: is missing");
    assert_same(&Snapshot::kept(tree.root()), &Snapshot::kept(sandbox.path("out")));
}

#[test]
fn a_seal_that_nobody_signed_and_that_is_wrong_about_a_whole_volume_lost_its_files_and_does_not() {
    let sandbox = Sandbox::new();
    let moo = Moo::plain(&sandbox);
    let tree = Tree::small(sandbox.path("src"));
    moo.backup("full").silent();
    let damage = "gpg -d store/*.seal | sed '/^[0-9a-f].*vol1/s/^.\\{8\\}/01234567/' >text &&
        gpg --armor -z 0 --store <text >seal && ! cmp -s seal store/*.seal && mv seal store/*.seal";
    sandbox.sh(damage).succeeds();
    moo.restore("").fails_with(5).one_message();
    sandbox.sh("test ! -e out").silent();
    let run = moo.restore("--keep-going").fails_with(5);
    run.stderr_has("vol1.difftar.gz: its hash differs from that in the seal");
    assert_same(&Snapshot::kept(tree.root()), &Snapshot::kept(sandbox.path("out")));
}

#[test]
fn a_seal_that_nobody_signed_and_that_names_another_set_lost_its_set_and_does_not() {
    let sandbox = Sandbox::new();
    let (moo, tree) = with_two_sets(&sandbox);
    let damage = "for seal in store/*.seal; do :; done
        gpg -d $seal | sed '/^# set /s/ 20/ 19/' >text && gpg --armor -z 0 --store <text >seal &&
        ! cmp -s seal $seal && mv seal $seal";
    sandbox.sh(damage).succeeds();
    let run = moo.restore("--keep-going").fails_with(5);
    run.stderr_has("its seal is of the inc 19");
    assert_same(&Snapshot::kept(tree.root()), &Snapshot::kept(sandbox.path("out")));
}

#[test]
fn keep_going_and_force_do_not_go_together_and_a_copy_has_to_be_whole() {
    let sandbox = Sandbox::new();
    let moo = Moo::plain(&sandbox);
    drop(Tree::small(sandbox.path("src")));
    moo.backup("full").silent();
    drop(moo.restore("--keep-going --force").fails_with(2));
    drop(sandbox.sh("moo-fetch --all --keep-going file://$PWD/store").fails_with(2));
    let copy = "moo-fetch --all file://$PWD/store | moo-decrypt --keep-going | cat >/dev/null";
    drop(sandbox.sh(copy).stderr_has("a copy has to be whole"));
    // A stage without the option takes nothing that is lost.
    sandbox.sh("rm store/*vol1*").silent();
    let half =
        "moo-fetch --keep-going file://$PWD/store | moo-decrypt --keep-going | moo-patch out";
    drop(sandbox.sh(half).fails_with(5).stderr_has("is lost"));
    sandbox.sh("test ! -e out").silent();
}
