//! Seals: what each set had, who vouches for it, and that nothing was dropped, swapped or
//! brought back.

use std::fs;
use std::path::PathBuf;

use sha2::{Digest, Sha256};
use tests::damage::{find, find_all, flip};
use tests::{Duplicity, Key, Run, Sandbox, Snapshot, Tree, assert_same};

use crate::moo::{Moo, stored};

/// A store of a full set and two increments, sealed by whom the options name.
struct Barn {
    sandbox: Sandbox,
    states: Vec<Snapshot>,
    times: Vec<String>,
}

impl Barn {
    fn new(options: &str) -> Barn {
        Barn::in_sandbox(Sandbox::new(), options)
    }

    fn in_sandbox(sandbox: Sandbox, options: &str) -> Barn {
        sandbox
            .sh("moo-keygen --sign-only host >/dev/null && moo-keygen --sign-only other >/dev/null")
            .silent();
        let tree = Tree::small(sandbox.path("src"));
        let moo = Moo::new(&sandbox, options);
        let mut states = Vec::new();
        for day in 0..3 {
            tree.file("day", format!("{day}").as_bytes());
            tree.mtime("day", 1_700_000_000 + day, 0);
            states.push(Snapshot::kept(tree.root()));
            moo.backup("").silent();
        }
        let times = stored(&sandbox);
        Barn { sandbox, states, times }
    }

    fn restore(&self, options: &str) -> Run {
        let all = "--archive-dir . --name lost";
        self.sandbox.sh(&format!("moo restore {all} {options} file://$PWD/store out"))
    }

    #[track_caller]
    fn comes_back(&self, options: &str) {
        self.restore(options).silent();
        assert_same(&self.states[2], &Snapshot::kept(self.sandbox.path("out")));
        self.sandbox.remove("out");
    }

    /// The newest set does not count, by a message with those words: the state before it comes back.
    #[track_caller]
    fn is_passed_over(&self, options: &str, words: &str) {
        self.restore(options).fails_with(3).one_message().stderr_has(words);
        assert_same(&self.states[1], &Snapshot::kept(self.sandbox.path("out")));
        self.sandbox.remove("out");
    }

    /// It is refused, by a message with those words, and nothing is left.
    #[track_caller]
    fn is_refused(&self, options: &str, words: &str) {
        self.restore(options).fails_with(5).one_message().stderr_has(words);
        self.sandbox.sh("ls -A | grep out").fails_with(1);
    }

    fn seal(&self, set: usize) -> PathBuf {
        self.sandbox.path("store").join(format!("moobacker.{}.seal", self.times[set]))
    }

    /// The text of a seal, as GnuPG reads it.
    fn text(&self, set: usize) -> String {
        self.sandbox.sh(&format!("gpg -q -d {} 2>/dev/null", self.seal(set).display())).out()
    }

    /// Each seal holds for the files of its set, and names the one before it.
    fn has_sound_seals(&self) {
        let mut previous = "none".to_owned();
        let mut sealed = Vec::new();
        for set in 0..3 {
            let text = self.text(set);
            assert!(text.contains(&format!("\n# previous {previous}\n")), "{text}");
            previous = format!("{:x}", Sha256::digest(fs::read(self.seal(set)).unwrap()));
            let check = format!(
                "cd store && gpg -q -d {} 2>/dev/null | sha256sum -c --strict --quiet",
                self.seal(set).display()
            );
            self.sandbox.sh(&check).silent();
            sealed
                .extend(text.lines().filter_map(|line| Some(line.split_once("  ")?.1.to_owned())));
        }
        sealed.sort();
        let files = find_all(self.sandbox.path("store"), "duplicity-");
        let files: Vec<_> =
            files.iter().map(|file| file.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(sealed, files);
    }
}

const SEALED: &str = "--no-encryption --seal-key host.secret.pgp";
const DEMAND: &str = "--seal-key host.cert.pgp";

#[test]
fn anybody_can_check_a_store_that_nobody_has_signed() {
    let barn = Barn::new("--no-encryption");
    barn.has_sound_seals();
    barn.comes_back("");
    barn.is_refused(DEMAND, "has no seal of the seal key");
}

#[test]
fn seals_are_signed_by_a_key_from_a_file() {
    let barn = Barn::new(SEALED);
    barn.has_sound_seals();
    barn.comes_back("");
    barn.comes_back(DEMAND);
    barn.comes_back("--seal-key other.cert.pgp --seal-key host.cert.pgp");
    barn.is_refused("--seal-key other.cert.pgp", "has no seal of the seal key");
    barn.sandbox.sh("gpg -q --batch --import host.cert.pgp").succeeds();
    let verify = format!("gpg --batch --trust-model always --verify {}", barn.seal(1).display());
    barn.sandbox.sh(&verify).succeeds().stderr_has("Good signature");
}

#[test]
fn seals_are_signed_by_a_key_in_gnupg_and_by_that_which_the_archive_names() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Host <host@example.org>");
    key.export(&sandbox, "gnupg.pgp");
    let barn = Barn::in_sandbox(sandbox, &format!("--encrypt-key {key} --seal-key {key}"));
    barn.has_sound_seals();
    barn.comes_back(&format!("--seal-key {key}"));
    barn.comes_back("--seal-key gnupg.pgp");
    barn.is_refused(DEMAND, "has no seal of the seal key");

