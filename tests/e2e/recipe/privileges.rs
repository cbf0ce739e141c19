//! Who runs as whom, and what each can do, while root backs up through `moo backup --user`.

use std::collections::BTreeMap;

use tests::machine::Network;
use tests::{Sandbox, until};

use super::host::{CRON, Host};

/// The stages behind the first.
const OTHERS: [&str; 6] =
    ["moo-sign", "moo-delta", "moo-pack", "moo-encrypt", "moo-upload", "moo-commit"];

/// A source that does not fit into the pipe.
const LARGE: &str = "options --volsize 1\nsource home /srv/home\n";

/// Starts what cron starts; with all stages there and the last one held, runs a script that
/// knows their process numbers by `$(of NAME)`; then lets the backup go on to its good end.
fn during_a_run(host: &Host, script: &str) -> String {
    let whole = format!(
        "of() {{ pgrep -x \"$1\"; }}
        runuser -u moobacker -- {CRON} & job=$!
        {}
        kill -STOP $last
        # The pipe gets full before the source is at its end; the reader waits for it with its right.
        {}
        # Some may not have become what they are to be yet.
        waited=0
        until [ $(pgrep -cx 'moo-(scan|sign|delta|pack|encrypt|upload|commit)') = 7 ]; do
            [ $waited -lt 500 ] || {{ echo 'a stage is missing' && break; }}
            waited=$((waited + 1)) && sleep 0.02
        done
        {{ {script}
        }}
        kill -CONT $last
        wait $job",
        until("last=$(pgrep -x moo-upload)"),
        until("grep -q 'CapEff:.*4$' /proc/$(pgrep -x moo-scan)/status 2>/dev/null")
    );
    host.0.sh(&whole).succeeds().stderr_is("").out()
}

#[test]
fn each_stage_is_the_users_and_only_the_first_can_read_what_it_may_not() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let host = Host::new(&network, LARGE);
    let script = "id -u moobacker
        for stage in moo-scan moo-sign moo-delta moo-pack moo-encrypt moo-upload moo-commit; do
            grep -E '^(Name|Uid|Gid|Groups|Cap|NoNewPrivs)' /proc/$(of $stage)/status
        done";
    let out = during_a_run(&host, script);
    let (uid, statuses) = out.split_once('\n').unwrap();
    let all: Vec<BTreeMap<&str, &str>> =
        statuses.split("Name:").skip(1).map(|status| format_of(status)).collect();
    assert_eq!(all.len(), 1 + OTHERS.len());
    for (index, status) in all.iter().enumerate() {
        let words: Vec<_> = status["Uid"].split_whitespace().collect();
        assert_eq!(words, [uid; 4], "{status:?}");
        assert_eq!(status["NoNewPrivs"], "1", "{status:?}");
        assert_eq!(status["Groups"].split_whitespace().count(), 1, "{status:?}");
        let right = if index == 0 { "0000000000000004" } else { "0000000000000000" };
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert_eq!(status[set], right, "{set} of {status:?}");
        }
    }
}

/// The lines of a status by their names; the first line is the program's own name.
fn format_of(status: &str) -> BTreeMap<&str, &str> {
    let (name, rest) = status.split_once('\n').unwrap();
    let lines = rest.lines().filter_map(|line| line.split_once(':'));
    lines.map(|(key, value)| (key, value.trim())).chain([("Name", name.trim())]).collect()
}

#[test]
fn a_stage_that_is_taken_over_opens_nothing_that_the_user_could_not() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let host = Host::new(&network, "source etc /srv/etc\n");
    host.0.sh("install -d -m 777 /srv/tried").silent();
    // Every stage first tries what it should not be able to do.
    let script = r#"cd /usr/local/lib/moobacker
        mkdir real
        for stage in moo-*; do
            mv $stage real
            cat >$stage <<'EOF'
