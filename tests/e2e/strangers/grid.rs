//! All that somebody can do who can only add files and rename them: names, contents, renames. The
//! state that is restored after each of them is the one that was backed up.

use tests::{Sandbox, Snapshot, Tree, assert_same, scale, spread};

use crate::moo::{Moo, stored};

/// What is added or renamed in the folder `store`: $A is the full set, $B and $C are the increments;
/// $N is a time after them, $F one to come.
const DEEDS: [(&str, &str); 29] = [
    ("a plain twin of a volume", "echo moo >store/duplicity-full.$A.vol1.difftar"),
    ("a packed twin of a volume", "echo moo >store/duplicity-full.$A.vol1.difftar.gz"),
    ("a twin of the newest volume", "echo moo >store/duplicity-inc.$B.to.$C.vol1.difftar.gz"),
    ("a twin under a short name", "echo moo >store/$(printf df.%s.1.dt.g zzzz)"),
    ("a twin of a manifest", "echo moo >store/duplicity-inc.$B.to.$C.manifest"),
    ("a packed twin of a manifest", "echo moo >store/duplicity-inc.$B.to.$C.manifest.gz"),
    ("a twin of signatures", "echo moo >store/duplicity-new-signatures.$B.to.$C.sigtar.gz"),
    ("a whole twin", "for f in store/duplicity-inc.$B.to.$C.*; do echo moo >${f%.gpg}.gz; done"),
    ("a volume more", "echo moo >store/duplicity-inc.$B.to.$C.vol2.difftar.gpg"),
    ("a foreign file", "echo moo >store/duplicity-cow; : >store/.moo; echo >'store/a b'"),
    ("an increment on the newest", "echo moo >store/duplicity-inc.$C.to.$N.manifest.gpg"),
    ("an increment beside the newest", "echo moo >store/duplicity-inc.$B.to.$N.manifest.gpg"),
    ("an increment on nothing", "echo moo >store/duplicity-inc.$N.to.$F.manifest.gpg"),
    (
        "a full set",
        "for k in vol1.difftar manifest; do echo moo >store/duplicity-full.$N.$k.gpg; done",
    ),
    ("a full set to come", "echo moo >store/duplicity-full.$F.manifest.gpg"),
    ("a full set of the same second", "echo moo >store/duplicity-full.$C.manifest.gpg"),
    (
        "a seal of a full set",
        "echo moo >store/duplicity-full.$N.manifest.gpg; cp store/moobacker.$C.seal store/moobacker.$N.seal",
    ),
    ("a seal of nothing", "echo moo >store/moobacker.$N.seal"),
    ("a volume renamed", "mv store/duplicity-full.$A.vol1.difftar.gpg store/aside"),
    (
        "a volume renamed as an upload",
        "mv store/duplicity-inc.$B.to.$C.vol1.difftar.gpg store/.upload-4-aside",
    ),
    ("a manifest renamed", "mv store/duplicity-inc.$B.to.$C.manifest.gpg store/aside"),
    (
        "a manifest renamed as its upload",
        "f=duplicity-inc.$B.to.$C.manifest.gpg; mv store/$f store/.upload-1a.2.3-$f",
    ),
    (
        "a manifest and a seal renamed as their uploads",
        "for f in duplicity-inc.$B.to.$C.manifest.gpg moobacker.$C.seal; do mv store/$f store/.upload-1a.2.3-$f; done",
    ),
    (
        "all but the seal renamed as their uploads",
        "cd store; for f in *.to.$C.*; do mv $f .upload-1a.2.3-$f; done",
    ),
    (
        "a whole set renamed as its uploads",
        "cd store; for f in *.to.$C.* moobacker.$C.seal; do mv $f .upload-1a.2.3-$f; done",
    ),
    ("a seal renamed", "mv store/moobacker.$C.seal store/aside"),
    (
        "all of a set renamed",
        "i=0; for f in store/*.to.$C.* store/moobacker.$C.seal; do mv $f store/aside$((i=i+1)); done",
    ),
    (
        "a volume renamed as one of another backup",
        "f=duplicity-full.$A.vol1.difftar.gpg; mv store/$f store/x-$f",
    ),
    (
        "all of a set renamed as those of another backup",
        "cd store; for f in *.to.$C.* moobacker.$C.seal; do mv $f x-$f; done",
    ),
];

/// Who has what: the options with which the state comes back.
const WHO: [(&str, &str); 4] = [
    ("both", "--name archive --seal-key host.cert.pgp"),
    ("the seal key", "--name lost --seal-key host.cert.pgp"),
    ("the archive directory", "--name archive"),
    ("neither", "--name lost"),
];

