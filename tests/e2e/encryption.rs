//! Keys and passphrases, from all the places that they come from.

use std::fs;

use tests::damage::find_all;
use tests::{Duplicity, Key, Run, Sandbox, Snapshot, Tree, assert_same, until};

use crate::moo::Moo;

const USER: &str = "Moo <moo@example.org>";

/// A sandbox with a key and a tree.
fn farm() -> (Sandbox, Key, Snapshot) {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, USER);
    let state = Snapshot::kept(Tree::small(sandbox.path("src")).root());
    (sandbox, key, state)
}

/// A full set and its restore, both with these words in front of the options.
fn round(sandbox: &Sandbox, backup: &str, restore: &str, state: &Snapshot) {
    Moo::new(sandbox, backup).backup("full").silent();
    back(sandbox, restore, state);
    sandbox.sh("rm -r store archive").silent();
}

fn back(sandbox: &Sandbox, restore: &str, state: &Snapshot) {
    restored(sandbox, restore).silent();
    assert_same(state, &Snapshot::kept(sandbox.path("out")));
    sandbox.remove("out");
}

fn restored(sandbox: &Sandbox, options: &str) -> Run {
    sandbox.sh(&format!("moo restore {options} file://$PWD/store out"))
}

/// Both duplicities restore it with these options.
fn stock_restores(sandbox: &Sandbox, options: &str, state: &Snapshot) {
    let peers = [Duplicity::old(sandbox), Duplicity::new(sandbox)];
    for peer in peers.map(|peer| peer.archive("lost").option(options)) {
        peer.restore("out").succeeds();
        let out = Snapshot::of(sandbox.path("out"));
        assert_same(&state.clone().as_stock(), &out.as_stock());
        sandbox.sh("rm -r out lost").silent();
    }
}

#[test]
fn a_key_has_many_names() {
    let (sandbox, key, state) = farm();
    key.export(&sandbox, "binary");
    sandbox.sh("gpg --enarmor <binary >armored 2>/dev/null && sed -i 's/ARMORED FILE/PUBLIC KEY BLOCK/' armored").silent();
    let list = sandbox.sh("gpg -k --with-colons").succeeds().out();
    let field = |record: &str, number: usize| {
        let line = list.lines().find(|line| line.starts_with(record)).unwrap();
        line.split(':').nth(number).unwrap().to_owned()
    };
    let (long, subkey) = (field("pub:", 4), field("sub:", 4));
    let fingerprint = key.fingerprint.clone();
    let names = [
        fingerprint.clone(),
        fingerprint.to_lowercase(),
        format!("0x{fingerprint}"),
        long.clone(),
        long[8..].to_owned(),
        subkey,
        "moo@example.org".into(),
        "Moo".into(),
        format!("'{USER}'"),
        "binary".into(),
        "armored".into(),
        "$PWD/binary".into(),
    ];
    for name in names {
        round(&sandbox, &format!("--encrypt-key {name}"), "", &state);
    }
    for unknown in ["0123456789ABCDEF", "nobody@example.org", "src/nothing", "store"] {
        let run = Moo::new(&sandbox, &format!("--encrypt-key {unknown}")).backup("");
        run.fails_with(6).one_message().stderr_has(unknown);
    }
    sandbox.sh("ls -A store 2>/dev/null").stdout_is("");
}

