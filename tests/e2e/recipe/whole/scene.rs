//! The two machines of the recipe: what is on them, what changes from day to day, and what has
//! been typed.

use std::cell::RefCell;
use std::collections::BTreeMap;

use tests::machine::{Machine, Network};
use tests::{Run, Sandbox, Snapshot, Tree};

use super::Origin;
use super::ledger::Ledger;
use crate::package::deb;

/// The sources.
pub(crate) const SOURCES: [&str; 3] = ["etc", "var", "home"];

/// The archives in /var, which change with each backup.
pub(crate) const ARCHIVES: &str = "lib/moobacker";

/// The passphrase of the kit.
pub(crate) const PASSPHRASE: &str = "a good passphrase";

/// What is on the machine that is backed up: its own /etc, a small /var, and a folder to plug a
/// stick in. Mail is kept, not sent.
const LOCAL: &str = r#"set -eu
mount -t tmpfs -o mode=755 machine /var
mkdir -p /var/log /var/mail /var/spool/cron/crontabs /var/lib/app /var/cache/app /media/stick
mkdir -m 1777 /var/tmp /srv/mail
ln -s ../run /var/run
head -c 3000000 /dev/urandom >/var/lib/app/database
seq 20000 >/var/log/app.log
(umask 077 && echo secret >/var/lib/app/secret)
rm -f /usr/sbin/sendmail
cat >/usr/sbin/sendmail <<'END'
#!/bin/sh
exec cat >"$(mktemp /srv/mail/XXXXXX)"
END
chmod 755 /usr/sbin/sendmail
"#;

/// What happens on a day, apart from what happens in /home.
const CHANGES: &str = r#"set -eu
# Two sets of one second would have one name.
sleep 1.1
echo "day $1" >>/etc/motd
(umask 077 && echo "password of day $1" >"/etc/day-$1")
mv /var/log/app.log "/var/log/app.log.$1"
seq "$1" 20000 >/var/log/app.log
printf '%s' "day $1" | dd of=/var/lib/app/database bs=1 seek="$1"00000 conv=notrunc 2>/dev/null
rm -f "/etc/day-$(($1 - 2))""#;

/// Both machines, and what has been run on them.
pub(crate) struct Scene<'a> {
    pub(crate) network: Network<'a>,
    pub(crate) local: Machine,
    pub(crate) remote: Machine,
    home: Tree,
    /// The states of the sources on each day that was backed up.
    days: RefCell<BTreeMap<u32, Vec<Snapshot>>>,
    pub(crate) ledger: Ledger,
}

impl<'a> Scene<'a> {
    /// Two machines with the package, or with a checkout each, the second one without programs.
    pub(crate) fn new(sandbox: &'a Sandbox, origin: Origin) -> Option<Scene<'a>> {
        let network = Network::new(sandbox)?;
        let local = network.machine("laptop.example.org");
        let remote = network.machine("store.example.org");
        match origin {
            Origin::Package => [&local, &remote].into_iter().for_each(|machine| {
                deb::install(machine);
            }),
            Origin::Checkout => {
                remote.sh("umount /usr/src/moobacker/target/release").silent();
            }
        }
        local.sh(LOCAL).silent();
        remote.start_sshd();
        let home = Tree::every_kind(local.path("/home/moo"));
        let (days, ledger) = (RefCell::default(), Ledger::default());
        Some(Scene { network, local, remote, home, days, ledger })
    }

    /// Runs what somebody types in the checkout.
    #[must_use = "a run proves nothing until something is asserted of it"]
    pub(crate) fn by_hand(&self, machine: &Machine, command: &str) -> Run {
        self.ledger.typed(machine.sh(&format!("cd /usr/src/moobacker\n{command}")))
    }

    /// Runs a command here at a terminal, where the passphrase is asked for twice.
    pub(crate) fn on_terminal(&self, command: &str) {
        let answer = |question: &str| {
            format!(
                "until grep -q '{question}' typescript; do sleep 0.1; done; echo '{PASSPHRASE}'"
            )
        };
        let answers = [answer("A passphrase"), answer("Repeat the passphrase")].join("\n");
        let script = format!(
            "cd /root && : >typescript && {{\n{answers}\nsleep 1\n}} | script -qefc '{command}' typescript"
        );
        let run = self.ledger.typed(self.local.sh(&script)).succeeds();
        assert!(!run.out().contains(PASSPHRASE), "{}", run.out());
    }

    /// What happens on that day to all that is backed up.
    pub(crate) fn change(&self, day: u32) {
        self.local.sh(&format!("set -- {day}\n{CHANGES}")).silent();
        if day <= super::DAYS {
            self.home.day(day);
        }
    }

    /// Keeps the state that was backed up on that day.
    pub(crate) fn remembers_day(&self, day: u32) {
        self.days.borrow_mut().insert(day, self.state());
    }

    /// The state of all sources now, as far as stock tools bring it back; the archives are apart,
    /// which change with each backup.
    pub(crate) fn state(&self) -> Vec<Snapshot> {
        let of = |source: &&str| {
            let snapshot = Snapshot::of(self.local.path(format!("/{source}")));
            snapshot.as_stock().without(&[ARCHIVES])
        };
        SOURCES.iter().map(of).collect()
    }

    /// The state of all sources on that day.
    pub(crate) fn state_of(&self, day: u32) -> Vec<Snapshot> {
        self.days.borrow()[&day].clone()
    }

    /// Each source has one full set, and an increment for each night.
    pub(crate) fn has_a_full_set_and_increments(&self) {
        let nights = self.ledger.nights();
        for source in SOURCES {
            let count = format!(
                "cd /srv/purrbackups/backups/{source} && ls duplicity-full.*.manifest.gpg | wc -l &&
                ls duplicity-inc.*.manifest.gpg | wc -l"
            );
            self.remote.sh(&count).stdout_is(&format!("1\n{nights}"));
        }
    }

    /// Does that to the first source's folder at the store.
    pub(crate) fn to_first_store(&self, change: &str) {
        self.remote.sh(&format!("{change} /srv/purrbackups/backups/etc")).silent();
    }
}
