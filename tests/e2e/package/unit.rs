//! The units, under a systemd that runs on a machine of its own.

use tests::Sandbox;
use tests::machine::{Machine, Network};
use tests::sandbox::workspace;

use super::deb;
use crate::recipe::local::{begin, first_half};

/// What the service runs, and prints into its journal.
const SERVICE: &str = "systemctl start moobacker.service";
const CHECKS: &str = "systemctl start moobacker-checks.service";

/// All that the newest run of the service has printed.
const PRINTED: &str = "journalctl --sync; journalctl -q -o cat _SYSTEMD_INVOCATION_ID=$(systemctl show -P InvocationID moobacker.service)";

/// A machine with a configuration, whose store is a folder of its own.
const SET_UP: &str = r#"set -eu
install -d -o moobacker -g moobacker -m 700 /var/lib/moobacker /srv/backups
# As backup.sh(1) says for a store on a disk of this machine; what is seen is written by a test.
install -d -m 777 /srv/seen
mkdir -p /etc/systemd/system/moobacker.service.d
printf '[Service]\nReadWritePaths=/srv/backups /srv/seen\n' >/etc/systemd/system/moobacker.service.d/disk.conf
systemctl daemon-reload
mkdir -p /etc/moobacker /srv/etc
moo keygen --no-passphrase /root/backup >/dev/null
cp /root/backup.cert.pgp /etc/moobacker
(umask 077 && echo 'the secret' >/srv/etc/shadow && mkdir /srv/etc/closed && echo 1 >/srv/etc/closed/file)
cat >/etc/moobacker/backup.conf <<'EOF'
remote file:///srv/backups
encrypt-key /etc/moobacker/backup.cert.pgp
keep --keep-full 2
source etc /srv/etc
EOF
"#;

/// Makes every stage write down what it may do.
const WATCH: &str = r#"cd /usr/lib/moobacker && mkdir real
for stage in moo-scan moo-sign moo-delta moo-pack moo-encrypt moo-upload moo-commit moo-prune; do
    mv $stage real
    printf '#!/bin/sh\ngrep -E "^(Uid|Cap(Inh|Prm|Eff|Amb)|NoNewPrivs|Seccomp):" /proc/self/status >/srv/seen/%s\n' \
        $stage >$stage
    printf 'exec /usr/lib/moobacker/real/%s "$@"\n' $stage >>$stage
    chmod 755 $stage
done
"#;

/// A machine with a systemd, the package, and a configuration; none where no systemd can run.
fn booted(network: &Network<'_>) -> Option<Machine> {
    let machine = network.booted("laptop.example.org")?;
    deb::install(&machine);
    machine.sh(SET_UP).silent();
    Some(machine)
}

/// Sets of capabilities in `/proc/PID/status`: none, and the right to read every file.
pub(super) const NONE: &str = "0000000000000000";
pub(super) const READER: &str = "0000000000000004";

/// Checks what each stage has written down in /srv/seen: it is the user's, can get no privilege, and each of its
/// sets of capabilities, so many, is the one that `right` gives for its name. Returns the names.
pub(super) fn rights(
    laptop: &Machine,
    sets: usize,
    right: impl Fn(&str) -> &'static str,
) -> String {
    let user = laptop.sh("id -u moobacker").out();
    let user = user.trim_end();
    let stages = laptop.sh("ls /srv/seen").out();
    for stage in stages.lines() {
        let seen = laptop.sh(&format!("cat /srv/seen/{stage}")).out();
        assert!(seen.contains(&format!("Uid:\t{user}\t{user}\t{user}\t{user}\n")), "{seen}");
        assert!(seen.contains("NoNewPrivs:\t1\n"), "{stage}: {seen}");
        assert!(seen.contains("Seccomp:\t2\n"), "{stage}: {seen}");
        let found: Vec<_> = seen.lines().filter(|line| line.starts_with("Cap")).collect();
        assert_eq!(found.len(), sets, "{seen}");
        assert!(found.iter().all(|line| line.ends_with(right(stage))), "{stage}: {seen}");
    }
    stages
}

/// Makes the upload wait in mid-backup, when it has made that file.
pub(super) fn slow_upload(begun: &str) -> String {
    format!(
        "cd /usr/lib/moobacker && mkdir real && mv moo-upload real
        printf '#!/bin/sh\n: >{begun}; sleep 600; exec /usr/lib/moobacker/real/moo-upload \"$@\"\n' \
            >moo-upload; chmod 755 moo-upload"
    )
}