#[test]
fn any_of_several_keys_opens_a_backup_and_a_hidden_one_too() {
    let (sandbox, first, state) = farm();
    let second = Key::open(&sandbox, "Second <second@example.org>");
    first.export_secret(&sandbox, "first", "");
    second.export_secret(&sandbox, "second", "");
    for how in ["--encrypt-key", "--hidden-encrypt-key"] {
        let moo = Moo::new(&sandbox, &format!("--encrypt-key {first} {how} {second}"));
        moo.backup("full").silent();
        for key in ["first", "second"] {
            back(&sandbox, &format!("--secret-key {key}"), &state);
        }
        back(&sandbox, "", &state);
        sandbox.sh("rm -r store archive").silent();
    }
    Moo::new(&sandbox, &format!("--hidden-encrypt-key {second}")).backup("full").silent();
    sandbox
        .sh("gpg --list-packets --list-only store/*vol1* 2>&1 | grep pubkey.enc")
        .stdout_has("keyid 0000000000000000");
    // Where GnuPG has to try several keys, it ends with an error though one of them fits.
    first.forget(&sandbox);
    stock_restores(&sandbox, &format!("--hidden-encrypt-key {second}"), &state);
    second.forget(&sandbox);
    let run = restored(&sandbox, "").fails_with(6).one_message();
    run.stderr_has("encrypted to a hidden key, but there is no key to open it");
    back(&sandbox, "--secret-key first --secret-key second", &state);
}

#[test]
fn a_passphrase_alone_encrypts_and_comes_from_the_environment_a_file_or_a_descriptor() {
    let (mut sandbox, _, state) = farm();
    fs::write(sandbox.path("pass"), "purr purr\nrest").unwrap();
    round(&sandbox, "--passphrase-file pass", "--passphrase-file pass", &state);
    round(&sandbox, "--passphrase-fd 5 5<pass", "--passphrase-fd 5 5<pass", &state);
    Moo::new(&sandbox, "--passphrase-file pass").backup("full").silent();
    let run = restored(&sandbox, "").fails_with(6).one_message();
    run.stderr_has("encrypted to a passphrase, but there is no key to open it");
    sandbox.set("PASSPHRASE", "wrong");
    let run = restored(&sandbox, "").fails_with(6).one_message();
    run.stderr_has("the passphrase does not open it");
    back(&sandbox, "--passphrase-file pass", &state);
    sandbox.set("PASSPHRASE", "purr purr");
    back(&sandbox, "", &state);
    stock_restores(&sandbox, "", &state);
    sandbox.sh("rm -r store archive").silent();
    round(&sandbox, "", "", &state);
    for peer in [Duplicity::old(&sandbox), Duplicity::new(&sandbox)] {
        peer.full("src").succeeds();
        restored(&sandbox, "").silent();
        assert_same(&state.clone().as_stock(), &Snapshot::kept(sandbox.path("out")).as_stock());
        sandbox.sh("rm -r out store archive").silent();
    }
    sandbox.unset("PASSPHRASE");
    let run = Moo::new(&sandbox, "").backup("full").fails_with(6).one_message();
    run.stderr_has("no key and no passphrase to encrypt with");
    Moo::new(&sandbox, "--passphrase-file nothing").backup("full").fails_with(6).one_message();
}

#[test]
fn a_backup_that_is_signed_inside_is_checked_by_all() {
    for passphrase in ["", "sign purr"] {
        let (mut sandbox, key, state) = farm();
        let signer = Key::locked(&sandbox, "Signer <signer@example.org>", passphrase);
        let other = Key::open(&sandbox, "Other <other@example.org>");
        if !passphrase.is_empty() {
            let moo = Moo::new(&sandbox, &format!("--encrypt-key {key} --sign-key {signer}"));
            sandbox.sh("gpgconf --kill gpg-agent").succeeds();
            moo.backup("full").fails_with(6).one_message().stderr_has("signing key");
        }
        // duplicity asks for it unless it is set, be it to nothing.
        sandbox.set("SIGN_PASSPHRASE", passphrase);
        let moo = Moo::new(&sandbox, &format!("--encrypt-key {key} --sign-key {signer}"));
        moo.backup("full").silent();
        back(&sandbox, "", &state);
        back(&sandbox, &format!("--sign-key {signer}"), &state);
        let run = restored(&sandbox, &format!("--sign-key {other}")).fails_with(5).one_message();
        run.stderr_has("no valid signature by a wanted signer");
        stock_restores(&sandbox, &format!("--encrypt-key {key} --sign-key {signer}"), &state);
        sandbox.sh("rm -r store archive").silent();
        for peer in [Duplicity::old(&sandbox), Duplicity::new(&sandbox)] {
            let peer = peer.option(&format!("--encrypt-key {key} --sign-key {signer}"));
            peer.full("src").succeeds();
            restored(&sandbox, &format!("--sign-key {signer}")).silent();
            let out = Snapshot::kept(sandbox.path("out")).as_stock();
            assert_same(&state.clone().as_stock(), &out);
            sandbox.sh("rm -r out").silent();
            let run = restored(&sandbox, &format!("--sign-key {other}"));
            run.fails_with(5).one_message();
            sandbox.sh("rm -r store archive").silent();
        }
        Moo::encrypted(&sandbox, &key).backup("full").silent();
        let run = restored(&sandbox, &format!("--sign-key {signer}")).fails_with(5).one_message();
        run.stderr_has("no valid signature by a wanted signer");
    }
}

