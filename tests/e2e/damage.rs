//! Damage at the store: a restore tells of it by name, and never takes it for the backup.

mod keep_going;
mod whole;

use std::fs;
use std::path::{Path, PathBuf};

use tests::damage::find_all;
use tests::{Duplicity, Key, Run, Sandbox, Snapshot, Tree, assert_same, scale, spread};

use crate::damage::whole::name;
use crate::moo::{Moo, stored};

/// An encrypted store of a full set and an increment, and the secret key in a file: asking GnuPG
/// thousands of times would take too long.
struct Store {
    sandbox: Sandbox,
    state: Snapshot,
}

/// The restore, without the shell script around it: it is run thousands of times.
const RESTORE: &str =
    "moo-fetch file://$PWD/store | moo-decrypt --secret-key secret.pgp | moo-patch out";

impl Store {
    fn new(by: &str) -> Store {
        let sandbox = Sandbox::new();
        let key = Key::open(&sandbox, "Moo <moo@example.org>");
        key.export_secret(&sandbox, "secret.pgp", "");
        let tree = Tree::empty(sandbox.path("src"));
        tree.noise("folder/large", 100_000);
        tree.noise("small", 500);
        tree.symlink("link", "small");
        let write = |kind: &str| {
            if by == "duplicity" {
                let old = Duplicity::old(&sandbox).encrypt_to(&key);
                drop(
                    if kind == "full" { old.full("src") } else { old.increment("src") }.succeeds(),
                );
            } else {
                Moo::encrypted(&sandbox, &key).backup(kind).silent();
            }
        };
        write("full");
        tree.edit("folder/large", |content| content[50_000] ^= 1);
        tree.mtime("folder/large", 1_700_000_999, 0);
        tree.remove("small");
        write("inc");
        let state = Snapshot::kept(tree.root());
        let state = if by == "duplicity" { state.as_stock() } else { state };
        Store { sandbox, state }
    }

    /// All files of the store.
    fn files(&self) -> Vec<PathBuf> {
        find_all(self.sandbox.path("store"), "")
    }

    /// Whether the restore of what is in the store brings back the state. If not, it fails with
    /// one message that holds one of the words, and leaves nothing.
    #[track_caller]
    fn survives(&self, case: &str, words: &[&str]) -> bool {
        let run = self.sandbox.sh(RESTORE);
        if run.status == 0 {
            let out = Snapshot::kept(self.sandbox.path("out"));
            let is_same = out == self.state || out.as_stock() == self.state;
            assert!(is_same, "{case}: restored, but not what was backed up");
            self.sandbox.sh("rm -r out").silent();
            return true;
        }
        let err = run.err();
        assert!([5, 6].contains(&run.status), "{case}: status {}\n{err}", run.status);
        assert_eq!(err.lines().count(), 1, "{case}: {err}");
        assert!(words.iter().any(|word| err.contains(word)), "{case}: {words:?}: {err}");
        let left = self.sandbox.sh("ls -A | grep out").out();
        assert_eq!(left, "", "{case}: something is left");
        false
    }

    /// Restores with the content of a file changed, then puts it back.
    #[track_caller]
    fn survives_with(&self, path: &Path, case: &str, content: &[u8]) -> bool {
        let before = fs::read(path).unwrap();
        fs::write(path, content).unwrap();
        let name = name(path);
        // The set is named where just the whole of it shows that something is wrong.
        let set = set_of(&name);
        let survived = self.survives(&format!("{name}: {case}"), &[&name, &set]);
        fs::write(path, before).unwrap();
        survived
    }
}

/// The time that a file's name ends its set with.
pub(crate) fn set_of(name: &str) -> String {
    let mut times = name.split('.').filter(|part| part.len() == 16 && part.ends_with('Z'));
    times.next_back().unwrap().to_owned()
}

/// Whether a restore reads the file at all.
fn is_read(path: &Path) -> bool {
    !name(path).contains("signatures")
}

fn every_file_emptied_cut_extended_or_swapped_is_noticed(by: &str) {
    let store = Store::new(by);
    assert!(store.survives("undamaged", &[]));
    for path in store.files() {
        let whole = fs::read(&path).unwrap();
        let cuts = [0, 1, 2, whole.len() / 2, whole.len() - 1];
        for cut in cuts {
            let survived = store.survives_with(&path, &format!("cut to {cut}"), &whole[..cut]);
            // The last line feed of a seal means nothing.
            let is_harmless = name(&path).ends_with(".seal") && cut + 1 == whole.len();
            assert!(survived != is_read(&path) || is_harmless, "{} cut to {cut}", name(&path));
        }
        for more in [&b"\0"[..], b"moo", &[0; 512], &whole] {
            let extended = [&whole, more].concat();
            let survived = store.survives_with(&path, "extended", &extended);
            // A seal is text: what follows the end of its armor is nothing.
            let may_survive = !is_read(&path) || name(&path).ends_with(".seal");
            assert!(!survived || may_survive, "{} extended", name(&path));
        }
        for other in store.files().iter().filter(|other| **other != path) {
            let content = fs::read(other).unwrap();
            let survived = store.survives_with(&path, &format!("is {}", name(other)), &content);
            assert_eq!(survived, !is_read(&path), "{} is {}", name(&path), name(other));
        }
    }
}

#[test]
fn every_file_of_ours_emptied_cut_extended_or_swapped_is_noticed() {
    every_file_emptied_cut_extended_or_swapped_is_noticed("moo");
}

#[test]
fn every_file_of_duplicity_emptied_cut_extended_or_swapped_is_noticed() {
    every_file_emptied_cut_extended_or_swapped_is_noticed("duplicity");
}