#[test]
fn the_service_backs_up_without_root_and_only_the_reader_keeps_its_privilege() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let Some(laptop) = booted(&network) else { return };
    laptop.without(&["sudo"]);
    laptop.sh(WATCH).silent();
    laptop.sh(SERVICE).silent();
    laptop.sh(PRINTED).silent();
    laptop
        .sh("moo restore --secret-key /root/backup.secret.pgp file:///srv/backups/etc /srv/out &&
        diff -r /srv/etc /srv/out")
        .silent();
    let stages = rights(&laptop, 4, |stage| if stage == "moo-scan" { READER } else { NONE });
    assert_eq!(stages.lines().count(), 8, "{stages}");
    laptop.sh("ls -A /var/cache/moobacker").silent();
    // The rating is of the service that has made this backup; the threshold is in tenths.
    laptop
        .sh("for unit in moobacker moobacker-checks; do
            systemd-analyze security --threshold=30 --no-pager $unit.service >/dev/null || exit 1
        done")
        .silent();
}

#[test]
fn a_failed_backup_is_mailed_with_its_messages_by_systemd() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let Some(laptop) = booted(&network) else { return };
    let mailer = "printf '#!/bin/sh\ncat >/var/cache/moobacker/mail\n' >/usr/sbin/sendmail
        chmod 755 /usr/sbin/sendmail; mkdir /var/cache/moobacker; chown moobacker /var/cache/moobacker
        mv /srv/etc /srv/gone";
    laptop.sh(mailer).silent();
    laptop.sh(SERVICE).fails();
    let mail =
        "until grep -q 'exit status' /var/cache/moobacker/mail 2>/dev/null; do sleep 0.1; done
        cat /var/cache/moobacker/mail";
    let mail = laptop.sh(mail).succeeds().out();
    assert!(
        mail.starts_with("To: root\nSubject: laptop.example.org: moobacker.service failed\n"),
        "{mail}"
    );
    assert!(mail.contains("/srv/etc: "), "{mail}");
    assert!(mail.ends_with("moobacker.service ended with exit status 1.\n"), "{mail}");
}

