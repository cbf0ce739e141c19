//! The units of systemd. None runs here: what the service may do is given by `setpriv`.

use tests::Sandbox;
use tests::machine::Network;
use tests::sandbox::workspace;

use super::deb;
use crate::recipe::local::{begin, first_half};

/// What the service runs, as the user and with the privilege that its unit gives.
const SERVICE: &str = r#"set -eu
unit=/usr/lib/systemd/system/moobacker.service
value() { sed -n "s/^$1=//p" $unit; }
user=$(value User)
capability=$(value AmbientCapabilities | sed s/CAP_// | tr A-Z a-z)
[ "$(value CapabilityBoundingSet)" = "$(value AmbientCapabilities)" ]
[ "$(value NoNewPrivileges)" = yes ]
[ "$(value Environment)" = TMPDIR=%C/moobacker ]
install -d -m 700 -o $user -g $user /var/cache/moobacker
cd /
exec setpriv --reuid $user --regid $user --init-groups --no-new-privs \
    --inh-caps=-all,+$capability --ambient-caps=-all,+$capability --bounding-set=-all,+$capability \
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin HOME=/var/lib/moobacker USER=$user \
    LOGNAME=$user TMPDIR=/var/cache/moobacker $(value ExecStart)
"#;

/// The same for the service of the checks, whose user has no privilege.
const CHECKS: &str = r#"set -eu
unit=/usr/lib/systemd/system/moobacker-checks.service
value() { sed -n "s/^$1=//p" $unit; }
user=$(value User)
grep -qx 'CapabilityBoundingSet=' $unit && ! grep -q '^Ambient' $unit
[ "$(value NoNewPrivileges)" = yes ]
install -d -m 700 -o $user -g $user /var/cache/moobacker
cd /
exec setpriv --reuid $user --regid $user --init-groups --no-new-privs \
    --inh-caps=-all --ambient-caps=-all --bounding-set=-all \
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin HOME=/var/lib/moobacker USER=$user \
    LOGNAME=$user TMPDIR=/var/cache/moobacker $(value ExecStart)
"#;

/// A machine with a configuration, whose store is a folder of its own.
const SET_UP: &str = r#"set -eu
install -d -o moobacker -g moobacker -m 700 /var/lib/moobacker /srv/backups
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
const WATCH: &str = r#"install -d -m 1777 /srv/seen && cd /usr/lib/moobacker && mkdir real
for stage in moo-scan moo-sign moo-delta moo-pack moo-encrypt moo-upload moo-commit moo-prune; do
    mv $stage real
    printf '#!/bin/sh\ngrep -E "^(Uid|Cap(Inh|Prm|Eff|Amb)|NoNewPrivs)" /proc/self/status >/srv/seen/%s\n' \
        $stage >$stage
    printf 'exec /usr/lib/moobacker/real/%s "$@"\n' $stage >>$stage
    chmod 755 $stage
done
"#;

#[test]
fn the_service_backs_up_without_root_and_only_the_reader_keeps_its_privilege() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let laptop = network.machine("laptop");
    deb::install(&laptop);
    laptop.without(&["sudo"]);
    laptop.sh(SET_UP).silent();
    laptop.sh(WATCH).silent();
    laptop.sh(SERVICE).silent();
    laptop
        .sh("moo restore --secret-key /root/backup.secret.pgp file:///srv/backups/etc /srv/out &&
        diff -r /srv/etc /srv/out")
        .silent();
    let user = laptop.sh("id -u moobacker").out();
    let user = user.trim_end();
    let stages = laptop.sh("ls /srv/seen").out();
    assert_eq!(stages.lines().count(), 8, "{stages}");
    for stage in stages.lines() {
        let seen = laptop.sh(&format!("cat /srv/seen/{stage}")).out();
        assert!(seen.contains(&format!("Uid:\t{user}\t{user}\t{user}\t{user}\n")), "{seen}");
        assert!(seen.contains("NoNewPrivs:\t1\n"), "{stage}: {seen}");
        let right = if stage == "moo-scan" { "0000000000000004" } else { "0000000000000000" };
        let sets: Vec<_> = seen.lines().filter(|line| line.starts_with("Cap")).collect();
        assert_eq!(sets.len(), 4, "{seen}");
        assert!(sets.iter().all(|line| line.ends_with(right)), "{stage}: {seen}");
    }
    laptop.sh("ls -A /var/cache/moobacker").silent();
}

#[test]
fn the_recipe_of_the_package_enables_the_timer_with_what_was_given() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let local = network.machine("laptop.example.org");
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
    local.sh(&second.replace("--kit /root/kit.tar ", "")).succeeds().stderr_is("");
    local.sh("ls /etc/cron.d/moobacker").fails();
    for timer in ["moobacker.timer", "moobacker-checks.timer"] {
        local
            .sh(&format!("readlink /etc/systemd/system/timers.target.wants/{timer}"))
            .stdout_is(&format!("/lib/systemd/system/{timer}"));
    }
    local.sh("cd /etc/systemd/system && cat moobacker.timer.d/*.conf moobacker-failure.service.d/*.conf").stdout_is(
        "[Timer]\nOnCalendar=\nOnCalendar=Mon 04:00\n[Service]\nEnvironment=MAILTO=you@example.org",
    );
    // Its checks fail until there is a backup.
    local.sh(CHECKS).fails().stderr_has("etc: there is no backup");
    local.sh(SERVICE).silent();
    local.sh(CHECKS).silent();
    local.sh("ls /var/lib/moobacker/.local/state/moobacker/checks/").stdout_has("etc.");
    remote.sh("ls /srv/purrbackups/backups/*/*.manifest.gpg | wc -l").stdout_is("2");
    local
        .sh("printf '#!/bin/sh\n' >/usr/sbin/sendmail; chmod 755 /usr/sbin/sendmail; moo doctor")
        .silent();
    let state = "find /etc/systemd /etc/moobacker -printf '%p %T@\n' | sort";
    let before = local.sh(state).out();
    local.sh(&second).silent();
    assert_eq!(before, local.sh(state).out(), "a second time changes nothing");
    local.sh("dpkg --no-triggers -P moobacker").succeeds().stdout_has("moobacker.timer.d");
    local.sh("test -L /etc/systemd/system/timers.target.wants/moobacker.timer").fails();
}

#[test]
fn systemd_rates_the_service_at_most_3_and_finds_no_fault_in_the_units() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let laptop = network.machine("laptop");
    deb::install(&laptop);
    // The threshold is in tenths.
    laptop
        .sh("cd /usr/lib/systemd/system && for unit in moobacker moobacker-checks; do
            systemd-analyze security --offline=true --threshold=30 --no-pager $unit.service >/dev/null || exit 1
        done")
        .silent();
    laptop.sh("cd /usr/lib/systemd/system && SYSTEMD_LOG_LEVEL=warning systemd-analyze verify --man=no \
        ./moobacker.service ./moobacker.timer ./moobacker-failure.service \
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
