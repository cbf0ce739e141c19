//! The host of the stores exchanges the folders of two sources, or adds the sets of one to the
//! folder of another.

use super::{DEMANDED, Host, SEALED};

#[test]
fn all_sets_of_a_backup_have_one_identity_and_two_sources_have_two() {
    let host = Host::new();
    let before = host.identity("etc");
    assert_ne!(before, host.identity("home"));
    host.0.sh("rm -r etc/file && echo new >etc/new").silent();
    let full = "moo backup full --archive-dir archives --name etc";
    host.0.sh(&format!("{full} {SEALED} etc file://$PWD/stores/etc")).silent();
    host.on_etc("etc", &format!("consolidate {SEALED}")).silent();
    assert_eq!(host.identity("etc"), before);
    host.0
        .sh("for seal in stores/etc/*.seal; do grep -q '^# identity ' $seal || echo $seal; done")
        .silent();
}

#[test]
fn a_consolidated_set_a_copy_and_a_rekeyed_copy_keep_the_identity_without_an_archive_directory() {
    let host = Host::new();
    let before = host.identity("etc");
    host.on_etc("lost", &format!("consolidate {SEALED}")).silent();
    assert_eq!(host.identity("etc"), before);
    host.0.sh("test $(cat stores/etc/*.seal | grep -c '^# identity ') = 3").silent();
    host.0.sh("moo replicate file://$PWD/stores/etc file://$PWD/stores/copy").silent();
    assert_eq!(host.identity("copy"), before);
    let rekey = "echo moo >word; moo rekey --new-passphrase-file word --seal-key host.secret.pgp";
    host.0.sh(&format!("{rekey} file://$PWD/stores/copy file://$PWD/stores/new")).silent();
    assert_eq!(host.identity("new"), before);
}

#[test]
fn exchanged_folders_of_two_sources_are_refused_where_the_archive_directory_is() {
    let host = Host::new();
    host.exchange_folders();
    for keys in [DEMANDED, ""] {
        for more in ["", "--keep-going", "--path file"] {
            host.is_refused("etc", &format!("restore {more} {keys} TO out"), &[5]);
        }
        host.is_refused("etc", &format!("verify {keys}"), &[5]);
        host.is_refused("etc", &format!("verify --quick {keys}"), &[5]);
        host.is_refused("etc", &format!("verify {keys} TO etc"), &[5]);
        host.is_refused("etc", &format!("sync {keys}"), &[5]);
        host.is_refused("etc", &format!("status {keys}"), &[5]);
        host.is_refused("etc", &format!("drill {keys}"), &[5]);
    }
    host.is_refused("etc", &format!("consolidate {SEALED}"), &[5]);
    host.0.sh("test $(cat stores/etc/*.seal | grep -c '^# identity ') = 3").silent();
}

#[test]
fn exchanged_folders_are_refused_with_the_identity_alone() {
    let host = Host::new();
    let (etc, home) = (host.identity("etc"), host.identity("home"));
    host.exchange_folders();
    for keys in [DEMANDED, ""] {
        for more in ["", "--keep-going", "--path file"] {
            let restore = format!("restore {more} --identity {etc} {keys} TO out");
            let run = host.is_refused("none", &restore, &[5]);
            assert!(run.err().contains("is a set of another backup"), "{}", run.err());
        }
        for command in ["verify", "verify --quick", "list", "status", "drill"] {
            host.is_refused("none", &format!("{command} --identity {etc} {keys}"), &[5]);
        }
        host.on_etc("none", &format!("restore --identity {home} {keys} TO out")).silent();
        host.0.sh("grep -q 'home 3' out/file && rm -r out").silent();
    }
}

#[test]
fn a_copy_of_another_backup_does_not_get_into_a_copy() {
    let host = Host::new();
    host.0.sh("moo replicate file://$PWD/stores/etc file://$PWD/stores/copy").silent();
    host.exchange_folders();
    let home = host.identity("etc");
    host.0.sh("moo replicate file://$PWD/stores/etc file://$PWD/stores/copy").fails_with(5);
    host.0.sh(&format!("! grep -rq {home} stores/copy")).silent();
}

#[test]
fn newer_sets_of_another_source_in_the_folder_do_not_count_where_it_is_known_which_is_meant() {
    let host = Host::new();
    let etc = host.identity("etc");
    host.mix();
    for keys in [DEMANDED, ""] {
        for (archive, identity) in [("etc", String::new()), ("none", format!("--identity {etc}"))] {
            let restore = format!("restore {keys} {identity} TO out");
            let run = host.on_etc(archive, &restore).fails_with(3);
            assert!(run.err().contains("does not count"), "{}", run.err());
            host.0.sh("grep -q 'etc 2' out/file && rm -r out").silent();
            let status = format!("status {keys} {identity}");
            host.on_etc(archive, &status).fails_with(3).stdout_has("is of another backup");
            host.is_refused(archive, &format!("verify {keys} {identity}"), &[5]);
            host.is_refused(archive, &format!("verify --quick {keys} {identity}"), &[5]);
        }
    }
    let copy = format!("moo replicate --identity {etc} file://$PWD/stores/etc file://$PWD/copy");
    host.0.sh(&copy).fails_with(3).stderr_has("does not count");
    host.0.sh("moo restore file://$PWD/copy out && grep -q 'etc 2' out/file").silent();
}