#[test]
fn a_secret_key_that_is_missing_or_locked_is_told_by_its_id() {
    let (mut sandbox, _, state) = farm();
    let key = Key::locked(&sandbox, "Locked <locked@example.org>", "purr");
    key.export_secret(&sandbox, "secret", "purr");
    let list = sandbox.sh("gpg -k --with-colons locked@example.org | grep ^sub: | cut -d : -f 5");
    let subkey = list.succeeds().out().trim().to_owned();
    Moo::encrypted(&sandbox, &key).backup("full").silent();
    let forget = "gpgconf --kill gpg-agent";
    for (passphrase, options, works) in [
        (None, "", false),
        (Some("wrong"), "", false),
        (Some("purr"), "", true),
        (None, "--secret-key secret", false),
        (Some("wrong"), "--secret-key secret", false),
        (Some("purr"), "--secret-key secret", true),
    ] {
        sandbox.sh(forget).succeeds();
        match passphrase {
            Some(passphrase) => sandbox.set("PASSPHRASE", passphrase),
            None => sandbox.unset("PASSPHRASE"),
        };
        if works {
            back(&sandbox, options, &state);
        } else {
            restored(&sandbox, options).fails_with(6).one_message().stderr_has(&subkey);
        }
    }
    // The agent knows the passphrase from the time before.
    sandbox.set("PASSPHRASE", "purr");
    back(&sandbox, "", &state);
    sandbox.unset("PASSPHRASE");
    let warm = "gpg -q --batch --pinentry-mode loopback --passphrase purr -d store/*manifest.gpg >/dev/null";
    sandbox.sh(warm).succeeds();
    back(&sandbox, "", &state);
    key.forget(&sandbox);
    let run = restored(&sandbox, "").fails_with(6).one_message();
    run.stderr_has(&subkey).stderr_has("but there is no key to open it");
}