/// What can't hold for who has neither: nothing tells a set that was added from one of ours, and
/// nothing tells that the newest was there.
const UNKNOWABLE: [&str; 8] = [
    "a whole set renamed as its uploads",
    "an increment on the newest",
    "an increment beside the newest",
    "an increment on nothing",
    "a full set",
    "a full set to come",
    "a full set of the same second",
    "a seal of a full set",
];

const SEALED: &str = "--encrypt-key key.cert.pgp --seal-key host.secret.pgp";
const KEY: &str = "--archive-dir . --secret-key key.secret.pgp";

struct Barn {
    sandbox: Sandbox,
    state: Snapshot,
    set: String,
}

fn barn() -> Barn {
    let sandbox = Sandbox::new();
    let keys =
        "moo-keygen --sign-only host >/dev/null && moo-keygen --no-passphrase key >/dev/null";
    sandbox.sh(keys).silent();
    let tree = Tree::small(sandbox.path("src"));
    let moo = Moo::new(&sandbox, SEALED);
    for day in 0..3 {
        tree.noise("day", 1000 + day);
        moo.backup("").silent();
    }
    let times = stored(&sandbox);
    sandbox.sh("cp -a store good; cp -a archive known").silent();
    let next = sandbox.sh("sleep 1.1; date -u +%Y%m%dT%H%M%SZ").succeeds().out();
    let set = format!(
        "A={}; B={}; C={}; N={}; F=20991231T000000Z; U=file://$PWD/store; ",
        times[0],
        times[1],
        times[2],
        next.trim()
    );
    sandbox.sh("sleep 1.1").silent();
    Barn { state: Snapshot::kept(tree.root()), sandbox, set }
}

impl Barn {
    fn fresh(&self, script: &str) {
        let fresh = "rm -rf store archive out copy got; cp -a good store; cp -a known archive; ";
        self.sandbox.sh(&format!("{fresh}{}{script}", self.set)).succeeds();
    }

    fn run(&self, script: &str) -> tests::Run {
        self.sandbox.sh(&format!("{}{script}", self.set))
    }

    /// The state comes back, with a line or none.
    #[track_caller]
    fn comes_back(&self, case: &str, options: &str) {
        let run = self.run(&format!("moo restore {KEY} {options} $U out"));
        assert!([0, 3].contains(&run.status), "{case}: {}: {}", run.status, run.err());
        assert!(run.status == 0 || !run.err().is_empty(), "{case}: says why");
        assert_same(&self.state, &Snapshot::kept(self.sandbox.path("out")));
        self.sandbox.remove("out");
    }
}

#[test]
fn what_somebody_adds_or_renames_does_not_stand_in_the_way_of_a_restore() {
    let barn = barn();
    let count = DEEDS.len() * WHO.len();
    let mut tried = 0;
    for index in spread(scale(48, count), count) {
        let (deed, script) = DEEDS[index / WHO.len()];
        let (who, options) = WHO[index % WHO.len()];
        if who == "neither" && UNKNOWABLE.contains(&deed) {
            continue;
        }
        barn.fresh(script);
        barn.comes_back(&format!("{deed}, {who}"), options);
        barn.comes_back(&format!("{deed}, {who}, on"), &format!("{options} --keep-going"));
        tried += 1;
    }
    eprintln!("{tried} deeds and looks");
}

#[test]
fn what_somebody_adds_or_renames_does_not_end_the_backups() {
    let barn = barn();
    for index in spread(scale(12, DEEDS.len()), DEEDS.len()) {
        let (deed, script) = DEEDS[index];
        barn.fresh(script);
        let run = barn.run(&format!(
            "echo {index} >src/new && moo backup {SEALED} --archive-dir . --name archive src $U"
        ));
        assert_eq!(run.status, 0, "{deed}: {}", run.err());
        let fulls = barn.run("ls archive/*full-sig* | wc -l").out();
        // Only an increment on the newest set is in the way of another one, and only of that.
        let wanted = if deed == "an increment on the newest" { "2" } else { "1" };
        assert_eq!(fulls.trim(), wanted, "{deed}: {}", run.err());
        let state = Snapshot::kept(barn.sandbox.path("src"));
        for (_, options) in WHO.iter().filter(|(who, _)| *who != "neither") {
            let back = barn.run(&format!("moo restore {KEY} {options} $U out"));
            assert!([0, 3].contains(&back.status), "{deed}: {options}: {}", back.err());
            assert_same(&state, &Snapshot::kept(barn.sandbox.path("out")));
            barn.sandbox.remove("out");
        }
    }
}

