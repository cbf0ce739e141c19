//! Names that are not UTF-8, in messages.

use tests::Sandbox;

/// Commands that fail, each with a name of byte 0xFF in one of its places; $N is `cow`, that byte,
/// `moo`.
const FAILING: [(&str, &str); 16] = [
    ("backup: no source", "moo backup --no-encryption $A $W/$N $U"),
    ("backup: a link as source", "ln -s src $N; moo backup --no-encryption $A $W/$N $U"),
    ("backup: no key", "moo backup --encrypt-key $W/$N $A $W/src $U"),
    (
        "backup: an archive that is a file",
        "touch $N; moo backup --no-encryption --archive-dir $W/$N src $U",
    ),
    ("backup: a list of patterns", "moo backup --no-encryption --exclude-filelist $W/$N $A src $U"),
    (
        "backup: a store in its source",
        "mkdir -p $N; moo backup --no-encryption $A $W/$N file://$W/$N",
    ),
    ("restore: a destination that exists", "mkdir $N; touch $N/x; moo restore $A $U $W/$N"),
    ("restore: a file above", "touch $N; moo restore $A $U $W/$N/out"),
    ("replicate: no UTF-8", "moo replicate $U file://$W/$N"),
    ("restore: no such path", "moo restore --path $N $A $U out"),
    ("list: no such path", "moo list $A $U $N"),
    ("verify: no source", "moo verify $A $U $W/$N"),
    ("sync: an archive that is a file", "touch $N; moo sync --archive-dir $W/$N $U"),
    ("prune: no archive", "moo-prune --keep-full 1 --archive $W/$N $U"),
    ("rekey: no key", "moo rekey --encrypt-key $W/$N $U file://$W/copy"),
    ("keygen: a key that exists", "touch $N.cert.pgp; moo keygen --no-passphrase $W/$N"),
];

#[test]
fn a_name_that_is_not_utf_8_is_spelt_out_in_every_message() {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir src && echo moo >src/a").silent();
    let set =
        "W=$PWD; U=file://$W/store; N=$(printf 'cow\\377moo'); A='--archive-dir . --name archive'";
    sandbox.sh(&format!("{set}; moo backup --no-encryption $A $W/src $U")).silent();
    let mut faults = Vec::new();
    for (case, script) in FAILING {
        let run = sandbox.sh(&format!("{set}; {script}"));
        let said = run.err();
        eprintln!("{case}: {} {said}", run.status);
        if run.status == 0 || !said.contains("cow\\xffmoo") || said.contains('\u{fffd}') {
            faults.push(format!("{case}: {} {said}", run.status));
        }
        sandbox.sh(&format!("{set}; rm -rf $N* out copy")).silent();
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn keys_are_read_from_files_whose_names_are_not_utf_8() {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir src && echo moo >src/a && moo keygen --no-passphrase key").succeeds();
    let name = "N=$(printf 'cow\\377moo'); mkdir $N; mv key.cert.pgp key.secret.pgp $N";
    sandbox.sh(name).silent();
    let set = "U=file://$PWD/store; N=$(printf 'cow\\377moo')";
    let seal = "--seal-key $N/key.cert.pgp";
    for script in [
        "moo backup --encrypt-key $N/key.cert.pgp --sign-key $N/key.secret.pgp \
            --seal-key $N/key.secret.pgp src $U"
            .to_owned(),
        format!(
            "moo restore {seal} --secret-key $N/key.secret.pgp --sign-key $N/key.cert.pgp $U out"
        ),
        "diff -r src out".to_owned(),
        format!("moo verify --quick {seal} $U"),
        format!("moo status {seal} $U"),
        "moo rekey --secret-key $N/key.secret.pgp --hidden-encrypt-key $N/key.cert.pgp \
            $U file://$PWD/other"
            .to_owned(),
    ] {
        sandbox.sh(&format!("{set}; {script}")).succeeds();
    }
}
