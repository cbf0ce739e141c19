//! Cron and the timers of systemd: a setup leaves one of them, and the doctor finds two.

use tests::machine::{Machine, Network};
use tests::{Run, Sandbox};

use super::deb;
use super::root_unit::{PLAIN, WAITING};
use crate::recipe::local::{begin, first_half, second_half};

const CRONTAB: &str = "/etc/cron.d/moobacker";

/// What cron starts, after the line with MAILTO.
const STARTS: &str = "moobacker sudo -n /usr/lib/moobacker/backup.sh\n0 7 * * * root /usr/lib/moobacker/moo run-checks";

/// What a setup says that has deleted the crontab.
const DELETED: &str = "moo setup-local: /etc/cron.d/moobacker: deleted, because moobacker.timer starts the backups; \
    cron did at 7 4 * * *";

/// What a setup says that has disabled the timers.
const DISABLED: &str = "moo setup-local: moobacker.timer moobacker-checks.timer: disabled, because \
    /etc/cron.d/moobacker starts the backups (--systemd enables timers)";

/// A machine with systemd and cron that is set up with cron.
struct Server<'a> {
    local: &'a Machine,
    /// The second run of the setup, without options.
    again: String,
}

impl Server<'_> {
    fn set_up(&self, options: &str) -> Run {
        self.local.sh(&format!("{} {options}", self.again))
    }

    /// The one schedule is the crontab, with that address and time.
    fn has_cron(&self, mailto: &str, time: &str) {
        self.local.sh(WAITING).stdout_is("");
        let crontab = format!("MAILTO={mailto}\n{time} {STARTS}");
        self.local.sh(&format!("cat {CRONTAB}")).stdout_is(&crontab);
        self.local.sh("moo doctor").silent();
    }

    /// The one schedule is the timer, with that address.
    fn has_timer(&self, mailto: &str) {
        self.local.sh(WAITING).stdout_is(PLAIN);
        self.local.sh(&format!("test ! -e {CRONTAB}")).silent();
        self.local
            .sh("systemctl show -P Environment moobacker-failure.service")
            .stdout_is(&format!("MAILTO={mailto}"));
        self.local.sh("moo doctor").silent();
    }

    /// The doctor finds two schedules, and its command leaves one.
    fn doctor_mends(&self, what: &str) {
        let told = self.local.sh("moo doctor").fails_with(1).one_message().err();
        let message = told.trim_end();
        assert!(message.starts_with(&format!("moo doctor: schedule: {what}: ")), "{told}");
        self.local.sh(message.rsplit(": ").next().unwrap()).succeeds();
        self.local.sh("moo doctor").silent();
    }
}

fn with_cron<'a>(local: &'a Machine, remote: &Machine) -> Server<'a> {
    for machine in [local, remote] {
        deb::install(machine);
    }
    local.sh("printf '#!/bin/sh\\n' >/usr/sbin/sendmail; chmod 755 /usr/sbin/sendmail").silent();
    // Under systemd, cron is started by it.
    local.sh("systemctl start cron.service").succeeds();
    begin(local, remote);
    let fingerprint = first_half(local, remote);
    local.sh(&second_half(&fingerprint)).silent();
    local.sh("systemctl start moobacker.service").silent();
    Server { local, again: format!("moo setup-local --host-key {fingerprint}") }
}

