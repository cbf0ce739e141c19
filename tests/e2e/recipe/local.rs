//! Setting up the machine that is backed up, together with the one that keeps the backups.

use tests::machine::{Machine, Network};
use tests::{Sandbox, Snapshot, assert_same};

use super::host::CRON;

pub(crate) const SET_UP: &str = "moo setup-local";
pub(crate) const REMOTE: &str = "sftp://purrbackups@store.example.org/backups";
pub(crate) const SOURCES: &str = "--source etc=/srv/etc --source home=/srv/home";

/// A machine with something to back up, and one to keep it.
pub(crate) fn two<'a>(network: &Network<'a>) -> (Machine, Machine) {
    let local = network.machine("laptop.example.org");
    let remote = network.machine("store.example.org");
    for machine in [&local, &remote] {
        machine.install();
    }
    begin(&local, &remote);
    (local, remote)
}

/// What is there before anything is set up: the server of SSH, two sources and a passphrase.
pub(crate) fn begin(local: &Machine, remote: &Machine) {
    remote.start_sshd();
    let sources =
        "umask 077; mkdir -p /srv/etc /srv/home && head -c 300000 /dev/urandom >/srv/home/large
        echo secret >/srv/etc/shadow; echo 'a good passphrase' >/root/passphrase";
    local.sh(sources).silent();
}

/// The first run here, what it says there, and the fingerprint that is printed there.
pub(crate) fn first_half(local: &Machine, remote: &Machine) -> String {
    let told =
        local.sh(&format!("{SET_UP} --remote {REMOTE} {SOURCES}")).succeeds().stderr_is("").out();
    let there = told.lines().map(str::trim).find_map(|line| line.strip_prefix("moo setup-remote "));
    let there = there.expect("a command for the other machine");
    let told = remote.sh(&format!("moo setup-remote {there}")).succeeds().out();
    let mut words = told.split_whitespace();
    words.find(|word| word.starts_with("SHA256:")).expect("a fingerprint").to_owned()
}

pub(crate) fn second_half(fingerprint: &str) -> String {
    format!(
        "{SET_UP} --host-key {fingerprint} --kit /root/kit.tar --passphrase-file /root/passphrase \
        --mailto admin@example.org --schedule '7 4 * * *'"
    )
}

#[test]
fn two_runs_here_and_one_there_and_the_line_for_cron_backs_up() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let (local, remote) = two(&network);
    let fingerprint = first_half(&local, &remote);
    local.sh(&second_half(&fingerprint)).succeeds().stderr_is("");
    let line = "MAILTO=admin@example.org\n7 4 * * * moobacker sudo -n /usr/local/lib/moobacker/backup.sh\n\
         0 7 * * * root /usr/local/lib/moobacker/moo run-checks";
    local.sh("cat /etc/cron.d/moobacker").stdout_is(line);
    local.sh_as("moobacker", &format!("exec {CRON}")).silent();
    remote.sh("ls /srv/purrbackups/backups/*/*.manifest.gpg | wc -l").stdout_is("2");
    // The secret key is in the kit, and nowhere else.
    let secret = "grep -rl 'PRIVATE KEY BLOCK' /etc/moobacker /etc/ssh /var/lib/moobacker /root /dev/shm /tmp";
    local.sh(secret).stdout_is("/var/lib/moobacker/seal.secret.pgp");
    let open = "umask 077; mkdir /root/open && cd /root/open && tar xf /root/kit.tar --strip-components 1 &&
        gpg -q --batch --pinentry-mode loopback --passphrase-file /root/passphrase -d secrets.tar.gpg | tar x &&
        find . -name '*.pgp' -o -name '*secret*'";
    let names = local.sh(open).succeeds().out();
    let key =
        names.lines().find(|name| name.contains("secret") && name.ends_with("pgp")).unwrap_or("");
    let restore = format!(
        "cd /root/open; cp -a /var/lib/moobacker/.ssh /root; moo restore --secret-key {key} \
        --passphrase-file /root/passphrase --seal-key /etc/moobacker/seal.cert.pgp {REMOTE}/home /srv/out"
    );
    local.sh(&restore).silent();
    assert_same(&Snapshot::kept(local.path("/srv/home")), &Snapshot::kept(local.path("/srv/out")));
}

/// What somebody's crontab has long run.
const OLD_SCRIPT: &str = r#"#!/bin/sh
set -e
KEY=$(gpg --batch --with-colons -k | sed -n 's/^fpr:*\([0-9A-F]*\):/\1/p' | head -n 1)
export ARCHIVES=/var/lib/moobacker/archives
mkdir -p $ARCHIVES
for name in etc home; do
    duplicity --verbosity error --no-print-statistics --encrypt-key $KEY \
        --full-if-older-than 1M --archive-dir $ARCHIVES --name $name \
        /srv/public/$name sftp://purrbackups@store.example.org/backups/$name
done
"#;