#!/bin/sh
stage=${0##*/}
{
    echo start
    cat /etc/shadow >/dev/null && echo read
    (echo x >>/etc/shadow) && echo wrote
    (echo x >/usr/local/lib/moobacker/x) && echo planted
    chown root /srv/tried/$stage && echo gave
    sudo -n id && echo sudo
    env | sort
} >>/srv/tried/$stage 2>/dev/null
exec /usr/local/lib/moobacker/real/$stage "$@"
EOF
            chmod 755 $stage
        done"#;
    host.0.sh(script).silent();
    host.cron().silent();
    host.brings_back("etc");
    for stage in OTHERS {
        let tried = host.0.sh(&format!("cat /srv/tried/{stage}")).succeeds().out();
        let did = tried.lines().filter(|line| !line.contains('='));
        assert!(did.eq(["start"].repeat(tried.matches("start").count())), "{stage}: {tried}");
    }
    let tried = host.0.sh("cat /srv/tried/moo-scan").succeeds().out();
    let expected = "start\nread\nHOME=/var/lib/moobacker\nLOGNAME=moobacker\n";
    assert!(tried.contains(expected), "{tried}");
    for never in ["wrote", "planted", "gave", "sudo", "SUDO", "MAIL"] {
        assert!(!tried.contains(never), "{never}: {tried}");
    }
}

#[test]
fn the_user_can_not_look_into_any_stage_or_the_shell() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let host = Host::new(&network, LARGE);
    let look = |stage: &str| {
        let files = ["mem", "environ", "fd/0", "root/etc/hostname", "maps"]
            .map(|file| format!("head -c 0 /proc/{stage}/{file} && echo {file};"));
        format!("runuser -u moobacker -- sh -c '{}' 2>/dev/null;", files.concat())
    };
    let own = "runuser -u moobacker -- sleep 800 2>/dev/null & until pgrep -u moobacker -x sleep; do :; done >/dev/null;";
    let own =
        format!("{own} {} pkill -u moobacker -x sleep;", look("'$(pgrep -u moobacker -x sleep)'"));
    let stage = look("'$(of moo-sign)'");
    let reader = look("'$(of moo-scan)'");
    let shell = look("'$(pgrep -n -x backup.sh)'");
    let out = during_a_run(&host, &format!("{own} echo then; {stage} {reader} {shell} true"));
    let (own, others) = out.split_once("then\n").unwrap();
    assert!(own.contains("mem\nenviron\n"), "the user's own can be looked into: {own}");
    assert_eq!(others, "");
}

#[test]
fn one_shell_of_roots_is_all_that_stays_beside_the_stages() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let host = Host::new(&network, LARGE);
    let out = during_a_run(
        &host,
        "ps -e -o user=,comm= | grep -v -E ' (ps|grep|sh|cat|timeout|setsid|runuser|sudo)$'",
    );
    let ours = out.lines().filter(|line| line.contains("moo-") || line.contains("backup.sh"));
    let roots: Vec<_> = ours.filter(|line| line.starts_with("root")).collect();
    let (runs, shells): (Vec<&str>, Vec<&str>) =
        roots.into_iter().partition(|line| line.contains("moo-run"));
    assert_eq!(shells.len(), 2, "backup.sh of all sources and of this one: {out}");
    assert_eq!(runs.len(), 4, "a supervisor and a keeper of each: {out}");
}

/// What is root's alone, and how it would show: a text, its SHA-256, and a name in a tar.
const ROOTS: &str = r#"set -eu
mkdir -m 700 /srv/roots
cd /srv/roots
echo 'Hostname the-secret' >key
mkdir signature
touch signature/the-secret
tar cf tar signature/the-secret
"#;