#[test]
fn a_store_of_two_backups_is_ambiguous_until_the_identity_tells_which_is_meant() {
    let host = Host::new();
    let (etc, home) = (host.identity("etc"), host.identity("home"));
    host.mix();
    for keys in [DEMANDED, ""] {
        for command in ["restore", "restore --keep-going", "restore --path file"] {
            let run = host.is_refused("none", &format!("{command} {keys} TO out"), &[5]);
            let names = [&etc, &home, "--identity"].iter().all(|name| run.err().contains(*name));
            assert!(names, "{}", run.err());
        }
        for command in ["verify", "verify --quick", "list", "status", "drill"] {
            host.is_refused("none", &format!("{command} {keys}"), &[5]);
        }
        for (identity, state) in [(&etc, "etc 2"), (&home, "home 3")] {
            let run = host.on_etc("none", &format!("restore {keys} --identity {identity} TO out"));
            assert!([0, 3].contains(&run.status), "{}", run.err());
            host.0.sh(&format!("grep -q '{state}' out/file && rm -r out")).silent();
        }
    }
    host.is_refused("none", &format!("consolidate {SEALED}"), &[5]);
    host.0.sh("moo replicate file://$PWD/stores/etc file://$PWD/copy").fails_with(5);
}

#[test]
fn the_next_backup_does_not_build_on_sets_of_another_source() {
    let host = Host::new();
    let etc = host.identity("etc");
    host.mix();
    host.0.sh("sleep 1.1; echo etc 4 >etc/file").silent();
    host.backup("etc", "").succeeds();
    host.on_etc("etc", "restore TO out").silent();
    host.0.sh("grep -q 'etc 4' out/file && rm -r out").silent();
    host.on_etc("none", &format!("restore --identity {etc} TO out")).silent();
    host.0.sh("grep -q 'etc 4' out/file").silent();
}

#[test]
fn a_chain_that_mixes_two_identities_is_refused_always() {
    let host = Host::new();
    let etc = host.identity("etc");
    let other =
        if etc.starts_with('0') { etc.replacen('0', "1", 1) } else { format!("0{}", &etc[1..]) };
    // The increment of etc says another backup, under a signature that holds.
    let script = format!(
        "unset GNUPGHOME; export GNUPGHOME=$PWD/ring; mkdir -m 700 ring
        gpg -q --batch --import host.secret.pgp 2>/dev/null
        seal=$(ls stores/etc/moobacker.*.seal | tail -n 1)
        gpg -q -d $seal 2>/dev/null | sed '/^# origin /d; s/{etc}/{other}/' >text
        gpg --batch --yes -q --clear-sign -o $seal text"
    );
    host.0.sh(&script).silent();
    for more in ["", DEMANDED, "--keep-going"] {
        for identity in ["", &format!("--identity {etc}"), &format!("--identity {other}")] {
            let run = host.on_etc("none", &format!("restore {more} {identity} TO out"));
            let is_older = run.status == 3 && host.0.sh("grep -q 'etc 1' out/file").status == 0;
            assert!(is_older || run.status == 5, "{more} {identity}: {}", run.err());
            host.0.sh("rm -rf out").silent();
        }
    }
    host.is_refused("none", "restore TO out", &[5]);
    host.is_refused("none", "verify --quick", &[5]);
}

#[test]
fn a_host_or_source_that_the_seal_does_not_mean_is_refused_after_decryption() {
    let host = Host::new();
    let home = host.identity("home");
    let origin = host.0.sh("sed -n 's/^# origin //p' stores/home/*.seal | sort -u").out();
    // Seals of etc that claim to be of home: identity and origin agree with each other.
    let script = format!(
        "unset GNUPGHOME; export GNUPGHOME=$PWD/ring; mkdir -m 700 ring
        gpg -q --batch --import host.secret.pgp 2>/dev/null
        before=none
        for seal in stores/etc/moobacker.*.seal; do
            gpg -q -d $seal 2>/dev/null | sed \"s/^# identity .*/# identity {home}/
                s/^# origin .*/# origin {}/; s/^# previous .*/# previous $before/\" >text
            gpg --batch --yes -q --clear-sign -o $seal text
            before=$(sha256sum $seal | cut -d ' ' -f 1)
        done",
        origin.trim()
    );
    host.0.sh(&script).silent();
    for more in ["", "--keep-going"] {
        let restore = format!("restore {more} --identity {home} {DEMANDED} TO out");
        let run = host.is_refused("none", &restore, &[5]);
        assert!(run.err().contains("another host or source"), "{}", run.err());
    }
}

#[test]
fn older_seals_without_an_identity_stay_readable_and_extendable() {
    let host = Host::new();
    let script = "unset GNUPGHOME; export GNUPGHOME=$PWD/ring; mkdir -m 700 ring
        gpg -q --batch --import host.secret.pgp 2>/dev/null
        before=none
        for seal in stores/etc/moobacker.*.seal; do
            gpg -q -d $seal 2>/dev/null | sed \"/^# identity /d; /^# origin /d; /^# size /d
                s/^# previous .*/# previous $before/\" >text
            gpg --batch --yes -q --clear-sign -o $seal text
            before=$(sha256sum $seal | cut -d ' ' -f 1)
            cp $seal archives/etc
        done";
    host.0.sh(script).silent();
    host.0.sh("echo etc 3 >etc/file").silent();
    host.backup("etc", "").silent();
    assert_eq!(host.identity("etc").len(), 32);
    host.on_etc("etc", &format!("verify {DEMANDED}")).silent();
    for archive in ["etc", "none"] {
        host.on_etc(archive, &format!("restore {DEMANDED} TO out")).silent();
        host.0.sh("grep -q 'etc 3' out/file && rm -r out").silent();
    }
}

#[test]
fn the_seal_is_still_a_list_of_checksums() {
    let host = Host::new();
    host.0
        .sh("cd stores/etc && for seal in *.seal; do
            gpg -d $seal 2>/dev/null | sha256sum --quiet -c || exit; done")
        .succeeds();
}
