//! The unit that runs as root: what only root can do works in it, and of the two timers one backs up.

use tests::Sandbox;
use tests::machine::{Machine, Network};

use super::deb;
use super::unit::{NONE, READER, rights, slow_upload};
use crate::recipe::local::{begin, first_half};

const SERVICE: &str = "systemctl start moobacker-root.service";

/// All that the service has printed, without what su and runuser of a hook log.
const PRINTED: &str = "journalctl --sync
    journalctl -q -o cat _SYSTEMD_UNIT=moobacker-root.service _TRANSPORT=stdout";

/// A configuration with hooks and a dump of another user's. Hooks do what is root's: they become other users
/// in two ways, see the processes of others, and write where only root may.
const SET_UP: &str = r#"set -eu
useradd -m tom
install -d -o moobacker -g moobacker -m 700 /var/lib/moobacker /srv/backups
install -d -m 777 /srv/seen
mkdir -p /etc/moobacker /srv/etc
moo keygen --no-passphrase /root/backup >/dev/null
cp /root/backup.cert.pgp /etc/moobacker
(umask 077 && echo 'the secret' >/srv/etc/shadow)
cat >/usr/local/sbin/hook <<'EOF'
#!/bin/sh
set -e
dd if=/dev/zero of=/etc/moobacker/written bs=1 count=1 status=none
echo "$HOME $(umask)" >/srv/etc/hook
chown tom:tom /srv/etc/hook
chmod 600 /srv/etc/hook
su tom -c 'id -un' >>/srv/etc/hook
runuser -u tom -- id -un >>/srv/etc/hook
pgrep -x -u tom sleep >/dev/null
EOF
chmod 755 /usr/local/sbin/hook
cat >/etc/moobacker/moobacker.toml <<'EOF'
user = "moobacker"
encrypt-key = "/etc/moobacker/backup.cert.pgp"
before = "/usr/local/sbin/hook"
[stores.disk]
url = "file:///srv/backups"
[sources.etc]
path = "/srv/etc"
after = "echo $MOO_STATUS >/root/after"
[sources.dump]
commands = { who = "id -un; echo $HOME; ls /srv/etc" }
run-as = "tom"
EOF
systemd-run --quiet --uid=tom sleep 600
"#;

/// Makes every stage write down what it may do, for each source.
const WATCH: &str = r#"cd /usr/lib/moobacker && mkdir real
for stage in moo-scan moo-sign moo-delta moo-pack moo-encrypt moo-upload moo-commit; do
    mv $stage real
    printf '#!/bin/sh\ncase "$*" in *stdin-name*|*dump*) of=dump ;; *) of=etc ;; esac\n' >$stage
    printf 'grep -E "^(Uid|Cap(Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp):" /proc/self/status >/srv/seen/%s.$of\n' \
        $stage >>$stage
    printf 'exec /usr/lib/moobacker/real/%s "$@"\n' $stage >>$stage
    chmod 755 $stage
done
"#;

/// CAP_SETGID and CAP_SETUID.
const BECOMES_OTHERS: &str = "00000000000000c0";

fn booted(network: &Network<'_>) -> Option<Machine> {
    let machine = network.booted("laptop.example.org")?;
    deb::install(&machine);
    machine.sh(SET_UP).silent();
    Some(machine)
}

#[test]
fn the_service_of_root_runs_hooks_and_dumps_of_others_and_its_stages_have_no_right_of_roots() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let Some(laptop) = booted(&network) else { return };
    laptop.sh(WATCH).silent();
    let run = laptop.sh(SERVICE);
    let printed = laptop.sh(PRINTED).out();
    assert_eq!((run.status, &*printed), (0, ""), "{}", run.err());
    let restored = "cd /srv && for source in etc dump; do
            moo restore --user moobacker --secret-key /root/backup.secret.pgp $source out.$source || exit
        done; diff -r etc out.etc && cat out.etc/hook out.dump/who /root/after";
    laptop.sh(restored).stdout_is("/root 0022\ntom\ntom\ntom\n/home/tom\nhook\nshadow\n0");
    laptop.sh("stat -c %U /srv/backups/etc/*.seal /srv/etc/hook").stdout_is("moobacker\ntom");
    let stages = rights(&laptop, 5, |stage| match stage {
        "moo-scan.etc" => READER,
        "moo-scan.dump" => BECOMES_OTHERS,
        _ => NONE,
    });
    assert_eq!(stages.lines().filter(|stage| stage.ends_with(".etc")).count(), 7, "{stages}");
    laptop.sh("pgrep -u moobacker").fails();
    // The rating of the service that has made this backup is 4.2.
    laptop
        .sh("systemd-analyze security --threshold=42 --no-pager moobacker-root.service >/dev/null")
        .silent();
}

