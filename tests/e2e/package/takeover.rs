//! The package is installed where `install.sh` was used before.

use tests::Sandbox;
use tests::machine::{Machine, Network};
use tests::sandbox::workspace;

use super::deb;
use crate::recipe::local::{first_half, second_half, two};

/// What an installation of `install.sh` consists of, besides folders that others use too.
const LEFT: &str =
    "find /usr/local \\( -name 'moo*' -o -name '*.sh*' -o -name '_moo*' \\) ! -type d";

/// Lays the scripts and pages out as 0.1 did.
const AS_0_1: &str = "cd /usr/local/lib/moobacker && mv commands/list.sh admin/* shared/* . &&
    cp moo moo-backup && cp moo moo-restore && rm -rf commands admin shared ../systemd &&
    cd ../../share && rm -r bash-completion zsh fish && cd man/man1 &&
    sed 's/0\\.2\\.0/0.1.0/' moo-list.1 >list.sh.1 && cd /usr/local/bin && rm moo-*";

fn taken_over(machine: &Machine) -> String {
    let said = deb::install(machine);
    machine.sh(LEFT).silent();
    machine.sh("test ! -e /usr/local/lib/moobacker && command -v moo").stdout_is("/usr/bin/moo");
    said
}

#[test]
fn a_machine_that_was_set_up_from_a_checkout_goes_on_with_the_package() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let (local, remote) = two(&network);
    let fingerprint = first_half(&local, &remote);
    local.sh(&second_half(&fingerprint)).succeeds().stderr_is("");
    let config = local.sh("cat /etc/moobacker/*").out();
    let said = taken_over(&local);
    for file in ["/etc/sudoers.d/moobacker", "/etc/cron.d/moobacker"] {
        let line = format!(
            "moobacker: {file}: runs /usr/lib/moobacker/backup.sh now, instead of \
            /usr/local/lib/moobacker/backup.sh\n"
        );
        assert!(said.contains(&line), "{said}");
    }
    assert!(!said.contains("by hand"), "{said}");
    assert_eq!(config, local.sh("cat /etc/moobacker/*").out());
    local.sh("visudo -c").succeeds();
    local.sh("stat -c %a /etc/sudoers.d/moobacker").stdout_is("440");
    local
        .sh_as("moobacker", "eval \"$(sed -n 's/.* moobacker sudo/sudo/p' /etc/cron.d/moobacker)\"")
        .silent();
    remote.sh("ls /srv/purrbackups/backups/*/*.manifest.gpg | wc -l").stdout_is("2");
    local.sh("moo setup-local").succeeds().stderr_is("");
    local.sh("moo doctor --user moobacker").stderr_has("sendmail").one_message();
    // Later versions leave what an administrator installs meanwhile.
    local
        .sh("mkdir -p /usr/local/lib/moobacker && cp /bin/true /usr/local/lib/moobacker/moo-scan")
        .silent();
    let again = deb::install(&local);
    assert!(again.contains("/usr/local/lib/moobacker: runs instead of the package"), "{again}");
    local.sh("test -e /usr/local/lib/moobacker/moo-scan").silent();
}

#[test]
fn an_installation_of_0_1_gives_way_and_files_of_others_stay() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let old = network.machine("old");
    old.install();
    old.sh(AS_0_1).silent();
    taken_over(&old);
    let mixed = network.machine("mixed");
    mixed.install();
    let theirs = "echo dump >/usr/local/lib/moobacker/dump.sh; echo 1 >/usr/local/bin/moo-yours
        echo '.TH MOO-YOURS 1' >/usr/local/share/man/man1/moo-yours.1
        mkdir -p /etc/moobacker && echo 'before /usr/local/lib/moobacker/dump.sh' >/etc/moobacker/backup.conf
        ls -l /usr/local/lib/moobacker/dump.sh /usr/local/bin/moo-yours /usr/local/share/man/man1/moo-yours.1";
    let before = mixed.sh(theirs).succeeds().out();
    let said = deb::install(&mixed);
    let (_, list) = theirs.rsplit_once('\n').unwrap();
    assert_eq!(before, mixed.sh(list).out());
    mixed.sh("ls -A /usr/local/lib/moobacker").stdout_is("dump.sh");
    assert!(said.contains("/usr/local/lib/moobacker: kept"), "{said}");
    assert!(said.contains("moobacker: /etc/moobacker/backup.conf: names /usr/local/lib"), "{said}");
}

