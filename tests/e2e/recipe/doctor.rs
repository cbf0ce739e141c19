//! The doctor: silent when all is well; what is broken is the one thing that it tells, and the
//! command that it tells mends it.

mod account;
mod keys;

use tests::machine::{Machine, Network};
use tests::{Run, Sandbox, assert_by_schema};

const REMOTE: &str = "sftp://purrbackups@store.example.org/backups";
const KIT: &str = "--kit /root/kit.tar --passphrase-file /root/passphrase";
const BACKUP: &str = "exec sudo -n /usr/local/lib/moobacker/backup.sh";

/// The machine that is backed up and the one that keeps the backups, as the two setups make them.
struct Pair {
    local: Machine,
    remote: Machine,
    fingerprint: String,
}

impl Pair {
    fn new(network: &Network<'_>) -> Pair {
        let local = network.machine("laptop.example.org");
        let remote = network.machine("store.example.org");
        local.install();
        remote.install();
        remote.start_sshd();
        let sources = "umask 077; mkdir -p /srv/etc /srv/home; echo hosts >/srv/etc/hosts
            echo hello >/srv/home/hello; echo 'a good passphrase' >/root/passphrase
            ln -sf /bin/true /usr/sbin/sendmail";
        local.sh(sources).silent();
        let set_up = format!(
            "moo setup-local --remote {REMOTE} --source etc=/srv/etc --source home=/srv/home"
        );
        let told = local.sh(&set_up).succeeds().out();
        let there = told.lines().map(str::trim).find(|line| line.starts_with("moo setup-remote"));
        let told = remote.sh(there.unwrap()).succeeds().out();
        let print = told.split_whitespace().find(|word| word.starts_with("SHA256:")).unwrap();
        local
            .sh(&format!("moo setup-local --host-key {print} --mailto moo@example.org {KIT}"))
            .succeeds()
            .stderr_is("");
        Pair { local, remote, fingerprint: print.to_owned() }
    }

    /// With a first backup of each source.
    fn backed_up(network: &Network<'_>) -> Pair {
        let pair = Pair::new(network);
        pair.local.sh_as("moobacker", BACKUP).silent();
        pair
    }

    /// With the store in a folder of the machine itself, where looking is quick.
    fn with_folder(network: &Network<'_>) -> Pair {
        let pair = Pair::new(network);
        let change = "install -d -o moobacker -m 700 /srv/backups
            sed -i 's|^url = .*|url = \"file:///srv/backups\"|' /etc/moobacker/moobacker.toml";
        pair.local.sh(change).silent();
        pair.local.sh_as("moobacker", BACKUP).silent();
        pair
    }

    fn doctor(&self, options: &str) -> Run {
        self.local.sh(&format!("moo doctor {options}"))
    }

    /// After that command all is well but one thing, which is told with that text. Its mending
    /// command, or the other one where it needs a human's hand, makes all well again.
    #[track_caller]
    fn tells(&self, breaking: &str, options: &str, what: &str, by_hand: &str) -> Run {
        self.local.sh(breaking).succeeds();
        let run = self.doctor(options).fails().stdout_is("").one_message();
        let message = run.err();
        assert!(
            message.starts_with("moo doctor: ") && message.contains(what),
            "{breaking}: {message}"
        );
        let told = message.trim_end().rsplit(": ").next().unwrap();
        let mend = if by_hand.is_empty() { told } else { by_hand };
        // Whole words: the hash of a host's key can have the same letters.
        let word = |word| match word {
            "FINGERPRINT" => &self.fingerprint,
            "NEW-KIT" => "/root/new.tar --passphrase-file /root/passphrase",
            "KIT" => "/root/kit.tar",
            other => other,
        };
        let mend = mend.split(' ').map(word).collect::<Vec<_>>().join(" ");
        let machine = if mend.starts_with("moo setup-remote") { &self.remote } else { &self.local };
        machine.sh(&mend).succeeds();
        self.doctor(options).silent();
        run
    }
}