#[test]
fn the_service_without_root_names_the_one_of_root_for_the_commands_of_another_user() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let Some(laptop) = booted(&network) else { return };
    laptop.sh("sed -i '/^before/d; /^after/d' /etc/moobacker/moobacker.toml").silent();
    let disk = "mkdir /etc/systemd/system/moobacker.service.d && cd /etc/systemd/system/moobacker.service.d &&
        printf '[Service]\nReadWritePaths=/srv/backups\n' >disk.conf; systemctl daemon-reload";
    laptop.sh(disk).silent();
    laptop.sh("systemctl start moobacker.service").fails();
    let told = laptop.sh("journalctl --sync; journalctl -q -o cat -u moobacker.service").out();
    let command = "with systemd, systemctl enable --now moobacker-root.timer";
    assert!(told.contains("only root can run a command as another user"), "{told}");
    assert!(told.contains(command), "{told}");
}

#[test]
fn a_failed_backup_of_the_service_of_root_is_mailed_with_its_messages() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let Some(laptop) = booted(&network) else { return };
    let mailer = "printf '#!/bin/sh\ncat >/var/lib/moobacker/mail\n' >/usr/sbin/sendmail
        chmod 755 /usr/sbin/sendmail; printf '#!/bin/sh\nexit 9\n' >/usr/local/sbin/hook";
    laptop.sh(mailer).silent();
    laptop.sh(SERVICE).fails();
    let mail = "until grep -q 'ended with' /var/lib/moobacker/mail 2>/dev/null; do sleep 0.1; done
        cat /var/lib/moobacker/mail";
    let mail = laptop.sh(mail).succeeds().out();
    let head = "To: root\nSubject: laptop.example.org: moobacker-root.service failed\n";
    assert!(mail.starts_with(head), "{mail}");
    assert!(mail.contains("moo backup: before: /usr/local/sbin/hook: exit status 9\n"), "{mail}");
    assert!(mail.ends_with("moobacker-root.service ended with exit status 1.\n"), "{mail}");
}

#[test]
fn a_service_of_root_that_is_stopped_leaves_no_process_and_no_set_and_runs_the_hooks_that_undo() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let Some(laptop) = booted(&network) else { return };
    laptop.sh(&slow_upload("/srv/seen/begun")).silent();
    laptop.sh("ls -A /tmp | grep -v ^systemd- >/root/before; :").silent();
    let stop = "systemctl mask --quiet moobacker-failure.service
        systemctl start --no-block moobacker-root.service
        until [ -e /srv/seen/begun ]; do sleep 0.1; done
        systemctl stop moobacker-root.service; pgrep moo-; pgrep -u moobacker
        ls /srv/backups/etc/*.manifest* 2>/dev/null; cat /root/after; ls -A /tmp | grep -v ^systemd- | diff /root/before -";
    laptop.sh(stop).stdout_is("143");
    laptop.sh("cd /usr/lib/moobacker && mv real/moo-upload moo-upload").silent();
    laptop.sh("systemctl reset-failed moobacker-root.service").silent();
    laptop.sh(SERVICE).silent();
    laptop.sh("ls /srv/backups/*/*.manifest.gpg | wc -l").stdout_is("2");
}

/// The timers that back up and wait for the night, and what each of them starts.
pub(super) const WAITING: &str = "systemctl list-timers --no-legend 'moobacker*' |
    grep -o 'moobacker[-a-z]*\\.timer *moobacker[-a-z]*\\.service' | grep -v checks | tr -s ' '";
const OF_ROOT: &str = "moobacker-root.timer moobacker-root.service";
pub(super) const PLAIN: &str = "moobacker.timer moobacker.service";