#[test]
fn what_the_user_plants_in_the_archive_shows_nothing_that_is_roots() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let host = Host::new(&network, "source etc /srv/etc\n");
    host.0.sh(ROOTS).silent();
    host.cron().silent();
    let before = host.0.sh("cd /srv/roots && sha256sum *r *y").out();
    let sums: Vec<_> = before.lines().map(|line| &line[..64]).collect();
    let folder = "cd .local/state/moobacker";
    for (file, target) in [
        ("*.sigtar", "tar"),
        ("*.manifest", "key"),
        ("*.seal", "key"),
        ("seal-key", "key"),
        ("lockfile", "key"),
    ] {
        let plant = format!(
            "{folder} && cp -a etc kept && cd etc && for name in {file}; do ln -sf /srv/roots/{target} $name; done"
        );
        host.0.sh_as("moobacker", &plant).silent();
        host.0.sh("sleep 1.1; date +%N >>/srv/etc/hosts").silent();
        let run = host.cron();
        let shown = host.0.sh("cat /srv/backups/etc/*.seal").out() + &run.out() + &run.err();
        let shows = sums.iter().chain(&["the-secret"]).any(|secret| shown.contains(secret));
        assert!(!shows, "{file}: {}{shown}", run.status);
        host.0.sh_as("moobacker", &format!("{folder} && rm -r etc && mv kept etc")).silent();
    }
    assert_eq!(before, host.0.sh("cd /srv/roots && sha256sum *r *y").out());
    host.0.sh("sleep 1.1").silent();
    host.cron().succeeds().stderr_has("which the archive directory does not know");
    host.brings_back("etc");
}

#[test]
fn the_passphrase_of_roots_reaches_the_stage_that_encrypts_and_no_other() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let host = Host::new(&network, "source etc /srv/etc\n");
    let wrap = r#"install -d -m 777 /srv/tried && cd /usr/local/lib/moobacker && mkdir real
        for stage in moo-scan moo-sign moo-encrypt moo-upload; do
            mv $stage real
            printf '#!/bin/sh\necho "$(env | grep -c PASS)" >/srv/tried/%s\nexec %s "$@"\n' \
                $stage $PWD/real/$stage >$stage
            chmod 755 $stage
        done"#;
    host.0.sh(wrap).silent();
    let backup = "PASSPHRASE='a b' LEAK=PASS moo backup --user moobacker --name etc /srv/etc file:///srv/backups/etc";
    host.0.sh(backup).silent();
    host.0.sh("cd /srv/tried && grep -c . * && grep . *").stdout_is(
        "moo-encrypt:1\nmoo-scan:1\nmoo-sign:1\nmoo-upload:1\n\
         moo-encrypt:1\nmoo-scan:0\nmoo-sign:0\nmoo-upload:0",
    );
    host.0.sh("PASSPHRASE='a b' moo restore file:///srv/backups/etc /srv/out").silent();
    // Where a certificate encrypts, the passphrase is root's alone.
    let backup = "PASSPHRASE='a b' moo backup --user moobacker --name other \
        --encrypt-key /etc/moobacker/backup.cert.pgp /srv/etc file:///srv/backups/other";
    host.0.sh(backup).silent();
    host.0.sh("cat /srv/tried/moo-encrypt").stdout_is("0");
}

#[test]
fn a_stage_of_the_user_has_no_terminal_of_roots_to_type_into() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let host = Host::new(&network, "source etc /srv/etc\n");
    let wrap = r#"install -d -m 777 /srv/tried && cd /usr/local/lib/moobacker && mkdir real
        for stage in moo-scan moo-upload; do
            mv $stage real
            printf '#!/bin/sh\n(: </dev/tty) 2>/dev/null && echo yes >/srv/tried/%s || echo no >/srv/tried/%s
                exec %s "$@"\n' $stage $stage $PWD/real/$stage >$stage
            chmod 755 $stage
        done"#;
    host.0.sh(wrap).silent();
    let backup = "moo backup --quiet --encrypt-key /etc/moobacker/backup.cert.pgp";
    let url = "file:///srv/backups/etc";
    let on_terminal = |options: &str| {
        let line = format!("{backup} {options} /srv/etc {url}");
        host.0.sh(&format!("script -qec '{line}' /dev/null </dev/null")).succeeds();
        host.0.sh("cat /srv/tried/moo-scan /srv/tried/moo-upload; rm -rf /srv/backups/etc").out()
    };
    assert_eq!(on_terminal("--user moobacker --name etc"), "no\nno\n");
    assert_eq!(on_terminal("--archive-dir /root/archives"), "yes\nyes\n");
}