#[test]
fn timers_that_a_checkout_has_enabled_are_those_of_the_package_afterwards() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let Some(old) = network.booted("old") else { return };
    old.install();
    old.sh("systemctl daemon-reload; systemctl enable --quiet --now moobacker-root.timer moobacker-checks.timer")
        .silent();
    taken_over(&old);
    let links =
        "cd /etc/systemd/system && readlink -f moobacker.timer timers.target.wants/moobacker*";
    old.sh(links).stdout_is(
        "/usr/lib/systemd/system/moobacker-root.timer\n/usr/lib/systemd/system/moobacker-checks.timer\n\
        /usr/lib/systemd/system/moobacker-root.timer",
    );
    old.sh("systemctl is-enabled moobacker.timer moobacker-root.timer").stdout_is("alias\nenabled");
    old.sh("systemctl show -P FragmentPath moobacker.timer")
        .stdout_has("/systemd/system/moobacker-root.timer");
}

/// What 0.1 had on a machine that had backed up on three days: user, keys, configuration, archive directory,
/// crontab and sudoers; and its store, on a disk. The source was called `src` then, which is no path.
const SET_UP_BY_0_1: &str = r#"set -eu
cd /srv/golden
useradd --system --user-group --home-dir /var/lib/moobacker --shell /usr/sbin/nologin --password '*' moobacker
state=/var/lib/moobacker/.local/state/moobacker
mkdir -p $state /etc/moobacker /srv/backups
cp -r sealed/store /srv/backups/src && cp -r sealed/archive $state/src
cp keys/host.secret.pgp /var/lib/moobacker/seal.secret.pgp
cp keys/backup.cert.pgp /etc/moobacker && cp keys/host.cert.pgp /etc/moobacker/seal.cert.pgp
chown -R moobacker:moobacker /var/lib/moobacker /srv/backups
chmod 700 /var/lib/moobacker $state/src && chmod 600 /var/lib/moobacker/seal.secret.pgp
cat >/etc/moobacker/backup.conf <<'EOF'
remote file:///srv/backups
encrypt-key /etc/moobacker/backup.cert.pgp
seal-key /var/lib/moobacker/seal.secret.pgp
options --allow-source-mismatch
source src /srv/src
EOF
echo 'moobacker ALL=(root) NOPASSWD: /usr/local/lib/moobacker/backup.sh ""' >/etc/sudoers.d/moobacker
chmod 440 /etc/sudoers.d/moobacker
printf 'MAILTO=root\n30 2 * * * moobacker sudo -n /usr/local/lib/moobacker/backup.sh\n' >/etc/cron.d/moobacker
"#;

#[test]
fn a_machine_that_0_1_has_set_up_goes_on_with_its_chain_and_nothing_is_asked() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let old = network.machine("golden");
    old.install();
    old.sh(AS_0_1).silent();
    let golden = workspace().join("tests/golden/0.1.0");
    sandbox
        .sh(&format!("cp -r {} {}", golden.display(), old.path("/srv/golden").display()))
        .silent();
    old.sh(SET_UP_BY_0_1).silent();
    let key =
        "--secret-key /srv/golden/keys/backup.secret.pgp --seal-key /etc/moobacker/seal.cert.pgp";
    let restore = |time: &str, out: &str| {
        old.sh(&format!("moo restore {key} {time} file:///srv/backups/src /srv/{out}")).silent();
    };
    taken_over(&old);
    restore("", "src");
    old.sh("echo new >/srv/src/new").silent();
    let before = old.sh("cd /srv/backups/src && sha256sum *").out();
    let night = "eval \"$(sed -n 's/.* moobacker sudo/sudo/p' /etc/cron.d/moobacker)\"";
    old.sh_as("moobacker", night).silent();
    // The chain has one increment more, with a seal of the same key after that of 0.1; nothing has changed.
    let sets = "cd /srv/backups/src && ls duplicity-full*.manifest.gpg | wc -l &&
        ls duplicity-inc*.manifest.gpg | wc -l && ls *.seal | wc -l";
    old.sh(sets).stdout_is("1\n3\n4");
    std::fs::write(old.path("/srv/before"), before).unwrap();
    old.sh("cd /srv/backups/src && sha256sum --quiet -c /srv/before").silent();
    old.sh("cd /srv/backups/src && gpg -q --import /etc/moobacker/seal.cert.pgp 2>/dev/null
        for seal in *.seal; do gpg -q -d $seal 2>/dev/null | sha256sum --quiet -c || exit 1; done")
        .silent();
    restore("", "out");
    old.sh("cat /srv/out/new").stdout_is("new");
    restore("--time 20261128T172113Z", "first");
    old.sh("test -e /srv/first/gone/file && test ! -e /srv/first/new").silent();
    old.sh("moo status --user moobacker src | tail -n 1").stdout_has("newest good set is of");
    old.sh("moo config import >/srv/toml && moo config check /srv/toml").silent();
    old.sh_as("moobacker", night).silent();
}