/// Starts the timers as a start of the machine does: those that are enabled, by the names of their links.
const START_AGAIN: &str =
    "systemctl stop moobacker-root.timer moobacker.timer; systemctl daemon-reexec
    for link in /etc/systemd/system/timers.target.wants/moobacker*; do
        [ ! -L $link ] || systemctl start ${link##*/}
    done";

#[test]
fn of_the_two_timers_one_backs_up_in_whatever_order_they_are_enabled_and_disabled() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let Some(laptop) = network.booted("laptop.example.org") else { return };
    deb::install(&laptop);
    let schedule = "mkdir /etc/systemd/system/moobacker.timer.d && cd /etc/systemd/system/moobacker.timer.d &&
        printf '[Timer]\nOnCalendar=\nOnCalendar=Mon 04:00\n' >schedule.conf; systemctl daemon-reload";
    laptop.sh(schedule).silent();
    let enable = |timers: &str| laptop.sh(&format!("systemctl enable --quiet --now {timers}"));
    let disable = |timer: &str| {
        laptop.sh(&format!("systemctl disable --quiet --now {timer}")).succeeds();
    };
    let waits = |what: &str| {
        laptop.sh(WAITING).stdout_is(what);
        laptop.sh(START_AGAIN).succeeds();
        laptop.sh(WAITING).stdout_is(what);
    };
    enable("moobacker.timer").succeeds();
    waits(PLAIN);
    enable("moobacker-root.timer").succeeds();
    waits(OF_ROOT);
    laptop.sh("systemctl cat moobacker-root.timer").stdout_has("OnCalendar=Mon 04:00");
    let refused = enable("moobacker.timer").fails().err();
    assert!(refused.contains("moobacker.timer"), "{refused}");
    waits(OF_ROOT);
    disable("moobacker-root.timer");
    enable("moobacker.timer").succeeds();
    waits(PLAIN);
    disable("moobacker.timer");
    waits("");
    enable("moobacker.timer moobacker-root.timer").succeeds();
    waits(OF_ROOT);
    disable("moobacker-root.timer");
    disable("moobacker.timer");
    waits("");
}

#[test]
fn the_recipe_enables_the_timer_that_the_configuration_needs_and_the_doctor_says_which() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let Some(local) = network.booted("laptop.example.org") else { return };
    let remote = network.machine("store.example.org");
    for machine in [&local, &remote] {
        deb::install(machine);
    }
    local.without(&["sudo", "visudo"]);
    local.sh("printf '#!/bin/sh\n' >/usr/sbin/sendmail; chmod 755 /usr/sbin/sendmail").silent();
    begin(&local, &remote);
    let fingerprint = first_half(&local, &remote);
    let second = format!(
        "moo setup-local --host-key {fingerprint} --kit /root/kit.tar --passphrase-file /root/passphrase --systemd"
    );
    let hooks = |line: &str| {
        let script = format!("cd /etc/moobacker && sed -i '/^before/d; 1i {line}' moobacker.toml");
        local.sh(&script).silent();
    };
    hooks("before = \"id -un >/root/hook\"");
    local.sh(&format!("{second} --schedule 'Mon 04:00'")).succeeds().stderr_is("");
    local.sh(WAITING).stdout_is(OF_ROOT);
    local.sh(SERVICE).silent();
    local.sh("cat /root/hook").stdout_is("root");
    remote.sh("ls /srv/purrbackups/backups/*/*.manifest.gpg | wc -l").stdout_is("2");
    local.sh("moo doctor").silent();
    let state = "find /etc/systemd /etc/moobacker -printf '%p %T@ %l\n' | sort";
    let before = local.sh(state).out();
    local.sh(&second).silent();
    assert_eq!(before, local.sh(state).out(), "a second time changes nothing");
    hooks("# none");
    local.sh(&second).silent();
    local.sh(WAITING).stdout_is(PLAIN);
    local.sh("test ! -e /etc/systemd/system/moobacker.timer; moo doctor").silent();
    local.sh("systemctl cat moobacker.timer").stdout_has("OnCalendar=Mon 04:00");
    hooks("before = \"true\"");
    let told = local.sh("moo doctor").fails_with(1).one_message().err();
    let why = "moobacker.timer: backs up without root, which the configuration needs for before unless it has \
        hooks-need-root = false: ";
    assert!(told.contains(why), "{told}");
    local.sh(told.trim_end().rsplit(": ").next().unwrap()).succeeds();
    local.sh(WAITING).stdout_is(OF_ROOT);
    local.sh("moo doctor").silent();
    // An administrator says that these need no root.
    local.sh("sed -i '1i hooks-need-root = false' /etc/moobacker/moobacker.toml").silent();
    local.sh(&second).silent();
    local.sh(WAITING).stdout_is(PLAIN);
    local.sh("moo doctor").silent();
    local.sh("sed -i /^hooks-need/d /etc/moobacker/moobacker.toml").silent();
    local.sh(&second).silent();
    local.sh(WAITING).stdout_is(OF_ROOT);
    local.sh("dpkg --no-triggers -r moobacker").succeeds();
    local.sh(WAITING).stdout_is("");
    deb::install(&local);
    local.sh(START_AGAIN).succeeds();
    local.sh(WAITING).stdout_is(OF_ROOT);
    local.sh("dpkg --no-triggers -P moobacker").succeeds();
    local.sh("find /etc/systemd/system -name 'moobacker*' -type l").silent();
}