#[test]
fn an_old_script_that_called_duplicity_is_silent_and_stores_the_same_kind_of_backups() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let (local, remote) = two(&network);
    let fingerprint = first_half(&local, &remote);
    local.sh(&second_half(&fingerprint)).succeeds();
    local.sh("mkdir -p /srv/public/etc /srv/public/home && date >/srv/public/home/today").silent();
    local.sh_as("moobacker", "gpg -q --batch --import /etc/moobacker/backup.cert.pgp").succeeds();
    local.sh(&format!("cat >/usr/local/bin/old <<'EOF'\n{OLD_SCRIPT}EOF")).silent();
    let link = "ln -s ../lib/moobacker/moobacker-duplicity /usr/local/bin/duplicity";
    local.sh(&format!("chmod 755 /usr/local/bin/old && {link}")).silent();
    let cron = "exec env -i HOME=$HOME LOGNAME=moobacker PATH=/usr/local/bin:/usr/bin:/bin old";
    local.sh_as("moobacker", cron).silent();
    local.sh("date >>/srv/public/home/today").silent();
    local.sh_as("moobacker", cron).silent();
    let sets = "cd /srv/purrbackups/backups && ls */duplicity-full.*.manifest.gpg | wc -l &&
        ls */duplicity-inc.*.manifest.gpg | wc -l";
    remote.sh(sets).stdout_is("2\n2");
}

/// All that a run could change.
fn state(machine: &Machine) -> String {
    let list = "cd / && find etc root dev/shm var/lib/moobacker -printf '%p %M %u %g %s %T@ %l\\n' 2>/dev/null | sort";
    machine.sh(list).out()
}

#[test]
fn run_again_or_dry_it_changes_nothing() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let (local, remote) = two(&network);
    let first = format!("{SET_UP} --remote {REMOTE} {SOURCES}");
    let before = state(&local);
    let dry = local.sh(&format!("{first} --dry-run")).succeeds().stderr_is("");
    dry.stdout_has("useradd --system").stdout_has("backup.sh \"\"");
    assert_eq!(before, state(&local));
    let fingerprint = first_half(&local, &remote);
    let second = second_half(&fingerprint);
    let before = state(&local);
    local.sh(&format!("{second} --dry-run")).succeeds().stderr_is("").stdout_has("cron.d");
    assert_eq!(before, state(&local));
    local.sh(&second).succeeds();
    let before = state(&local);
    local.sh(&second).succeeds().stderr_is("");
    first_half(&local, &remote);
    assert_eq!(before, state(&local));
    // Another kit can't be made, and that is said.
    let kit = second.replace("/root/kit.tar", "/root/other.tar");
    let why = "/root/other.tar: is not made, because the key is there already: moo recovery-kit ";
    local.sh(&kit).succeeds().stderr_is("").stdout_has(why);
    let other = format!("{SET_UP} --user backups");
    local
        .sh(&other)
        .fails_with(1)
        .one_message()
        .stderr_has("has the user moobacker: pass --user moobacker");
    assert_eq!(before, state(&local));
}

#[test]
fn another_machine_than_the_one_that_was_meant_is_not_trusted() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let (local, remote) = two(&network);
    let fingerprint = first_half(&local, &remote);
    let other = second_half("SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    local.sh(&other).fails_with(7).one_message().stderr_has("has another key than SHA256:AAAA");
    local
        .sh("ls /var/lib/moobacker/.ssh/known_hosts /root/kit.tar /etc/cron.d/moobacker")
        .fails()
        .stdout_is("");
    // A folder that is missing there is found before the schedule is made.
    remote.sh("rmdir /srv/purrbackups/backups/home").silent();
    local.sh(&second_half(&fingerprint)).fails().one_message().stderr_has("backups/home");
    local.sh("ls /root/kit.tar /etc/cron.d/moobacker").fails().stdout_is("");
}

#[test]
fn what_is_there_is_not_weakened_or_replaced() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let (local, _remote) = two(&network);
    let run = format!("{SET_UP} --remote {REMOTE} {SOURCES}");
    let refuses = |prepare: &str, why: &str, tidy: &str| {
        local.sh(prepare).silent();
        local.sh(&run).fails_with(1).one_message().stderr_has(why).stdout_is("");
        local.sh("test ! -e /var/lib/moobacker/.ssh").silent();
        local.sh(tidy).silent();
    };
    refuses("useradd -m -s /bin/bash moobacker", "has a shell", "userdel -r moobacker 2>/dev/null");
    refuses(
        "useradd -r -d /srv -s /usr/sbin/nologin moobacker",
        "has the home /srv",
        "userdel moobacker",
    );
    let sudoers = "/etc/sudoers.d/moobacker";
    refuses(
        &format!("echo 'moobacker ALL=(root) /bin/true' >{sudoers}"),
        "exists with other content",
        &format!("rm {sudoers}"),
    );
    refuses(
        "chmod g+w /usr/local/lib/moobacker",
        "others than root may write",
        "chmod g-w /usr/local/lib/moobacker",
    );
    local.sh(&run).succeeds();
    local
        .sh(&format!("{run} --source more=/srv"))
        .fails_with(1)
        .one_message()
        .stderr_has("change it by hand: the source more with the path /srv");
    local
        .sh(&format!("{SET_UP} --remote {REMOTE}2"))
        .fails_with(1)
        .one_message()
        .stderr_has("change it by hand: the store");
}

#[test]
fn where_files_can_be_deleted_the_configuration_has_rules_that_delete_old_sets() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let local = network.machine("laptop.example.org");
    local.install();
    local.sh(&format!("{SET_UP} --remote {REMOTE} {SOURCES} --plain")).succeeds().stderr_is("");
    local.sh("moo config check").silent();
    local.sh("moo config show").stdout_has("--keep-full=4").stdout_has("--older-than=6M");
    // Where they can't, root deletes them there.
    local.sh("rm -r /etc/moobacker").silent();
    local.sh(&format!("{SET_UP} --remote {REMOTE} {SOURCES}")).succeeds();
    local.sh("moo config show | grep -c keep").fails().stdout_is("0");
}