#[test]
fn all_is_well_after_the_setup_and_nothing_is_told_or_changed() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let pair = Pair::backed_up(&network);
    let state = "find /srv /etc /var/lib /tmp -printf '%p %M %u %s\\n' | sort";
    // The first one leaves a file at the store, which can't be deleted, and the next ones use it.
    pair.doctor("").silent();
    let before = [&pair.local, &pair.remote].map(|machine| machine.sh(state).out());
    pair.doctor("").silent();
    pair.doctor(KIT).silent();
    let told = pair.doctor(&format!("-v {KIT}")).succeeds().stderr_is("");
    for part in [
        "only root can change it",
        "can be encrypted to",
        "is not on this machine",
        "opens, and its key decrypts",
        "The newest good set is of 2",
        "is good for SFTP in its own folders only",
        "is append-only",
    ] {
        assert!(told.out().contains(part), "{part}: {}", told.out());
    }
    let lines = pair.doctor(&format!("--json -v {KIT}")).succeeds().stderr_is("").out();
    assert_by_schema(&sandbox, "doctor", &lines);
    assert_eq!(lines.lines().count(), told.out().lines().count(), "{lines}");
    pair.doctor("--json").silent();
    assert_eq!(before, [&pair.local, &pair.remote].map(|machine| machine.sh(state).out()));
    pair.local.sh("pgrep -r R,S -u moobacker").fails().stdout_is("");
}

#[test]
fn a_problem_is_a_line_of_json_with_the_command_that_solves_it() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let pair = Pair::backed_up(&network);
    let odd = "/var/lib/moobacker/a\"b\\c\u{1b}]0;x";
    pair.local.sh(&format!("chmod 750 /var/lib/moobacker; touch '{odd}'")).silent();
    let run = pair.doctor("--json").fails_with(1).stderr_is("");
    assert_by_schema(&sandbox, "doctor", &run.out());
    let problems: Vec<serde_json::Value> =
        run.out().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of =
        |subject: &str| problems.iter().find(|one| one["subject"] == subject).expect("is reported");
    assert!(of(r#"/var/lib/moobacker/a"b\c\x1b]0;x"#)["status"] == 1);
    let command = of("/var/lib/moobacker")["command"].as_str().unwrap();
    assert_eq!(command, "runuser -u moobacker -- chmod 700 /var/lib/moobacker");
    pair.local.sh(&format!("{command}; rm -f '{odd}'")).silent();
    pair.doctor("--json").silent();
}

#[test]
fn a_store_that_fails_was_taken_for_one_with_strangers_and_is_not() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let pair = Pair::backed_up(&network);
    let fail =
        "cd /usr/local/lib/moobacker && mv moo-fetch kept && cat >moo-fetch && chmod 755 moo-fetch";
    let fetch = "#!/bin/sh\necho 'moo-fetch: a word before' >&2\n\
        echo 'moo-fetch: sftp://x: the connection is lost' >&2; exit 8";
    pair.local.sh(&format!("{{ {fail}; }} <<'END'\n{fetch}\nEND")).silent();
    let run = pair.doctor("").fails_with(8);
    let told = run.err();
    assert!(told.lines().all(|line| line.contains("sftp://x: the connection is lost: ")), "{told}");
    assert!(!told.contains("--strangers"), "{told}");
    pair.local.sh("cd /usr/local/lib/moobacker && mv kept moo-fetch").silent();
    pair.doctor("").silent();
}

#[test]
fn a_second_store_was_not_looked_at_and_is() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let pair = Pair::backed_up(&network);
    let add = "install -d -o moobacker -m 700 /srv/disk
        printf '[stores.disk]\\nurl = \"file:///srv/disk\"\\n' >>/etc/moobacker/moobacker.toml";
    pair.local.sh(add).silent();
    let told = pair.doctor("").fails_with(10).stdout_is("").err();
    for source in ["etc", "home"] {
        let line = format!("moo doctor: file:///srv/disk/{source}: has no backup yet: ");
        let mend = told.lines().find_map(|said| said.strip_prefix(&line)).unwrap();
        pair.local.sh(mend).silent();
    }
    pair.doctor("").silent();
    let told = pair.doctor("-v").succeeds().out();
    let newest = "The newest good set is of 2";
    assert_eq!(told.lines().filter(|line| line.contains(newest)).count(), 4, "{told}");
    let gone = "has none of this machine's backups";
    drop(pair.tells("rm -r /srv/disk/home", "", gone, ""));
}