#[test]
fn a_key_or_passphrase_file_whose_name_is_not_utf_8_is_named_by_its_bytes() {
    let (sandbox, key, _) = farm();
    Moo::encrypted(&sandbox, &key).backup("full").silent();
    sandbox.sh(r#"printf moo >"$(printf 'junk\377')""#).silent();
    for (option, file, message) in [
        ("--secret-key", "junk", r"junk\xff: no OpenPGP certificate in this file"),
        ("--secret-key", "none", r"none\xff: no such file or directory"),
        ("--passphrase-file", "none", r"none\xff: no such file or directory"),
    ] {
        let run = restored(&sandbox, &format!(r#"{option} "$(printf '{file}\377')""#));
        run.fails_with(6).one_message().stderr_has(message);
    }
}

#[test]
fn an_expired_certificate_is_not_encrypted_to() {
    let (sandbox, _, _) = farm();
    sandbox.sh("moo-keygen --no-passphrase --expires 1s short >/dev/null && sleep 2").silent();
    let run = Moo::new(&sandbox, "--encrypt-key short.cert.pgp").backup("full");
    run.fails_with(6).one_message().stderr_has("expired on");
    sandbox.sh("ls -A store 2>/dev/null").stdout_is("");
}

#[test]
fn a_key_of_moo_keygen_serves_moobacker_gnupg_and_duplicity() {
    let (mut sandbox, _, state) = farm();
    sandbox.set("PASSPHRASE", "purr purr");
    let keygen = sandbox.sh("moo-keygen --user-id 'Barn <barn@example.org>' barn").succeeds();
    let fingerprint = keygen.out().trim().to_owned();
    sandbox.unset("PASSPHRASE");
    Moo::new(&sandbox, "--encrypt-key barn.cert.pgp").backup("full").silent();
    let run = restored(&sandbox, "--secret-key barn.secret.pgp").fails_with(6).one_message();
    run.stderr_has("locked, and no passphrase is given");
    let run = restored(&sandbox, "--secret-key barn.cert.pgp").fails_with(6).one_message();
    run.stderr_has("barn.cert.pgp: a certificate only, without its secret key");
    sandbox.set("PASSPHRASE", "purr purr");
    back(&sandbox, "--secret-key barn.secret.pgp", &state);
    sandbox.sh("gpg -q --batch --import barn.secret.pgp").succeeds();
    back(&sandbox, "", &state);
    stock_restores(&sandbox, &format!("--encrypt-key {fingerprint}"), &state);
    for peer in [Duplicity::old(&sandbox), Duplicity::new(&sandbox)] {
        sandbox.sh("rm -r store archive").silent();
        let trusted =
            peer.option(&format!("--encrypt-key {fingerprint} --gpg-options=--trust-model=always"));
        trusted.full("src").succeeds();
        restored(&sandbox, "--secret-key barn.secret.pgp").silent();
        sandbox.sh("rm -r out").silent();
    }
}

#[test]
fn compression_is_a_choice() {
    let (sandbox, key, _) = farm();
    let tree = Tree::small(sandbox.path("other"));
    tree.file("text", &b"the cow jumped over the moon\n".repeat(20_000));
    sandbox.sh("rm -r src && mv other src").silent();
    let state = Snapshot::kept(sandbox.path("src"));
    let mut sizes = Vec::new();
    for how in [format!("--encrypt-key {key}"), "--no-encryption".into()] {
        for level in ["--compress-level 9", "--compress-level=1", "", "--no-compression"] {
            Moo::new(&sandbox, &format!("{how} {level}")).backup("full").silent();
            let volume = find_all(sandbox.path("store"), "vol1").remove(0);
            sizes.push(volume.metadata().unwrap().len());
            back(&sandbox, "", &state);
            stock_restores(&sandbox, &how, &state);
            sandbox.sh("rm -r store archive").silent();
        }
    }
    for four in sizes.chunks(4) {
        assert!(four[0] <= four[1] && four[3] > four[2] + 500_000, "{sizes:?}");
    }
    for wrong in ["0", "10", "x"] {
        let moo = Moo::new(&sandbox, &format!("--no-encryption --compress-level {wrong}"));
        moo.backup("full").fails_with(2).one_message();
    }
}

#[test]
fn what_is_stored_depends_not_on_how_many_threads_compress_it() {
    let (sandbox, key, _) = farm();
    let tree = Tree::empty(sandbox.path("more"));
    tree.file("text", &b"the cow jumped over the moon\n".repeat(100_000));
    tree.noise("noise", 2_000_000);
    sandbox.sh("mv more/* src && moo-scan src | moo-sign | moo-delta | moo-pack >packed").silent();
    let each =
        "for jobs in 1 2 3 8; do moo-encrypt $how --jobs $jobs <packed | $next || exit; done";
    let script = format!("how=--no-encryption next=sha256sum; {each}");
    sandbox.sh(&format!("({script}) | sort -u | wc -l")).stdout_is("1\n");
    sandbox.sh("tar xO --wildcards '*vol1.difftar/*' <packed | sha256sum >sum").silent();
    let opened = "tar xO --wildcards '*vol1*/*' | gpg -qd | sha256sum | cmp - sum";
    sandbox
        .sh(&format!("next() {{ {opened}; }}; how='--encrypt-key {key}' next=next; {each}"))
        .silent();
    for wrong in ["0", "-1", "x"] {
        let run =
            sandbox.sh(&format!("moo-encrypt --no-encryption --jobs={wrong} <packed >/dev/null"));
        run.fails_with(2).one_message();
    }
}

#[test]
fn what_nobody_protects_is_read_only_if_told_so() {
    let (sandbox, key, state) = farm();
    let plain = Moo::new(&sandbox, "--no-encryption --no-compression");
    plain.backup("full").silent();
    sandbox.sh("rm store/*.seal && mv store plain").silent();
    let gpg = "gpg -q --batch --yes --trust-model always";
    let ways = [
        (format!("{gpg} --rfc2440 --cipher-algo 3DES --disable-mdc -e -r {key}"), true),
        (format!("{gpg} -s -u {key}"), true),
        (format!("{gpg} --store"), true),
        (format!("{gpg} -e -r {key}"), false),
        (format!("{gpg} --armor --compress-algo bzip2 -e -r {key}"), false),
        (format!("{gpg} --compress-algo none --cipher-algo AES128 -s -e -r {key}"), false),
    ];
    for (way, needs_word) in ways {
        let script = format!(
            "rm -rf store; cp -r plain store; cd store && for file in *.difftar *.sigtar; do
                {way} <$file >$file.gpg && rm $file || exit; done
            sum=$(sha1sum <$(echo *vol1*)) && sed -i '/SHA256/d; s/SHA1 .*/SHA1 '${{sum%% *}}/ *.manifest &&
            for file in *.manifest; do {gpg} -e -r {key} <$file >$file.gpg && rm $file || exit; done"
        );
        sandbox.sh(&script).succeeds();
        if needs_word {
            let protected = sandbox.sh("gpg --list-packets --list-only store/*vol1*gpg 2>&1");
            if protected.out().contains("mdc_method: 2") {
                tests::not_tried(&format!("this gpg always protects: {way}"));
                continue;
            }
            let run = restored(&sandbox, "").fails_with(5).one_message();
            run.stderr_has("vol1.difftar.gpg: not protected against changes");
        }
        back(&sandbox, if needs_word { "--allow-unprotected" } else { "" }, &state);
    }
}

/// Which stages of this sandbox are there, and which processes show a passphrase, and where. (The
/// brackets keep the pattern from finding itself.)
const SPY: &str = "for process in /proc/[0-9]*; do
        case $(readlink $process/cwd) in $PWD*) ;; *) continue ;; esac
        name=$(cat $process/comm 2>/dev/null)
        if tr '\\0' '\\n' <$process/cmdline 2>/dev/null | grep -q '[p]urr'; then echo cmdline $name; fi
        case $name in moo-*) echo seen $name
            if tr '\\0' '\\n' <$process/environ 2>/dev/null | grep -q '[p]urr'; then echo environ $name; fi ;;
        esac
    done";