#[test]
fn a_service_that_is_stopped_leaves_no_process_and_no_set_and_the_next_run_goes_on() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let Some(laptop) = booted(&network) else { return };
    laptop.sh(&slow_upload("/var/cache/moobacker/begun")).silent();
    laptop
        .sh("printf '#!/bin/sh\ncat >/var/lib/moobacker/mail\n' >/usr/sbin/sendmail; chmod 755 /usr/sbin/sendmail")
        .silent();
    let stop = "systemctl start --no-block moobacker.service
        until [ -e /var/cache/moobacker/begun ]; do sleep 0.1; done
        systemctl stop moobacker.service; pgrep -u moobacker moo-; ls /srv/backups/etc/*.manifest* 2>/dev/null || :";
    laptop.sh(stop).silent();
    // Who stops it knows.
    let reported = "until journalctl --sync; journalctl -q -o cat -u moobacker-failure.service |
            grep -Fx 'moobacker.service was stopped by systemctl: no mail is sent'; do sleep 0.1; done";
    laptop.sh(reported).succeeds();
    laptop.sh("test ! -e /var/lib/moobacker/mail").silent();
    let killed = "rm /var/cache/moobacker/begun; systemctl start --no-block moobacker.service
        until [ -e /var/cache/moobacker/begun ]; do sleep 0.1; done
        kill $(systemctl show -P MainPID moobacker.service)
        until grep -s 'ended with exit status 143' /var/lib/moobacker/mail; do sleep 0.1; done";
    laptop.sh(killed).stdout_is("moobacker.service ended with exit status 143.");
    laptop.sh("cd /usr/lib/moobacker && mv real/moo-upload moo-upload").silent();
    laptop.sh("systemctl reset-failed moobacker.service").silent();
    laptop.sh(SERVICE).silent();
    laptop.sh("ls /srv/backups/etc/*.manifest.gpg | wc -l").stdout_is("1");
}

#[test]
fn the_recipe_of_the_package_enables_the_timer_with_what_was_given() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let Some(local) = network.booted("laptop.example.org") else { return };
    let remote = network.machine("store.example.org");
    for machine in [&local, &remote] {
        deb::install(machine);
    }
    local.without(&["sudo", "visudo"]);
    begin(&local, &remote);
    let fingerprint = first_half(&local, &remote);
    let second = format!(
        "moo setup-local --host-key {fingerprint} --kit /root/kit.tar --passphrase-file /root/passphrase \
        --systemd --schedule 'Mon 04:00' --mailto you@example.org"
    );
    let with_cron = local.sh(&second.replace(" --systemd", ""));
    with_cron.fails_with(1).one_message().stderr_has("install sudo, or pass --systemd");
    local.sh("test ! -e /root/kit.tar").silent();
    local.sh(&second).succeeds().stderr_is("");
    local.sh("ls /etc/cron.d/moobacker").fails();
    local.sh("systemctl list-timers --no-legend 'moobacker*' | wc -l").stdout_is("2");
    for timer in ["moobacker.timer", "moobacker-checks.timer"] {
        local
            .sh(&format!("readlink /etc/systemd/system/timers.target.wants/{timer}"))
            .stdout_is(&format!("/lib/systemd/system/{timer}"));
    }
    local.sh("cd /etc/systemd/system && cat moobacker.timer.d/*.conf moobacker-failure.service.d/*.conf").stdout_is(
        "[Timer]\nOnCalendar=\nOnCalendar=Mon 04:00\n[Service]\nEnvironment=MAILTO=you@example.org",
    );
    // Its checks fail until there is a backup.
    local.sh(CHECKS).fails();
    local
        .sh("journalctl --sync; journalctl -q -o cat -u moobacker-checks.service")
        .stdout_has("etc: there is no backup");
    local.sh(SERVICE).silent();
    local.sh(CHECKS).silent();
    local.sh("ls /var/lib/moobacker/.local/state/moobacker/checks/").stdout_has("etc.");
    remote.sh("ls /srv/purrbackups/backups/*/*.manifest.gpg | wc -l").stdout_is("2");
    local
        .sh("printf '#!/bin/sh\n' >/usr/sbin/sendmail; chmod 755 /usr/sbin/sendmail; moo doctor")
        .silent();
    local.sh("systemctl disable --quiet --now moobacker-checks.timer").silent();
    let told = local.sh("moo doctor").fails_with(1).one_message().err();
    assert!(told.contains("checks: nothing runs them: systemctl enable"), "{told}");
    local.sh(told.trim_end().rsplit(": ").next().unwrap()).succeeds();
    local.sh("moo doctor").silent();
    let state = "find /etc/systemd /etc/moobacker -printf '%p %T@\n' | sort";
    let before = local.sh(state).out();
    local.sh(&second).silent();
    assert_eq!(before, local.sh(state).out(), "a second time changes nothing");
    local.sh("dpkg --no-triggers -P moobacker").succeeds().stdout_has("moobacker.timer.d");
    local.sh("test -L /etc/systemd/system/timers.target.wants/moobacker.timer").fails();
}

#[test]
fn systemd_finds_no_fault_in_the_units() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let laptop = network.machine("laptop");
    deb::install(&laptop);
    laptop.sh("cd /usr/lib/systemd/system && SYSTEMD_LOG_LEVEL=warning systemd-analyze verify --man=no \
        ./moobacker.service ./moobacker.timer ./moobacker-failure.service \
        ./moobacker-root.service ./moobacker-root.timer \
        ./moobacker-checks.service ./moobacker-checks.timer").silent();
}

#[test]
fn a_failed_backup_is_mailed_with_its_messages() {
    let sandbox = Sandbox::new();
    let script = workspace().join("pipelines/admin/mail-failure.sh");
    let tools = "mkdir bin && cat >bin/journalctl <<'EOF'
#!/bin/sh
echo \"$*\"
echo 'moo backup: /srv: no such file'
EOF
        printf '#!/bin/sh\\necho \"$*\"; cat\\n' >bin/sendmail; chmod 755 bin/*";
    sandbox.sh(tools).silent();
    let told = sandbox.sh(&format!(
        "PATH=$PWD/bin:$PATH MAILTO=you@example.org MONITOR_UNIT=moobacker.service \
        MONITOR_INVOCATION_ID=0123 MONITOR_EXIT_STATUS=10 {}",
        script.display()
    ));
    let told = told.succeeds().out();
    for line in [
        "-i -t\nTo: you@example.org\n",
        ": moobacker.service failed\n",
        "_SYSTEMD_INVOCATION_ID=0123\nmoo backup: /srv: no such file\n",
        "moobacker.service ended with exit status 10.\n",
    ] {
        assert!(told.contains(line), "{told}");
    }
    sandbox.sh(&script.display().to_string()).fails_with(2).one_message();
}
