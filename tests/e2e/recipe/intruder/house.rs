//! Where the intruder breaks in: a laptop with a backup of two sets, the store that keeps it, and
//! what must not be seen or touched there.

use std::cell::RefCell;
use std::fs;

use tests::machine::{Machine, Network};
use tests::raw_sftp::RawSftp;
use tests::{Run, Sandbox};

use super::state::{Effect, State};

/// What lies outside of the account for all to read, and must not come out.
pub(crate) const SECRET: &[u8] = b"LEAKED-FROM-OUTSIDE";

/// The laptop's user and keys, and something to back up.
const LAPTOP: &str = r"set -eu
mkdir -m 700 -p /root/.ssh
ssh-keygen -q -t ed25519 -N '' -C root@laptop -f /root/.ssh/id_ed25519
cd /root
moo keygen --no-passphrase backup >/dev/null
moo keygen --sign-only seal >/dev/null
mkdir -p /srv/source/folder
head -c 50000 /dev/urandom >/srv/source/folder/noise
seq 3000 >/srv/source/numbers
";

/// How stock ssh and sftp get in.
const CONFIG: &str = "Host store\n User purrbackups\n BatchMode yes\n LogLevel ERROR
 StrictHostKeyChecking yes\n ConnectTimeout 20\n";

/// What lies around on the store, with another account that has a store of its own.
const AROUND: &str = "set -eu
for file in /etc/secret /srv/secret /tmp/secret /home/secret; do
    echo LEAKED-FROM-OUTSIDE >$file
done
ssh-keygen -q -t ed25519 -N '' -C other -f /root/other
/usr/local/lib/moobacker/admin/setup-remote.sh --user otherbackups --from 10.0.0.9 \
    --key /root/other.pub other >/dev/null
echo LEAKED-FROM-OUTSIDE >/srv/otherbackups/backups/other/file
chown otherbackups /srv/otherbackups/backups/other/file";

/// All outside of the chroot that the intruder might have left something in.
const OUTSIDE: &str = "find /etc/ssh /etc/passwd /etc/shadow /etc/group /etc/sudoers* /etc/cron* \
    /etc/secret /srv /usr/local /home /root /tmp /var/tmp /var/spool/cron /var/mail \
    -path /srv/purrbackups -prune -o -printf '%p %M %u:%g %s %l %T+ %C+\\n' | sort";

/// What makes a backup, sealed.
pub(crate) const BACKUP: &str = "moo backup --num-retries 1 --encrypt-key /root/backup.cert.pgp \
    --seal-key /root/seal.secret.pgp /srv/source sftp://purrbackups@store/backups/etc";

/// Both machines.
pub(crate) struct House<'a> {
    _network: Network<'a>,
    pub(crate) laptop: Machine,
    pub(crate) store: Machine,
    /// Whether the account can only add files.
    pub(crate) append_only: bool,
    /// All below the chroot before the intruder came.
    pub(crate) before: RefCell<State>,
    outside: String,
}

impl<'a> House<'a> {
    /// Both, with a full set and an increment stored, and one file that was not finished.
    pub(crate) fn new(sandbox: &'a Sandbox, append_only: bool) -> Option<House<'a>> {
        let network = Network::new(sandbox)?;
        let (laptop, store) = (network.machine("laptop"), network.machine("store"));
        laptop.install();
        store.install();
        laptop.sh(LAPTOP).silent();
        meet(&laptop, &store, append_only);
        store.sh(AROUND).silent();
        backed_up(&laptop);
        let before = State::of(&store);
        assert_eq!(before.files().len(), 9, "two sets of four files, and a temporary one");
        store.sh("cp -a /srv/purrbackups/backups /root/copy").silent();
        let outside = store.sh(OUTSIDE).out();
        Some(House {
            _network: network,
            laptop,
            store,
            append_only,
            before: RefCell::new(before),
            outside,
        })
    }

    /// A session with the stolen key.
    pub(crate) fn session(&self) -> RawSftp {
        RawSftp::start(&self.laptop, "-s store sftp").expect("the key lets in")
    }

    /// What has become of what is stored.
    pub(crate) fn effects(&self) -> Vec<Effect> {
        self.before.borrow().effects(&State::of(&self.store))
    }

    /// The paths of all files that were stored.
    pub(crate) fn files(&self) -> Vec<String> {
        self.before.borrow().files()
    }

    /// Undoes what has been done below the chroot. In an account that can only add files nothing
    /// is brought back from anywhere but there.
    pub(crate) fn mend(&self, effects: &[Effect]) {
        if self.append_only {
            // What took an old name makes way for what had it.
            let (added, others): (Vec<_>, Vec<_>) =
                effects.iter().partition(|effect| matches!(effect, Effect::Added(_)));
            added.into_iter().chain(others).for_each(|effect| effect.undo(&self.store));
        } else {
            let copy = "cd /srv/purrbackups/backups && rm -rf etc home && cp -a /root/copy/* .";
            self.store.sh(copy).silent();
            self.before.borrow_mut().is_copied_to(State::of(&self.store));
        }
        assert_eq!(self.effects(), [], "all is as it was");
    }

    /// `moo restore` with more options, into a folder that is new.
    #[must_use = "a run proves nothing until something is asserted of it"]
    pub(crate) fn restore(&self, options: &str) -> Run {
        self.laptop.sh(&format!(
            "rm -rf /srv/out; moo restore --num-retries 1 --secret-key /root/backup.secret.pgp \
                --seal-key /root/seal.cert.pgp {options} \
                sftp://purrbackups@store/backups/etc /srv/out"
        ))
    }

    /// The newest state comes back.
    pub(crate) fn comes_back(&self) {
        self.restore("").silent();
        self.laptop.sh("diff -r /srv/source /srv/out").silent();
    }

    /// Nothing outside of the chroot has changed, and nobody has anything running.
    pub(crate) fn is_untouched_outside(&self) {
        assert_eq!(self.outside, self.store.sh(OUTSIDE).out());
        let running = "ps -o stat=,args= -u purrbackups | grep -v -e ^Z -e ' sshd: purrbackups'";
        self.store.sh(running).stdout_is("");
    }
}

/// The store takes the laptop's key, and the laptop the store's.
fn meet(laptop: &Machine, store: &Machine, append_only: bool) {
    let key = fs::read_to_string(laptop.path("/root/.ssh/id_ed25519.pub")).unwrap();
    let option = if append_only { "" } else { "--plain" };
    let setup = "/usr/local/lib/moobacker/admin/setup-remote.sh";
    store
        .sh(&format!("{setup} --key '{}' {option} --from 10.0.0.1 etc home", key.trim()))
        .succeeds();
    store.start_sshd();
    let host = fs::read_to_string(store.path("/etc/ssh/ssh_host_ed25519_key.pub")).unwrap();
    fs::write(laptop.path("/root/.ssh/known_hosts"), format!("store {host}")).unwrap();
    fs::write(laptop.path("/root/.ssh/config"), CONFIG).unwrap();
}

/// A full set, an increment, and what an interrupted run leaves.
fn backed_up(laptop: &Machine) {
    laptop.sh(BACKUP).silent();
    laptop.sh(&format!("sleep 1.1; seq 4000 >/srv/source/numbers; {BACKUP}")).silent();
    let name = ".upload-0123456789abcdef-duplicity-full.20261122T201500Z.vol1.difftar.gpg";
    laptop
        .sh(&format!("cd /srv/source && sftp -b - store >/dev/null <<'END'\nput numbers /backups/etc/{name}\nEND"))
        .silent();
}