#[test]
fn passphrases_are_in_no_command_line_and_in_no_other_stages_environment() {
    let (mut sandbox, key, _) = farm();
    let signer = Key::locked(&sandbox, "Signer <signer@example.org>", "sign purr");
    sandbox.set("PASSPHRASE", "purr purr").set("SIGN_PASSPHRASE", "sign purr");
    let tree = Tree::empty(sandbox.path("more"));
    tree.noise("large", 30_000_000);
    sandbox.sh("mv more/large src").silent();
    let spy = |run: &str| {
        // Stopped as soon as the last stage is there, all of them have started. What was stopped as a fork of
        // a stage may have become gpg since: all go on.
        let stop = format!(
            "{run} & job=$!
            {}
            pkill -STOP -s 0 '^moo-'; {SPY}; pkill -CONT -s 0 .; wait",
            until("pgrep -s 0 'moo-(commit|patch)' >/dev/null")
        );
        let told = sandbox.sh(&stop).succeeds().out();
        assert!(told.contains("seen moo-"), "{told}");
        for line in told.lines().filter(|line| !line.starts_with("seen")) {
            // moo-run and the shell script were given it, and hand it to the one stage that needs it.
            let due = ["moo-encrypt", "moo-decrypt", "backup.sh", "restore.sh", "moo-run"];
            let is_due = due.iter().any(|name| line == format!("environ {name}"));
            assert!(is_due, "{line}: {told}");
        }
    };
    for options in [String::new(), format!("--encrypt-key {key} --sign-key {signer}")] {
        spy(&format!("moo backup --archive-dir . --name archive {options} src file://$PWD/store"));
        spy("moo restore --archive-dir . --name archive file://$PWD/store out");
        sandbox.sh("rm -r store archive out").silent();
    }
}