/// What is broken, what is told of it, and what mends it where that can't be told.
const MACHINE: &[(&str, &str, &str)] = &[
    (
        "chmod g+w /usr/local/lib/moobacker/rescue.sh",
        "rescue.sh: others than root may write to it",
        "",
    ),
    ("chown moobacker /usr/local/lib", "/usr/local/lib: does not belong to root", ""),
    (
        "chmod o+w /etc/moobacker/moobacker.toml",
        "moobacker.toml: others than root may write to it",
        "",
    ),
    (
        "echo colour = 1 >>/etc/moobacker/moobacker.toml",
        ".colour: no such key, see moobacker.toml(5): editor /etc/moobacker/moobacker.toml",
        "sed -i '$d' /etc/moobacker/moobacker.toml",
    ),
    ("chmod 444 /etc/sudoers.d/moobacker", "is not for root alone", ""),
    ("rm /etc/sudoers.d/moobacker", "/etc/sudoers.d/moobacker: is missing", ""),
    (
        "echo 'moobacker ALL=(root) NOPASSWD: /bin/true' >>/etc/sudoers.d/moobacker",
        "is not the one line that is needed",
        "",
    ),
    (
        "echo 'moobacker ALL=(root) NOPASSWD: /bin/true' >/etc/sudoers.d/z; chmod 440 /etc/sudoers.d/z",
        "moobacker may do more than back up, (root) NOPASSWD: /bin/true: visudo -f /etc/sudoers.d/z",
        "rm /etc/sudoers.d/z",
    ),
    (
        "echo 'moobacker AL' >/etc/sudoers.d/z; chmod 440 /etc/sudoers.d/z",
        "syntax error: visudo -f /etc/sudoers.d/z",
        "rm /etc/sudoers.d/z",
    ),
    (
        "usermod -u 4321 moobacker && chown -R moobacker /srv/backups",
        "not a system user: usermod -u 999 moobacker",
        "usermod -u 999 moobacker && chown -R moobacker /srv/backups",
    ),
    ("usermod -s /bin/bash moobacker", "has a shell", ""),
    ("usermod -p x moobacker", "has a password", ""),
    ("usermod -aG sudo moobacker", "is in the group sudo", ""),
    ("chmod 755 /var/lib/moobacker", "others have rights to it", ""),
    (
        "chown root /var/lib/moobacker/.local/state/moobacker/etc.main",
        "does not belong to moobacker",
        "",
    ),
    ("rm /etc/cron.d/moobacker", "schedule: there is none", ""),
    ("sed -i /run-checks/d /etc/cron.d/moobacker", "checks: nothing runs them", ""),
    ("sed -i /MAILTO/d /etc/cron.d/moobacker", "nobody gets mail when a backup fails", ""),
    ("sed -i 's/MAILTO=.*/MAILTO=\"\"/' /etc/cron.d/moobacker", "nobody gets mail", ""),
    ("sed -i '/backup.sh/s/^/#/' /etc/cron.d/moobacker", "starts no backup", ""),
    (
        "cp /etc/cron.d/moobacker /etc/cron.d/again",
        "schedule: /etc/cron.d/moobacker starts backups, and so does /etc/cron.d/again: sed -i",
        "",
    ),
    ("mv /srv/etc /srv/gone", "etc: /srv/etc is missing", "mv /srv/gone /srv/etc"),
];

#[test]
fn what_is_broken_on_the_machine_is_told_and_mended() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let pair = Pair::with_folder(&network);
    pair.doctor("").silent();
    for (breaking, what, by_hand) in MACHINE {
        pair.tells(breaking, "", what, by_hand);
    }
}

#[test]
fn old_and_lost_backups_are_told_and_a_backup_mends_them() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let pair = Pair::with_folder(&network);
    let archive = "/var/lib/moobacker/.local/state/moobacker/etc.main";
    let forget = "rm -r /srv/backups/home /var/lib/moobacker/.local/state/moobacker/home.main";
    pair.tells(forget, "", "/srv/backups/home: has no backup yet", "");
    pair.tells("rm -r /srv/backups/home", "", "has none of this machine's backups", "");
    pair.tells(&format!("rm -r {archive}"), "", "is missing", "");
    pair.local.sh("moo doctor --max-age 1Y").silent();
    let run = pair.local.sh("sleep 31; moo doctor --max-age 30s").fails_with(1);
    assert_eq!(run.err().matches("older than 30s").count(), 2, "{}", run.err());
    let volume = "mv /srv/backups/home/*vol1.* /srv";
    let told = pair.tells(
        volume,
        "--max-age 1h",
        "volume 1 is missing",
        "mv /srv/*vol1.* /srv/backups/home",
    );
    drop(told.stderr_has(": moo status home main"));
    // A store that has lost all sets could be a disk that is not mounted.
    pair.local
        .sh("rm -r /srv/backups/etc && mkdir /srv/backups/etc && chown moobacker /srv/backups/etc")
        .silent();
    pair.local.sh_as("moobacker", BACKUP).fails_with(8).stderr_has("--start-over");
    pair.local.sh(&format!("rm -r {archive}")).silent();
    pair.local.sh_as("moobacker", BACKUP).silent();
    pair.doctor("--max-age 30s").silent();
}