/// Every byte of a small file, many of a large one, in a short run some of each; another bit each
/// time.
fn no_flipped_bit_gets_through(by: &str) {
    let store = Store::new(by);
    for path in store.files().into_iter().filter(|path| is_read(path)) {
        let whole = fs::read(&path).unwrap();
        let many = if whole.len() < 700 { 700 } else { 200 };
        let edge = scale(3, 20);
        let edges = (0..edge).chain(whole.len() - edge..whole.len());
        let mut harmless = 0;
        for at in spread(scale(24, many), whole.len()).into_iter().chain(edges) {
            let mut content = whole.clone();
            content[at] ^= 1 << (at % 8);
            let survived = store.survives_with(&path, &format!("bit flipped at {at}"), &content);
            harmless += u32::from(survived);
        }
        let is_text = name(&path).ends_with(".seal");
        assert!(is_text || harmless < 60, "{}: {harmless} flips unnoticed", name(&path));
        assert!(!name(&path).contains("vol") || harmless == 0, "{}: {harmless}", name(&path));
    }
}

#[test]
fn no_flipped_bit_in_a_store_of_ours_gets_through() {
    no_flipped_bit_gets_through("moo");
}

#[test]
fn no_flipped_bit_in_a_store_of_duplicity_gets_through() {
    no_flipped_bit_gets_through("duplicity");
}

fn restore(sandbox: &Sandbox, archive: &str) -> Run {
    Moo::plain(sandbox).archive(archive).restore("--secret-key secret.pgp")
}

#[test]
fn a_deleted_file_is_missed() {
    for by in ["moo", "duplicity"] {
        let store = Store::new(by);
        let sandbox = &store.sandbox;
        for path in store.files() {
            let content = fs::read(&path).unwrap();
            fs::remove_file(&path).unwrap();
            let name = name(&path);
            for archive in ["archive", "lost"] {
                let run = restore(sandbox, archive);
                let is_newest_manifest = name.contains("-inc.") && name.contains("manifest");
                if name.contains("vol") {
                    let run = run.fails_with(5).one_message();
                    run.stderr_has("volume 1 ").stderr_has(&set_of(&name));
                } else if by == "moo" && name.contains("manifest") {
                    // The seal of its set tells that it was there.
                    let run = run.fails_with(5).one_message();
                    run.stderr_has(&format!("{name}: is missing"));
                } else if is_newest_manifest && archive == "archive" {
                    let run = run.fails_with(5).one_message();
                    run.stderr_has("the inc ")
                        .stderr_has("which the archive directory knows, is missing");
                } else if is_newest_manifest {
                    // For all that anybody knows it was never finished.
                    run.succeeds().one_message().stderr_has("has no manifest");
                    sandbox.sh("test -e out/small && rm -r out").silent();
                } else if name.contains("manifest") {
                    let run = run.fails_with(5).one_message();
                    run.stderr_has("not restorable, its chain is broken");
                } else {
                    run.silent();
                    assert_same(&store.state, &kept(by, sandbox));
                    sandbox.sh("rm -r out").silent();
                }
                sandbox.sh("ls -A | grep out").fails_with(1);
            }
            fs::write(&path, content).unwrap();
        }
    }
}

fn kept(by: &str, sandbox: &Sandbox) -> Snapshot {
    let out = Snapshot::kept(sandbox.path("out"));
    if by == "duplicity" { out.as_stock() } else { out }
}

#[test]
fn files_of_another_store_are_not_taken_for_those_of_this_one() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    key.export_secret(&sandbox, "secret.pgp", "");
    let tree = Tree::small(sandbox.path("src"));
    let moo = Moo::encrypted(&sandbox, &key);
    moo.backup("full").silent();
    sandbox.sh("mv store other && rm -r archive").silent();
    tree.edit("a file", |content| content[0] ^= 1);
    moo.backup("full").silent();
    let (here, there) = (stored(&sandbox), find_all(sandbox.path("other"), ""));
    for from in there {
        let time = tests::peers::times(sandbox.path("other")).remove(0);
        let to = sandbox.path("store").join(name(&from).replace(&time, &here[0]));
        let before = fs::read(&to).unwrap();
        fs::copy(&from, &to).unwrap();
        let run = restore(&sandbox, "lost");
        if is_read(&to) {
            run.fails_with(5).one_message().stderr_has(&here[0]);
        } else {
            run.silent();
            sandbox.sh("rm -r out").silent();
        }
        fs::write(&to, before).unwrap();
    }
}

#[test]
fn a_missing_set_in_the_middle_is_named_and_older_states_still_come_back() {
    let sandbox = Sandbox::new();
    let tree = Tree::small(sandbox.path("src"));
    let moo = Moo::plain(&sandbox);
    let mut states = Vec::new();
    for day in 0..3 {
        tree.file("day", format!("{day}").as_bytes());
        tree.mtime("day", 1_700_000_000 + day, 0);
        states.push(Snapshot::kept(tree.root()));
        moo.backup("").silent();
    }
    let times = stored(&sandbox);
    for path in find_all(sandbox.path("store"), &format!(".to.{}.", times[1])) {
        fs::remove_file(path).unwrap();
    }
    for archive in ["archive", "lost"] {
        let moo = Moo::plain(&sandbox).archive(archive);
        let run = moo.restore("").fails_with(5).one_message();
        run.stderr_has(&format!("inc {} to {}: not restorable", times[1], times[2]));
        moo.brings_back(&times[0], &states[0]);
    }
    let run = moo.restore(&format!("--time {}", times[1])).fails_with(5).one_message();
    run.stderr_has(&times[1]);
}