#[test]
fn an_increment_under_another_passphrase_which_deja_dup_could_be_led_to_make_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir src && echo one >src/file").silent();
    let backup = |passphrase: &str, kind: &str| {
        sandbox.sh(&format!("PASSPHRASE={passphrase} moo backup {kind} src file://$PWD/store"))
    };
    let refused = |passphrase: &str| {
        let sets = sandbox.sh("ls -A store").out();
        let run = backup(passphrase, "").fails_with(6).one_message();
        run.stderr_has("passphrase: not that of the last set").stderr_has("moo backup full");
        assert_eq!(sandbox.sh("ls -A store").out(), sets);
    };
    backup("purr", "").silent();
    sandbox.sh("echo two >src/file").silent();
    refused("meow");
    backup("purr", "").silent();
    sandbox.sh("echo three >src/file").silent();
    // An increment is checked like a full set; and what the store told of it does, if the archive is lost.
    refused("meow");
    sandbox.sh("rm -r .home/.local/state/moobacker").silent();
    sandbox.sh("PASSPHRASE=purr moo sync file://$PWD/store").silent();
    refused("meow");
    backup("purr", "").silent();
    sandbox.sh("PASSPHRASE=purr moo restore file://$PWD/store out && diff -r src out").silent();
    // A new passphrase begins a chain; a certificate in its place is another matter.
    backup("meow", "full").silent();
    sandbox.sh("echo four >src/file").silent();
    refused("purr");
    backup("meow", "").silent();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    sandbox.sh("echo five >src/file").silent();
    backup("meow", &format!("--encrypt-key {key}")).silent();
}

#[test]
fn a_second_rekey_under_another_passphrase_adds_no_increments_that_it_alone_opens() {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir src && echo one >src/file").silent();
    let backup = || sandbox.sh("PASSPHRASE=purr moo backup src file://$PWD/store").silent();
    let rekey = |new: &str| {
        let words = format!("PASSPHRASE=purr NEW_PASSPHRASE={new} moo rekey");
        sandbox.sh(&format!("{words} file://$PWD/store file://$PWD/copy"))
    };
    backup();
    drop(rekey("meow").succeeds());
    sandbox.sh("echo two >src/file").silent();
    backup();
    let sets = sandbox.sh("ls -A copy").out();
    let run = rekey("woof").fails_with(6);
    run.stderr_has("passphrase: not that of the last set").stderr_has("copy to an empty store");
    assert_eq!(sandbox.sh("ls -A copy").out(), sets);
    drop(rekey("meow").succeeds());
    sandbox.sh("PASSPHRASE=meow moo restore file://$PWD/copy out && diff -r src out").silent();
}