#[test]
fn a_setup_leaves_one_schedule_and_says_which_one_has_gone() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let Some(local) = network.booted("laptop.example.org") else { return };
    let remote = network.machine("store.example.org");
    let server = with_cron(&local, &remote);
    server.has_cron("admin@example.org", "7 4 * * *");
    let dry = server.set_up("--systemd --dry-run").succeeds().stderr_is("").out();
    assert!(dry.lines().any(|line| line == "rm -- /etc/cron.d/moobacker"), "{dry}");
    server.has_cron("admin@example.org", "7 4 * * *");
    server.set_up("--systemd").succeeds().stderr_is("").stdout_is(DELETED);
    server.has_timer("admin@example.org");
    server.set_up("--systemd").silent();
    // Other values are not ignored.
    server.set_up("--systemd --mailto you@example.org --schedule 'Mon 04:00'").silent();
    server.has_timer("you@example.org");
    local.sh("systemctl show -P TimersCalendar moobacker.timer").stdout_has("Mon *-*-* 04:00:00");
    let next = "systemctl show -P NextElapseUSecRealtime moobacker.timer";
    local.sh(next).stdout_has("Mon ");
    server.set_up("").succeeds().stderr_is("").stdout_is(DISABLED);
    server.has_cron("you@example.org", "30 2 * * *");
    server.set_up("").silent();
    server.set_up("--mailto me@example.org").silent();
    server.has_cron("me@example.org", "30 2 * * *");
    server.set_up("--schedule '@daily'").silent();
    server.has_cron("me@example.org", "@daily");
}

#[test]
fn a_crontab_in_which_a_person_has_written_is_neither_deleted_nor_changed() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let Some(local) = network.booted("laptop.example.org") else { return };
    let remote = network.machine("store.example.org");
    let server = with_cron(&local, &remote);
    local.sh(&format!("echo '0 5 * * * root /usr/local/bin/dump' >>{CRONTAB}")).silent();
    let crontab = local.sh(&format!("cat {CRONTAB}")).out();
    let refused = |options: &str, why: &str| {
        let told = server.set_up(options).fails_with(1).stdout_is("").one_message().err();
        let which = "moo setup-local: /etc/cron.d/moobacker: has other lines, such as \
            \"0 5 * * * root /usr/local/bin/dump\"";
        assert!(told.starts_with(which) && told.contains(why), "{told}");
    };
    refused("--systemd", "delete those with backup.sh and run-checks");
    refused("--mailto you@example.org", "change it by hand: MAILTO=you@example.org");
    refused("--schedule '1 2 * * *'", "change it by hand: 1 2 * * * moobacker sudo -n ");
    server.set_up("--mailto admin@example.org --schedule '7 4 * * *'").silent();
    assert_eq!(local.sh(&format!("cat {CRONTAB}")).out(), crontab);
    local.sh(WAITING).stdout_is("");
    // What the message says is enough, and the rest of the file stays.
    local.sh(&format!("sed -i -e /backup.sh/d -e /run-checks/d {CRONTAB}")).silent();
    server.set_up("--systemd").silent();
    local.sh(WAITING).stdout_is(PLAIN);
    local.sh(&format!("tail -n 1 {CRONTAB}")).stdout_is("0 5 * * * root /usr/local/bin/dump");
    refused("", "and starts no backup: add 30 2 * * * moobacker sudo -n ");
}

#[test]
fn the_doctor_finds_two_schedules_and_its_command_leaves_one() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let Some(local) = network.booted("laptop.example.org") else { return };
    let remote = network.machine("store.example.org");
    let server = with_cron(&local, &remote);
    let enable = "systemctl enable --quiet --now moobacker.timer";
    local.sh(enable).succeeds();
    server.doctor_mends("moobacker.timer starts backups, and so does /etc/cron.d/moobacker");
    server.has_timer("root");
    let crontabs = format!(
        "printf 'PATH=/bin\\n1 2 * * * moobacker sudo -n /usr/lib/moobacker/backup.sh\\n' >{CRONTAB}
        echo '2 3 * * * root /usr/lib/moobacker/backup.sh etc' >>/etc/crontab"
    );
    local.sh(&crontabs).silent();
    let both = "/etc/cron.d/moobacker /etc/crontab";
    server.doctor_mends(&format!("moobacker.timer starts backups, and so does {both}"));
    local
        .sh(&format!("cat {CRONTAB}"))
        .stdout_is("PATH=/bin\n#1 2 * * * moobacker sudo -n /usr/lib/moobacker/backup.sh");
    local.sh("tail -n 1 /etc/crontab").stdout_has("#2 3 * * * root");
}