    let sandbox = Sandbox::new();
    sandbox.sh("mkdir archive && echo $PWD/host.secret.pgp >archive/seal-key").silent();
    let barn = Barn::in_sandbox(sandbox, "--no-encryption");
    barn.has_sound_seals();
    barn.comes_back(DEMAND);
    let archive = "moo restore --archive-dir . --name archive file://$PWD/store out";
    barn.sandbox.sh(&format!("{archive} && rm -r out")).silent();
    barn.sandbox.sh("echo $PWD/other.cert.pgp >archive/seal-key").silent();
    barn.sandbox.sh(archive).fails_with(5).one_message().stderr_has("not signed by the seal key");
}

#[test]
fn a_missing_or_changed_seal_is_named() {
    let barn = Barn::new(SEALED);
    for set in 0..3 {
        let seal = barn.seal(set);
        let whole = fs::read(&seal).unwrap();
        let name = seal.file_name().unwrap().to_str().unwrap();
        // A set that a sealed one builds on has to be there.
        let is_noticed = |words: &str| match set {
            2 => barn.is_passed_over(
                DEMAND,
                &format!("to {} has no seal of the seal key", barn.times[2]),
            ),
            _ => barn.is_refused(DEMAND, words),
        };
        let middle = i64::try_from(whole.len() / 2).unwrap();
        for at in [middle, 100, 200, middle + 100, 1, 60] {
            flip(&seal, at);
            is_noticed(name);
            fs::write(&seal, &whole).unwrap();
        }
        // A good signature of the same key, but of another set.
        fs::copy(barn.seal((set + 1) % 3), &seal).unwrap();
        is_noticed(&format!("{name}: is the seal of the "));
        let text = barn.text((set + 1) % 3);
        assert!(text.contains("moobacker seal"));
        fs::write(&seal, "").unwrap();
        is_noticed(name);
        fs::remove_file(&seal).unwrap();
        is_noticed(&barn.times[set]);
        fs::write(&seal, &whole).unwrap();
    }
    barn.comes_back(DEMAND);
}

#[test]
fn a_seal_by_another_key_is_refused() {
    let barn = Barn::new(SEALED);
    barn.sandbox.sh("gpg -q --batch --import other.secret.pgp").succeeds();
    let seal = barn.seal(1).display().to_string();
    let forge = format!(
        "gpg -q -d {seal} >text 2>/dev/null; gpg -q --batch --yes --clear-sign -o {seal} text"
    );
    barn.sandbox.sh(&forge).succeeds();
    barn.is_refused(DEMAND, "is not signed by the seal key");
    // Two texts in one file, one of them signed well.
    let whole = barn.text(1);
    assert!(whole.contains("# set inc"));
    fs::write(barn.seal(1), whole).unwrap();
    barn.is_refused(DEMAND, &barn.times[1]);
}

