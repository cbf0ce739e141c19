//! A machine that is backed up, as the recipe sets it up: a user, keys, a configuration, sudo.

use tests::machine::{Machine, Network};
use tests::{Run, Snapshot, assert_same};

/// The user that backs up, the keys, and a folder of that user's as the store. A source file is
/// for root alone to read.
const SET_UP: &str = r#"set -eu
useradd --system --home-dir /var/lib/moobacker --shell /usr/sbin/nologin moobacker
install -d -o moobacker -g moobacker -m 700 /var/lib/moobacker /srv/backups
mkdir -p /etc/moobacker /srv/etc/folder /srv/home
cd /etc/moobacker
moo keygen --no-passphrase /root/backup >/dev/null
cp /root/backup.cert.pgp .
runuser -u moobacker -- /usr/local/bin/moo keygen --sign-only /var/lib/moobacker/seal >/dev/null
echo 'moobacker ALL=(root) NOPASSWD: /usr/local/lib/moobacker/backup.sh ""' >/etc/sudoers.d/moobacker
chmod 440 /etc/sudoers.d/moobacker
echo hosts >/srv/etc/hosts
(umask 077 && echo 'the secret' >/srv/etc/folder/shadow)
head -c 30000000 /dev/urandom >/srv/home/large
"#;

/// Its configuration, up to the sources.
const CONFIGURATION: &str = "# what is backed up
remote file:///srv/backups
encrypt-key /etc/moobacker/backup.cert.pgp
seal-key /var/lib/moobacker/seal.secret.pgp
";

/// The machine, whose store is a folder of its own.
pub(crate) struct Host(pub(crate) Machine);

impl Host {
    /// With those lines of configuration below what every one needs.
    pub(crate) fn new(network: &Network<'_>, sources: &str) -> Host {
        let machine = network.machine("laptop.example.org");
        machine.install();
        machine.sh(SET_UP).silent();
        let host = Host(machine);
        host.configure(sources);
        host
    }

    /// Writes the configuration anew.
    pub(crate) fn configure(&self, sources: &str) {
        let file = "/etc/moobacker/backup.conf";
        self.0.sh(&format!("cat >{file} <<'EOF'\n{CONFIGURATION}{sources}EOF")).silent();
    }

    /// What cron starts: as the user, with hardly any environment, without a terminal.
    #[must_use = "a run proves nothing until something is asserted of it"]
    pub(crate) fn cron(&self) -> Run {
        self.0.sh_as("moobacker", &format!("exec {CRON}"))
    }

    /// Restores the newest state of a source as root, and compares it with the source.
    pub(crate) fn brings_back(&self, name: &str) {
        self.0.sh("rm -rf /srv/out").silent();
        let restore = "moo restore --secret-key /root/backup.secret.pgp \
            --seal-key /etc/moobacker/seal.cert.pgp";
        self.0.sh("cp /var/lib/moobacker/seal.cert.pgp /etc/moobacker").silent();
        self.0.sh(&format!("{restore} file:///srv/backups/{name} /srv/out")).silent();
        let (source, out) = (self.0.path(format!("/srv/{name}")), self.0.path("/srv/out"));
        assert_same(&Snapshot::kept(source), &Snapshot::kept(out));
    }

    /// How many sets a source's store has.
    pub(crate) fn sets(&self, name: &str) -> usize {
        let list = self.0.sh(&format!("ls /srv/backups/{name} 2>/dev/null | grep -c manifest"));
        list.out().trim().parse().unwrap()
    }
}

/// The line of the crontab, in cron's environment.
pub(crate) const CRON: &str = "env -i HOME=/var/lib/moobacker LOGNAME=moobacker \
    PATH=/usr/bin:/bin SHELL=/bin/sh /bin/sh -c 'sudo -n /usr/local/lib/moobacker/backup.sh'";
