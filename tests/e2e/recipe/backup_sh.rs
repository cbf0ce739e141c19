//! backup.sh on a machine of its own, as cron starts it.

use tests::machine::Network;
use tests::{Sandbox, until};

use super::host::{CRON, Host};

const TWO: &str = "source etc /srv/etc\nsource home /srv/home\n";

#[test]
fn every_source_is_backed_up_in_silence_and_comes_back() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let host = Host::new(&network, TWO);
    host.cron().silent();
    host.0.sh("echo more >>/srv/etc/hosts && rm /srv/home/large && touch /srv/home/news").silent();
    host.cron().silent();
    for name in ["etc", "home"] {
        host.brings_back(name);
        assert_eq!(host.sets(name), 2, "{name}");
    }
    let strange = "find /srv/backups /var/lib/moobacker ! -user moobacker";
    host.0.sh(strange).silent();
    let increments = "ls /srv/backups/etc | grep -c 'duplicity-inc.*manifest'";
    host.0.sh(increments).succeeds().stdout_is("1");
}

#[test]
fn when_one_source_fails_it_is_named_and_the_next_is_done() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let host = Host::new(&network, TWO);
    // The store of the first one can't be made.
    host.0.sh("touch /srv/backups/etc").silent();
    host.cron()
        .fails_with(7)
        .one_message_of("moo backup: etc")
        .stderr_has("moo backup: ")
        .stdout_is("");
    assert_eq!(host.sets("home"), 1);
    host.0.sh("rm /srv/backups/etc").silent();
    host.cron().silent();
    host.configure("source gone /srv/gone\nsource home /srv/home\n");
    host.cron()
        .fails_with(1)
        .one_message_of("moo backup: gone")
        .stderr_has("moo backup: /srv/gone: ");
    assert_eq!(host.sets("home"), 3);
    host.configure("remote2 x\n");
    host.cron().fails_with(2).one_message().stderr_has("backup.conf: line 5: remote2");
    host.configure(TWO);
    host.0.sh("chmod g+w /etc/moobacker/backup.conf").silent();
    host.cron().fails_with(2).one_message().stderr_has("others than root may write it");
    host.0.sh("rm /etc/moobacker/backup.conf").silent();
    host.cron().fails_with(2).one_message().stderr_has("moobacker.toml: ");
    assert_eq!(host.sets("home"), 3);
}

#[test]
fn hooks_run_as_root_around_what_they_belong_to() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let log = |what: &str| format!("echo \"$(id -un) {what} ${{MOO_STATUS-}}\" >>/srv/log");
    let (first, last) = (log("first"), log("last"));
    let (before, after) = (log("before etc"), log("after etc"));
    let sources = format!(
        "before {first}\nafter {last}\nsource etc /srv/etc\nbefore {before}\nafter {after}\n\
         source home /srv/home\nbefore exit 5\nafter {}\n",
        log("after home")
    );
    let host = Host::new(&network, &sources);
    let told = "moo backup: home: before: exit 5: exit status 5";
    host.cron().fails_with(1).stderr_is(told).stdout_is("");
    let expected =
        "root first \nroot before etc \nroot after etc 0\nroot after home 1\nroot last 1";
    host.0.sh("cat /srv/log").stdout_is(expected);
    assert_eq!((host.sets("etc"), host.sets("home")), (1, 0));
    host.configure(&format!("before false\nafter {last}\n{TWO}"));
    host.cron().fails_with(1).stderr_is("moo backup: before: false: exit status 1");
    assert_eq!((host.sets("etc"), host.sets("home")), (1, 0));
    host.configure(&format!("after false\n{TWO}"));
    host.cron().fails_with(1).stderr_is("moo backup: after: false: exit status 1");
    assert_eq!((host.sets("etc"), host.sets("home")), (2, 1));
}

#[test]
fn what_the_rules_do_not_keep_goes_after_a_good_backup_and_after_no_other() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let sources = "full-if-older-than 1s\nkeep --keep-full 1\noptions --volsize 1\n\
        source etc /srv/etc\nsource home /srv/home\nkeep --keep-full 2 --older-than 0s\n";
    let host = Host::new(&network, sources);
    host.0.sh("rm /srv/home/large && echo small >/srv/home/small").silent();
    for run in 1..4 {
        host.cron().silent();
        assert_eq!((host.sets("etc"), host.sets("home")), (1, run.min(2)));
        host.0.sh("sleep 2").silent();
    }
    host.brings_back("etc");
    host.0.sh("find /srv/backups /var/lib/moobacker ! -user moobacker").silent();
    // One that fails removes nothing.
    host.configure(&sources.replace("/srv/etc", "/srv/gone"));
    host.cron().fails_with(1).one_message_of("moo backup: etc");
    assert_eq!(host.sets("etc"), 1);
    host.configure(sources);
    let run = "SUDO_USER=moobacker /usr/local/lib/moobacker/backup.sh --dry-run | grep ' prune '";
    let prune = "moo prune --user=moobacker --name";
    host.0.sh(run).stdout_is(&format!(
        "{prune}=etc --keep-full=1 --force -- file:///srv/backups/etc\n\
         {prune}=home --keep-full=2 --older-than=0s --force -- file:///srv/backups/home"
    ));
}

