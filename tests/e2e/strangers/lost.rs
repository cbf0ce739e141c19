//! A sealed set whose manifest nobody finds: it was deleted, or renamed so that no listing shows it.

use tests::Sandbox;

use crate::moo::{Moo, stored};

/// What becomes of the newest set; $C is its time.
const DEEDS: [(&str, &str); 4] = [
    ("the manifest is deleted", "rm store/*.to.$C.manifest.gpg"),
    (
        "the manifest has a name that is not UTF-8",
        "mv store/*.to.$C.manifest.gpg \"store/$(printf 'moo\\377')\"",
    ),
    ("only the seal is left", "rm store/*.to.$C.*.gpg"),
    ("the manifests of all sets are deleted", "rm store/*.manifest.gpg"),
];

/// Commands without an archive directory, and the statuses that they may have.
const COMMANDS: [(&str, i32); 8] = [
    ("moo restore $K $U out", 5),
    ("moo restore --keep-going $K $U out", 5),
    ("moo restore $K --time $B $U out && diff -r two out", 0),
    ("moo verify --quick --archive-dir . --name lost $U", 5),
    ("moo status --archive-dir . --name lost $U", 5),
    ("moo replicate $U file://$PWD/copy", 5),
    ("moo cleanup --archive-dir . --name lost --force $U && diff -r store left", 0),
    ("moo prune --archive-dir . --name lost --keep-full 1 --force $U && diff -r store left", 0),
];

fn barn(options: &'static str) -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    let keys =
        "moo-keygen --sign-only host >/dev/null && moo-keygen --no-passphrase key >/dev/null";
    sandbox.sh(&format!("{keys}; mkdir src")).silent();
    let moo = Moo::new(&sandbox, options);
    for day in ["one", "two", "three"] {
        sandbox.sh(&format!("echo {day} >src/{day}; cp -a src {day}")).silent();
        moo.backup("").silent();
    }
    let times = stored(&sandbox);
    sandbox.sh("cp -a store good").silent();
    let set = "K='--archive-dir . --name lost --secret-key key.secret.pgp'; U=file://$PWD/store";
    (sandbox, format!("B={}; C={}; {set}; ", times[1], times[2]))
}

#[test]
fn a_sealed_set_whose_manifest_is_gone_or_hidden_is_damaged_and_no_cleanup_deletes_it() {
    for options in
        ["--encrypt-key key.cert.pgp", "--encrypt-key key.cert.pgp --seal-key host.secret.pgp"]
    {
        let (sandbox, set) = barn(options);
        for (deed, script) in DEEDS {
            for (command, status) in COMMANDS {
                if deed.contains("all sets") && command.contains("--time") {
                    continue;
                }
                let fresh = "rm -rf store left out copy lost; cp -a good store; ";
                sandbox.sh(&format!("{fresh}{set}{script}; cp -a store left")).silent();
                let run = sandbox.sh(&format!("{set}{command}"));
                let case = format!("{options}: {deed}: {command}: {}", run.err());
                assert_eq!(run.status, status, "{case}");
                let says = ["missing", "not there"].iter().any(|word| run.err().contains(word));
                assert!(status == 0 || says, "{case}");
            }
        }
    }
}

#[test]
fn a_prune_that_is_killed_after_each_file_leaves_no_set_that_looks_damaged() {
    let (sandbox, set) = barn("--encrypt-key key.cert.pgp");
    let words = "--archive-dir . --name lost";
    sandbox
        .sh("sleep 1.1; moo backup full --encrypt-key key.cert.pgp --name new --start-over \
        --archive-dir . src file://$PWD/store && rm -rf good && cp -a store good")
        .succeeds();
    let prune = "moo-prune --keep-full 1 --force file://$PWD/store";
    let deleted = "strace -f -e trace=unlink,unlinkat -o traced";
    for count in 1..12 {
        let fresh = format!("rm -rf store lost; cp -a good store; {set}");
        let kill = format!("{deleted} -e inject=unlink,unlinkat:signal=KILL:when={count} {prune}");
        sandbox.sh(&format!("{fresh}{kill} >said 2>&1; true")).silent();
        let run = sandbox.sh(&format!("{set}moo status {words} $U"));
        assert_eq!(run.status, 0, "{count}: {} {}", run.out(), run.err());
    }
}