#[test]
fn a_folder_for_temporary_files_that_the_user_could_replace_is_refused() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let host = Host::new(&network, "source etc /srv/etc\n");
    host.cron().silent();
    host.0.sh("install -d -o moobacker /srv/t /srv/t/below && chown root /srv/t/below").silent();
    let status = "moo status --user moobacker --name etc file:///srv/backups/etc";
    for folder in ["/srv/t", "/srv/t/below"] {
        let run = host.0.sh(&format!("TMPDIR={folder} {status}")).fails_with(1).one_message();
        run.stderr_has("TMPDIR: /srv/t: others than root may write to it");
    }
    host.0.sh(&format!("{status} >/dev/null; find /srv/t -name 'moo*'")).silent();
}

#[test]
fn root_replicates_as_the_user_and_follows_none_of_the_users_links() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let host = Host::new(&network, "source etc /srv/etc\n");
    let configuration = "cat >/etc/moobacker/moobacker.toml <<'EOF'
user = 'moobacker'
encrypt-key = '/etc/moobacker/backup.cert.pgp'
[stores.first]
url = 'file:///srv/backups'
[stores.second]
url = 'file:///srv/second'
[sources.etc]
path = '/srv/etc'
identity = '00112233445566778899aabbccddeeff'
EOF
        install -d -o moobacker -m 700 /srv/second && mkdir -m 700 /root/victim";
    host.0.sh(configuration).silent();
    host.0.sh("moo backup etc first").silent();
    host.0.sh_as("moobacker", "ln -s /root/victim /srv/second/etc").silent();
    host.0.sh("moo replicate etc first second").fails();
    host.0.sh("ls -A /root/victim; rm /srv/second/etc").silent();
    host.0.sh("moo replicate etc first second && find /srv/second ! -user moobacker").silent();
    host.0.sh("ls /srv/second/etc | grep -c manifest").stdout_is("1");
}

#[test]
fn only_root_can_run_it_as_somebody_else_and_that_is_not_root_again() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let host = Host::new(&network, "source etc /srv/etc\n");
    let backup = |user: &str| {
        format!("moo backup --user {user} --no-encryption /srv/etc file:///srv/backups/etc")
    };
    for (user, why) in [("nobody-here", "no such user"), ("root", "is root too")] {
        host.0.sh(&backup(user)).fails_with(2).one_message().stderr_has(why);
    }
    let other = host.0.sh_as("moobacker", &backup("moobacker"));
    other.fails_with(2).one_message().stderr_has("only root can run as somebody else");
    host.0.sh(&backup("moobacker")).silent();
    assert_eq!(host.sets("etc"), 1);
}

#[test]
fn the_reader_sees_the_archive_with_no_more_than_the_users_eyes() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let host = Host::new(&network, "source etc /srv/etc\n");
    host.0.sh(ROOTS).silent();
    host.cron().silent();
    // As the pipe starts it, but without the look at the archive that the user takes before.
    let scan = "setpriv --reuid moobacker --regid moobacker --init-groups --no-new-privs \
        --inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search \
        --bounding-set=-all,+dac_read_search -- /usr/local/lib/moobacker/moo-scan \
        --archive /var/lib/moobacker/.local/state/moobacker/etc /srv/etc";
    let folder = "cd .local/state/moobacker";
    for (file, target) in [("*.sigtar*", "tar"), ("*.manifest", "key"), ("*.seal", "key")] {
        let plant = format!(
            "{folder} && cp -a etc kept && cd etc && for name in {file}; do ln -sf /srv/roots/{target} $name; done"
        );
        host.0.sh_as("moobacker", &plant).silent();
        host.0.sh(scan).fails_with(1).one_message().stderr_has("permission denied");
        host.0.sh_as("moobacker", &format!("{folder} && rm -r etc && mv kept etc")).silent();
    }
    host.0.sh(&format!("{scan} >/dev/null")).silent();
}