#[test]
fn verify_leaves_the_store_to_the_user_and_the_secret_key_to_root() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let host = Host::new(&network, "source etc /srv/etc\n");
    host.cron().silent();
    let verify = |options: &str| {
        let seal = "--seal-key /var/lib/moobacker/seal.secret.pgp";
        let to = "--user moobacker --name etc";
        host.0.sh(&format!("cd / && moo verify {to} {seal} {options} file:///srv/backups/etc"))
    };
    // A key that only root may read decrypts, and the user never sees it.
    let users = "--secret-key /root/backup.secret.pgp";
    verify(users).silent();
    verify("--quick").silent();
    let compare = |source: &str| {
        host.0.sh(&format!(
            "cd / && moo verify --user moobacker --name etc {users} file:///srv/backups/etc {source}"
        ))
    };
    compare("/srv/etc").silent();
    host.0.sh("echo other >/srv/etc/folder/shadow").silent();
    compare("/srv/etc")
        .fails_with(3)
        .stderr_is("")
        .stdout_is("M content,mtime        folder/shadow");
    host.0.sh("find /srv/backups /var/lib/moobacker ! -user moobacker; ls /tmp").silent();
    // The same for a new full set out of the chain.
    let consolidate = "cd / && moo consolidate --user moobacker --name etc \
        --encrypt-key /etc/moobacker/backup.cert.pgp --seal-key /var/lib/moobacker/seal.secret.pgp";
    host.0.sh(&format!("sleep 1; {consolidate} {users} file:///srv/backups/etc")).silent();
    host.0.sh("find /srv/backups /var/lib/moobacker ! -user moobacker; ls /tmp").silent();
    host.cron().silent();
    assert_eq!(host.sets("etc"), 3);
    let other = "moo verify --user moobacker file:///srv/backups/etc /srv/etc";
    host.0.sh_as("moobacker", other).fails_with(2).one_message();
}

#[test]
fn the_words_of_the_configuration_reach_moo_backup_as_they_are() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let host = Host::new(
        &network,
        "full-if-older-than 1M\noptions --volsize 5\nbefore echo \"it's\"\n\
         source etc /srv/et c\nfull-if-older-than 2W\noptions --hash \"blake2\"\n\
         exclude /srv/et c/*.tmp\ninclude **'$(id)'\nsource home /srv/home\n",
    );
    let printed = "sh -c 'echo \"it'\\''s\"'
moo backup --user=moobacker --name=etc \
--encrypt-key=/etc/moobacker/backup.cert.pgp --seal-key=/var/lib/moobacker/seal.secret.pgp \
--full-if-older-than=2W --volsize 5 --hash blake2 '--exclude=/srv/et c/*.tmp' \
'--include=**'\\''$(id)'\\''' -- '/srv/et c' file:///srv/backups/etc
moo backup --user=moobacker --name=home \
--encrypt-key=/etc/moobacker/backup.cert.pgp --seal-key=/var/lib/moobacker/seal.secret.pgp \
--full-if-older-than=1M --volsize 5 -- /srv/home file:///srv/backups/home";
    let script = "/usr/local/lib/moobacker/backup.sh";
    host.0.sh(&format!("SUDO_USER=moobacker {script} --dry-run")).succeeds().stdout_is(printed);
    assert_eq!((host.sets("etc"), host.sets("home")), (0, 0));
    let one = format!("{script} --user moobacker home");
    host.0.sh(&one).succeeds().stdout_is("it's");
    assert_eq!((host.sets("etc"), host.sets("home")), (0, 1));
    host.0.sh(&format!("{script} --user moobacker nothing")).fails_with(2).one_message();
    host.0
        .sh(script)
        .fails_with(2)
        .one_message()
        .stderr_has("run as root: set user in the configuration");
}

#[test]
fn the_user_can_call_it_by_sudo_in_that_one_way_and_no_other() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let host = Host::new(&network, "source etc /srv/etc\n");
    host.cron().silent();
    for other in ["--user moobacker", "--config /srv/mine", "etc", "--dry-run"] {
        let call = format!("sudo -n /usr/local/lib/moobacker/backup.sh {other}");
        host.0.sh_as("moobacker", &call).fails_with(1).stderr_has("password is required");
    }
    host.0.sh_as("moobacker", "sudo -n id").fails_with(1);
    // What the caller sets does not get through.
    host.0
        .sh("printf '#!/bin/sh\\ntouch /srv/evil.ran\\n' >/srv/evil && chmod 755 /srv/evil")
        .silent();
    let path = "mkdir -p bin && cp /srv/evil bin/moo-scan && cp /srv/evil bin/id && cp /srv/evil bin/setpriv";
    host.0.sh_as("moobacker", path).silent();
    let call = "PATH=$PWD/bin:$PATH ENV=/srv/evil BASH_ENV=/srv/evil LD_PRELOAD=/srv/evil.so \
        IFS=/ MOO_STATUS=9 /usr/bin/sudo -n /usr/local/lib/moobacker/backup.sh 2>/dev/null";
    host.0.sh_as("moobacker", call).silent();
    host.0.sh("test ! -e /srv/evil.ran").silent();
}

#[test]
fn a_signal_ends_all_of_it_and_the_last_hooks_still_run() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let host = Host::new(&network, &format!("after echo $MOO_STATUS >/srv/log\n{TWO}"));
    let script = format!(
        "runuser -u moobacker -- {CRON} & job=$!
        {}
        kill -STOP $pid
        kill -TERM $(pgrep -o -x backup.sh)
        kill -CONT $pid
        wait $job; echo $?
        left() {{ ps -e -o stat=,comm= | grep '^[^Z].* moo-'; }}
        for i in 1 2 3 4 5; do left >/dev/null || break; sleep 0.2; done
        left; cat /srv/log",
        until("pid=$(pgrep -x moo-upload)")
    );
    host.0.sh(&script).stdout_is("143\n143");
    host.cron().silent();
    host.brings_back("etc");
}
