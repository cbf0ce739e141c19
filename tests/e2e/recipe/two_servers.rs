//! Two servers that follow the recipe to the same machine and the same folders.

use tests::Sandbox;
use tests::machine::{Machine, Network};

use super::host::CRON;
use super::local::{REMOTE, SET_UP, SOURCES, first_half, second_half, two};

/// All that lies in the stores.
const STORED: &str = "cd /srv/purrbackups/backups && find . -type f -printf '%p %s %T@\n' | sort";

/// A second server with the same sources, and the command that it prints for the other machine.
fn second(network: &Network<'_>) -> (Machine, String) {
    let machine = network.machine("second.example.org");
    machine.install();
    machine.sh("umask 077; mkdir -p /srv/etc /srv/home; echo second >/srv/etc/shadow").silent();
    machine.sh("echo 'a good passphrase' >/root/passphrase").silent();
    let told = machine.sh(&format!("{SET_UP} --remote {REMOTE} {SOURCES}")).succeeds().out();
    let there = told.lines().map(str::trim).find_map(|line| line.strip_prefix("moo setup-remote "));
    (machine, there.expect("a command for the other machine").to_owned())
}

/// The first server after its first backup, the machine of the store, and that one's fingerprint.
fn backed_up(network: &Network<'_>) -> (Machine, Machine, String) {
    let (local, remote) = two(network);
    let fingerprint = first_half(&local, &remote);
    local.sh(&second_half(&fingerprint)).succeeds();
    local.sh_as("moobacker", &format!("exec {CRON}")).silent();
    (local, remote, fingerprint)
}

#[test]
fn the_second_server_gets_no_key_for_the_account_of_the_first() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let (local, remote, _) = backed_up(&network);
    // setup-local has given each source an identity.
    for name in ["etc", "home"] {
        let told = format!(
            "sed -n '/^.sources.{name}/,/^identity/s/^identity = .\\(.*\\).$/\\1/p' /etc/moobacker/moobacker.toml"
        );
        let seals =
            format!("cat /srv/purrbackups/backups/{name}/*.seal | sed -n 's/^# identity //p'");
        remote.sh(&seals).stdout_is(local.sh(&told).out().trim());
    }
    let before = remote.sh(STORED).out();
    let (_second, there) = second(&network);
    remote
        .sh(&format!("/usr/local/lib/moobacker/admin/setup-remote.sh {there}"))
        .fails_with(1)
        .stderr_has("has the key of another machine");
    assert_eq!(remote.sh(STORED).out(), before);
    local.sh_as("moobacker", &format!("exec {CRON}")).silent();
}

#[test]
fn a_second_server_in_the_folders_of_the_first_stops_and_neither_adds_nor_deletes() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let (local, remote, fingerprint) = backed_up(&network);
    let (second, _) = second(&network);
    // As an account was shared before each machine had its own.
    let key =
        second.sh("cat /var/lib/moobacker/.ssh/*.pub /etc/moobacker/*.pub 2>/dev/null | head -n 1");
    let line = format!("from=\"10.0.0.3\",restrict {}", key.out().trim());
    remote.sh(&format!("echo '{line}' >>/etc/ssh/authorized_keys.d/purrbackups")).silent();
    second.sh(&second_half(&fingerprint)).succeeds();
    let before = remote.sh(STORED).out();
    for _ in 0..2 {
        let run = second.sh_as("moobacker", &format!("exec {CRON}")).fails_with(10);
        run.stderr_has("is of another backup").stderr_has("check the URL");
        assert_eq!(remote.sh(STORED).out(), before);
    }
    // The first one goes on as ever.
    local.sh("sleep 1.1; echo new >/srv/etc/new").silent();
    local.sh_as("moobacker", &format!("exec {CRON}")).silent();
    assert_ne!(remote.sh(STORED).out(), before);
}
