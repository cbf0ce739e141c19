//! Sets of which every file was given the temporary name of an upload. They look unfinished, but the seal
//! key, or what follows them, tells that they are not.

use tests::{Run, Sandbox};

use crate::moo::{Moo, stored};

/// Gives all files of the sets of these times the temporary names of an upload.
const HIDE: &str = "hide() { for time; do
    for f in store/*.$time.manifest* store/*.$time.vol* store/*.$time.sig* store/moobacker.$time.seal; do
        [ ! -e $f ] || mv $f store/.upload-1a.2.3-${f#store/} || exit
    done
done; }; ";

const KEYS: &str = "--encrypt-key key.cert.pgp --seal-key host.secret.pgp";

/// A store with some sets, and the states that they have: `state0`, `state1` …
struct Barn {
    sandbox: Sandbox,
    times: String,
}

impl Barn {
    fn new(kinds: &[&str]) -> Barn {
        let sandbox = Sandbox::new();
        let keys =
            "moo-keygen --sign-only host >/dev/null && moo-keygen --no-passphrase key >/dev/null";
        sandbox.sh(&format!("{keys}; mkdir src")).silent();
        let moo = Moo::new(&sandbox, KEYS);
        for (number, kind) in kinds.iter().enumerate() {
            sandbox.sh(&format!("echo {number} >src/{number}; cp -a src state{number}")).silent();
            moo.backup(kind).silent();
        }
        let names = ["A", "B", "C", "D"].iter().zip(stored(&sandbox));
        let times: String = names.map(|(name, time)| format!("{name}={time}; ")).collect();
        sandbox.sh("cp -a store good; cp -a archive known").silent();
        Barn { sandbox, times }
    }

    fn after(&self, deed: &str) {
        let fresh = "rm -rf store archive out; cp -a good store; cp -a known archive";
        self.sandbox.sh(&format!("{fresh}; {}{HIDE}{deed}", self.times)).silent();
    }

    fn run(&self, command: &str) -> Run {
        let words = "L='--archive-dir . --name lost --seal-key host.cert.pgp'; \
            K='--secret-key key.secret.pgp'; U=file://$PWD/store; rm -rf out; ";
        self.sandbox.sh(&format!("{}{words}{command}", self.times))
    }
}

/// What becomes of the sets, and the states that a time gives with the seal key alone.
const DEEDS: [(&str, &str, &str); 3] = [
    ("the newest set", "hide $C", "2"),
    ("all increments", "hide $B $C", "2"),
    ("all sets", "hide $A $B $C", "2"),
];

#[test]
fn a_set_all_of_whose_files_were_renamed_as_uploads_looked_unfinished_and_comes_back_by_its_seal() {
    let barn = Barn::new(&["", "", ""]);
    for (what, deed, state) in DEEDS {
        barn.after(deed);
        for more in ["", "--keep-going", "--path 0"] {
            let same = if more.starts_with("--path") { "/0" } else { "" };
            let restore =
                format!("moo restore {more} $L $K $U out && diff -r state{state}{same} out");
            let run = barn.run(&restore).succeeds();
            run.stderr_has("have temporary names")
                .stderr_has("it counts, because a valid seal lists them");
        }
        barn.run("moo restore --time $A $L $K $U out && diff -r state0 out").succeeds();
        barn.run("moo restore --time $B $L $K $U out && diff -r state1 out").succeeds();
        for verify in ["moo verify --quick $L $U", "moo verify $L $K $U"] {
            barn.run(verify).fails_with(5).stderr_has("all its files have temporary names");
        }
        let list = barn.run("moo list $L $K $U").succeeds();
        assert!(list.out().contains('2'), "{what}: {}", list.out());
        let status = barn.run("moo status $L $U");
        assert!(status.out().contains("temporary names"), "{what}: {}", status.out());
        // The host knows its sets, and gives their files their names again.
        barn.run("moo restore --archive-dir . --name archive $K $U out && diff -r state2 out")
            .succeeds();
        let backup =
            format!("echo new >src/new; moo backup {KEYS} --archive-dir . --name archive src $U");
        barn.run(&backup).succeeds();
        barn.run("ls -A store | grep -c upload; ls store/*full*.manifest.gpg | wc -l")
            .stdout_is("0\n1");
        barn.run("moo restore $L $K $U out && diff -r src out").silent();
        barn.sandbox.sh("rm src/new").silent();
    }
}

#[test]
fn a_hidden_set_that_lacks_a_file_too_is_named_and_the_state_before_it_is_restored() {
    let barn = Barn::new(&["", "", ""]);
    let manifest = "store/duplicity-inc.$B.to.$C.manifest.gpg";
    for lost in [
        format!("mv {manifest} \"store/$(printf 'moo\\377')\""),
        format!("mkdir store/below && mv {manifest} store/below"),
        "rm store/*.$C.vol1.difftar.gpg".to_owned(),
    ] {
        barn.after(&format!("{lost}; hide $C"));
        for more in ["", "--keep-going"] {
            let run = barn.run(&format!("moo restore {more} $L $K $U out")).fails_with(3);
            run.one_message().stderr_has("not all its files").stderr_has("does not count");
            barn.sandbox.sh("diff -r state1 out").silent();
        }
        barn.run("moo restore --time $B $L $K $U out && diff -r state1 out").silent();
        barn.run("moo verify --quick $L $U").fails_with(5).stderr_has("not all its files");
        let status = barn.run("moo status $L $U");
        assert!(status.out().contains("not all its files"), "{lost}: {}", status.out());
        // Who knows the set misses it.
        let known = "moo restore --archive-dir . --name archive --seal-key host.cert.pgp $K $U out";
        barn.run(known).fails_with(5);
    }
}

#[test]
fn a_store_whose_only_set_is_hidden_and_lacks_a_file_has_no_backup_and_says_why() {
    let barn = Barn::new(&[""]);
    barn.after("mv store/*.manifest.gpg \"store/$(printf 'moo\\377')\"; hide $A");
    let run = barn.run("moo restore $L $K $U out").fails_with(5).one_message();
    run.stderr_has("not all its files").stderr_has("there is no other");
    barn.run("moo verify --quick $L $U").fails_with(5).stderr_has("not all its files");
}

#[test]
fn hidden_increments_of_an_older_chain_are_restored_because_the_next_seal_follows_theirs() {
    let barn = Barn::new(&["", "", "", "full"]);
    barn.after("hide $B $C");
    barn.run("moo restore $L $K $U out && diff -r state3 out").succeeds();
    barn.run("moo restore --time $C $L $K $U out && diff -r state2 out").succeeds();
    barn.run("moo restore --time $B $L $K $U out && diff -r state1 out").succeeds();
}

#[test]
fn an_upload_that_was_interrupted_before_its_names_does_not_count_beside_a_newer_set() {
    let barn = Barn::new(&["", ""]);
    let backup = format!("moo backup {KEYS} --archive-dir . --name archive src file://$PWD/store");
    let first = "sleep 1.1; echo first >src/first";
    let aside = "mkdir aside; for f in store/*; do [ -e good/${f#store/} ] || cp $f aside; done; rm src/first";
    barn.sandbox.sh(&format!("{first}; {backup} && {aside}")).silent();
    barn.after("");
    // The next run did not resume it, and could delete nothing.
    let second = "sleep 1.1; echo second >src/second";
    let left = "for f in aside/*; do cp $f store/.upload-1a.2.3-${f#aside/}; done";
    barn.sandbox.sh(&format!("{second}; {backup} && {left}")).silent();
    barn.run("moo restore $L $K $U out && diff -r src out").silent();
    barn.run("moo verify $L $K $U").silent();
    barn.run("moo restore --archive-dir . --name archive $K $U out && diff -r src out").silent();
}

#[test]
fn a_cleanup_without_archive_directory_takes_no_set_for_leftovers_whose_files_were_renamed_as_uploads()
 {
    let barn = Barn::new(&["", ""]);
    for deed in ["hide $B", "hide $A $B"] {
        barn.after(&format!("{deed}; cp -a store before"));
        barn.run("moo cleanup --archive-dir . --name lost $U")
            .stdout_has("or they were renamed")
            .stdout_has("nothing would go");
        barn.run("moo cleanup --force --archive-dir . --name lost $U").silent();
        barn.run("diff -r before store && rm -r before").silent();
        barn.run("moo restore $L $K $U out && diff -r state1 out").succeeds();
        // The host knows them.
        let known = "moo cleanup --archive-dir . --name archive";
        barn.run(&format!("{known} $U")).stdout_is("nothing would go");
    }
    // Of a set that was cut off there is nothing to be had.
    barn.after("hide $B; rm store/.upload*.vol1.*");
    barn.run("moo cleanup --force --archive-dir . --name lost $U").silent();
    barn.run("ls -A store | grep -c upload").stdout_is("0");
}