#[test]
fn a_file_that_was_dropped_swapped_or_added_is_named() {
    let barn = Barn::new(SEALED);
    let volumes = find_all(barn.sandbox.path("store"), "vol1");
    let manifests = find_all(barn.sandbox.path("store"), ".manifest");
    for (files, what) in [(&volumes, "vol1"), (&manifests, "manifest")] {
        for (at, file) in files.iter().enumerate() {
            let whole = fs::read(file).unwrap();
            let name = file.file_name().unwrap().to_str().unwrap();
            fs::copy(&files[(at + 1) % 3], file).unwrap();
            barn.is_refused(DEMAND, name);
            fs::write(file, [&whole[..], b"\n"].concat()).unwrap();
            barn.is_refused(DEMAND, name);
            fs::remove_file(file).unwrap();
            if what == "vol1" {
                barn.is_refused(DEMAND, "volume 1 is missing");
            }
            fs::write(file, &whole).unwrap();
        }
    }
    // A volume and a manifest that fit each other, but not the seal.
    let manifest = &manifests[2];
    let whole = fs::read_to_string(manifest).unwrap();
    fs::write(manifest, whole.replace("Filelist", "filelist")).unwrap();
    barn.is_refused(DEMAND, "its hash differs from that in the seal");
    barn.is_refused("", "its hash differs from that in the seal");
}

#[test]
fn a_set_of_another_run_is_no_part_of_the_chain_though_it_is_sealed_well() {
    let barn = Barn::new(SEALED);
    let second = format!(".to.{}.", barn.times[1]);
    // The same increment, made once more from the same full set with the same key, of other files.
    barn.sandbox.sh("mkdir twin && mv store archive twin").silent();
    let tree = Tree::empty(barn.sandbox.path("twin/src"));
    tree.file("evil", b"moo");
    let sandbox = &barn.sandbox;
    sandbox.sh("mv src real && mv twin/src src").silent();
    let moo = Moo::new(sandbox, SEALED);
    moo.backup("").silent();
    moo.backup("").silent();
    let times = stored(sandbox);
    // Its files get the names that they would have in the other store; the seals stay as signed.
    sandbox.sh("mv store evil && mv twin/store store").silent();
    for file in find_all(sandbox.path("evil"), &format!(".to.{}.", times[1])) {
        let name = file.file_name().unwrap().to_str().unwrap();
        let name = name.replace(&times[0], &barn.times[0]).replace(&times[1], &barn.times[1]);
        fs::copy(&file, sandbox.path("store").join(name)).unwrap();
    }
    barn.is_refused(DEMAND, &second);
    fs::copy(find(sandbox.path("evil"), &format!("moobacker.{}", times[1])), barn.seal(1)).unwrap();
    barn.is_refused(DEMAND, "is the seal of the inc");
}

#[test]
fn a_replayed_increment_on_the_same_set_shows_by_the_seal_before_it() {
    let barn = Barn::new(SEALED);
    let sandbox = &barn.sandbox;
    // Sets 1 and 2 are lost with the archive, and the full set's seal was made once more: what
    // followed the old one does not follow the new one.
    sandbox.sh("gpg -q --batch --import host.secret.pgp").succeeds();
    let seal = barn.seal(0).display().to_string();
    let again = format!(
        "gpg -q -d {seal} >text 2>/dev/null; sleep 1.1; gpg -q --batch --yes --clear-sign -o {seal} text"
    );
    sandbox.sh(&again).succeeds();
    barn.is_refused(DEMAND, "its seal does not follow the seal of the full");
    let status = "moo-status file://$PWD/store";
    sandbox.sh(status).fails_with(5).stdout_has("its seal does not follow the seal of the full");
    let moo = Moo::new(sandbox, SEALED).restore_option(DEMAND).archive("lost");
    moo.brings_back(&barn.times[0], &barn.states[0]);
}

#[test]
fn sets_of_duplicity_have_no_seal_which_the_seal_key_refuses() {
    let barn = Barn::new(SEALED);
    Duplicity::old(&barn.sandbox).plain().increment("src").succeeds();
    let time = stored(&barn.sandbox).remove(3);
    let run = barn.restore(DEMAND).fails_with(3).one_message();
    run.stderr_has(&format!("to {time} has no seal of the seal key, and does not count"));
    barn.sandbox.sh("rm -r out").silent();
    let run = barn.restore("-v info").succeeds().one_message();
    run.stderr_has(&format!("to {time} has no seal"));
    barn.sandbox.sh("rm -r out").silent();
    let moo = Moo::new(&barn.sandbox, SEALED);
    moo.backup("inc").silent();
    barn.comes_back("");
    let before = &barn.times[2];
    barn.restore(&format!("{DEMAND} --time {before}")).silent();
}

#[test]
fn a_whole_store_travels_with_its_seals() {
    let barn = Barn::new(SEALED);
    let copy = "moo-fetch --all file://$PWD/store | moo-upload file://$PWD/copy >/dev/null && diff -r store copy";
    barn.sandbox.sh(copy).silent();
}
