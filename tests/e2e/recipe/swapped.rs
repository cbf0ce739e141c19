//! A hostile host of the store, who exchanges the folders of two sources, or adds the sets of one to
//! the other.

use tests::machine::{Machine, Network};
use tests::{Sandbox, Snapshot, assert_same};

use super::host::CRON;
use super::local::{REMOTE, first_half, second_half, two};

/// Both machines after two nights, with the kit's keys in /root/open.
fn two_nights(network: &Network<'_>) -> (Machine, Machine) {
    let (local, remote) = two(network);
    let fingerprint = first_half(&local, &remote);
    local.sh(&second_half(&fingerprint)).succeeds();
    // No two of their sets are of one second.
    local.sh("sed -i '/^path = /a before = \"sleep 1.1\"' /etc/moobacker/moobacker.toml").silent();
    night(&local, "").silent();
    // The newest set is one of home.
    local.sh("echo new >/srv/etc/new").silent();
    night(&local, "").silent();
    let open =
        "umask 077; cp -a /var/lib/moobacker/.ssh /root; mkdir /root/open && cd /root/open &&
        tar xf /root/kit.tar --strip-components 1 && gpg -q --batch --pinentry-mode loopback \
        --passphrase-file /root/passphrase -d secrets.tar.gpg | tar x";
    local.sh(open).succeeds();
    (local, remote)
}

/// What cron starts; what it prints is the mail.
fn night(local: &Machine, before: &str) -> tests::Run {
    local.sh(&format!("sleep 1.1; {before}")).silent();
    local.sh_as("moobacker", &format!("exec {CRON}"))
}

/// The command of the kit's page that restores etc, to /srv/out.
fn restore(local: &Machine) -> tests::Run {
    let line = "cd /root/open && sed -n 's/^ *moo restore/moo restore/p' README.txt | grep '/etc '";
    let line = local.sh(line).succeeds().out();
    let line = line.lines().next().expect("a line of the page").trim().to_owned();
    assert!(line.contains("--identity"), "{line}");
    let (command, _) = line.rsplit_once(' ').expect("a destination");
    let word = "PASSPHRASE=$(cat /root/passphrase); export PASSPHRASE; cd /root/open";
    local.sh(&format!("{word}; gpg -q --batch --import *.cert.pgp 2>/dev/null; {command} /srv/out"))
}

fn verify(local: &Machine, quick: &str) -> tests::Run {
    let reach = "--user moobacker --name etc.main --seal-key /etc/moobacker/seal.cert.pgp";
    let keys = "PASSPHRASE=$(cat /root/passphrase); export PASSPHRASE";
    local.sh(&format!("{keys}; moo verify {quick} {reach} {REMOTE}/etc"))
}

#[test]
fn exchanged_folders_stop_the_night_with_a_mail_and_the_restore_with_the_kit() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let (local, remote) = two_nights(&network);
    verify(&local, "--quick").silent();
    restore(&local).succeeds();
    assert_same(&Snapshot::kept(local.path("/srv/etc")), &Snapshot::kept(local.path("/srv/out")));
    local.sh("rm -r /srv/out").silent();
    let swap = "cd /srv/purrbackups/backups && mv etc x && mv home etc && mv x home";
    remote.sh(swap).silent();
    restore(&local).fails_with(5).stderr_has("is a set of another backup");
    local.sh("test ! -e /srv/out").silent();
    verify(&local, "--quick").fails_with(5).stderr_has("is of the backup");
    let before = remote.sh("cd /srv/purrbackups/backups && find . | sort").out();
    let mail = night(&local, "").fails_with(10);
    mail.stderr_has("another backup").stderr_has("check the URL");
    assert_eq!(remote.sh("cd /srv/purrbackups/backups && find . | sort").out(), before);
    // The folders are put back, and all is well.
    remote.sh(swap).silent();
    night(&local, "").silent();
    verify(&local, "--quick").silent();
}

#[test]
fn newer_sets_of_another_source_are_told_by_mail_and_not_restored() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let (local, remote) = two_nights(&network);
    remote.sh("cd /srv/purrbackups/backups && cp -a -n home/* etc").succeeds();
    let run = restore(&local).fails_with(3);
    run.stderr_has("is a set of another backup, and does not count");
    assert_same(&Snapshot::kept(local.path("/srv/etc")), &Snapshot::kept(local.path("/srv/out")));
    local.sh("rm -r /srv/out").silent();
    verify(&local, "--quick").fails_with(5).stderr_has("is of the backup");
    night(&local, "echo newer >/srv/etc/new")
        .succeeds()
        .stderr_has("the archive directory does not know");
    let run = restore(&local);
    assert!([0, 3].contains(&run.status), "{}: {}", run.status, run.err());
    assert_same(&Snapshot::kept(local.path("/srv/etc")), &Snapshot::kept(local.path("/srv/out")));
}