#[test]
fn beside_a_set_that_was_added_a_path_and_a_list_did_not_come_without_an_archive_directory_and_do()
{
    let barn = barn();
    let lost = "--archive-dir . --name lost --seal-key host.cert.pgp --secret-key key.secret.pgp";
    let added = DEEDS.iter().filter(|(deed, _)| deed.starts_with("a full set"));
    for (deed, script) in added {
        barn.fresh(script);
        for part in ["--path day", "--path day --path folder", "--include day --exclude '**'"] {
            let restore = format!("rm -rf out; moo restore {part} {lost} $U out");
            let run = barn.run(&restore).fails_with(3).one_message();
            run.stderr_has("does not count");
            let day = if part == "--path day" { "out" } else { "out/day" };
            barn.run(&format!("cmp src/day {day}")).silent();
        }
        for command in ["list", "find", "diff"] {
            let words = match command {
                "find" => "$U day",
                "diff" => "$U $A $C",
                _ => "$U",
            };
            let run = barn.run(&format!("moo {command} {lost} {words}"));
            assert_eq!(run.status, 3, "{deed}: {command}: {}", run.err());
            let run = run.stdout_has("day").stderr_has("does not count");
            assert_eq!(run.err().lines().count(), 1, "{deed}: {command}: {}", run.err());
        }
    }
}

/// Commands that have to do their work, and the statuses with which they may end: those that look
/// for what is foreign say what it is.
const COMMANDS: [(&str, &[i32]); 7] = [
    ("moo status --archive-dir . --name archive --max-age 26h $U", &[0]),
    ("moo verify --quick --archive-dir . --name archive $U", &[0, 5]),
    ("moo list --archive-dir . --name archive $U", &[0]),
    ("moo prune --archive-dir . --name archive --keep-full 1 $U", &[0]),
    ("moo cleanup --archive-dir . --name archive $U", &[0]),
    (
        "moo sync --seal-key host.cert.pgp --secret-key key.secret.pgp --archive-dir . --name got $U",
        &[0, 3],
    ),
    ("moo replicate $U file://$PWD/copy", &[0, 3, 5]),
];

#[test]
fn what_somebody_adds_or_renames_does_not_stop_the_other_commands() {
    let barn = barn();
    let count = DEEDS.len() * COMMANDS.len();
    for index in spread(scale(40, count), count) {
        let (deed, script) = DEEDS[index / COMMANDS.len()];
        let (command, statuses) = COMMANDS[index % COMMANDS.len()];
        barn.fresh(script);
        let run = barn.run(command);
        assert!(statuses.contains(&run.status), "{deed}: {command}: {} {}", run.status, run.err());
    }
}

/// Renames and additions that make a set look like a leftover of an interrupted upload.
const DISGUISES: [&str; 3] = [
    "f=duplicity-inc.$B.to.$C.manifest.gpg; mv store/$f store/.upload-1a.2.3-$f",
    "for f in duplicity-inc.$B.to.$C.manifest.gpg moobacker.$C.seal; do mv store/$f store/.upload-1a.2.3-$f; done",
    "for s in full.$A inc.$A.to.$B inc.$B.to.$C; do echo moo >store/.upload-1.2.3-duplicity-$s.manifest.gpg; done",
];

/// What deletes leftovers: none of it has an archive directory.
const SWEEPERS: [&str; 3] = [
    "moo cleanup --force --archive-dir . --name lost $U",
    "moo-fetch --all file://$PWD/good | moo-upload $U | moo-commit",
    "mkdir more; moo-scan --full more | moo-sign | moo-delta | moo-pack |
        moo-encrypt --encrypt-key key.cert.pgp | moo-upload $U >/dev/null",
];

#[test]
fn a_set_that_was_made_to_look_like_a_leftover_is_not_deleted() {
    let barn = barn();
    let time = barn.set.split_once("C=").and_then(|(_, rest)| rest.split(';').next());
    for index in 0..DISGUISES.len() * SWEEPERS.len() {
        let (disguise, sweeper) = (DISGUISES[index / 3], SWEEPERS[index % 3]);
        barn.fresh(disguise);
        barn.run(sweeper).succeeds();
        barn.sandbox.sh("rm -rf more").silent();
        let options = format!("--name lost --seal-key host.cert.pgp --time {}", time.unwrap());
        barn.comes_back(&format!("{disguise}, {sweeper}"), &options);
    }
}
