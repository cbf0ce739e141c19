//! The rest of a year, by a clock of the machine that runs ahead of the kernel's: what the rules keep, what
//! the checks say, and a store that is nearly full.

use tests::machine::Machine;
use tests::scale::{long, scale};

use super::cron::Cron;
use super::scene::{SOURCES, Scene};

/// What the store keeps.
const KEEP: &str = "sed -i '/^url = /a keep = { daily = 7, weekly = 4, monthly = 12 }' \
    /etc/moobacker/moobacker.toml && moo config check";

/// Argument: the days.
const CLOCK: &str = r#"set -eu
ls /usr/lib/*/faketime/libfaketime.so.1 >/run/clock
: >/etc/ld.so.preload
date -d "$1 days" '+@%F 02:30:00' >/etc/faketimerc
cat /run/clock >/etc/ld.so.preload"#;

/// The kernel has its own clock for the files of the checks, and each process leaves a semaphore.
const AFTERWARDS: &str =
    "find /var/lib/moobacker-checks -type f -exec touch -d \"$(date '+%F %T')\" {} +
rm -f /dev/shm/*faketime*";

/// Leaves less room at the store than the next set needs, or as much as before.
const NEARLY_FULL: &str =
    "mount -o remount,size=$(($(df --output=used -k /srv | tail -n 1) + 64))k /srv";
const ROOMY: &str = "mount -o remount,size=50% /srv";

/// The night on which the store is nearly full.
const TIGHT: usize = 3;

/// Sets the clock of a machine to half past two, so many days from now.
pub(crate) fn set_clock(machine: &Machine, days: usize) {
    machine.sh(&format!("set -- {days}\n{CLOCK}")).silent();
}

/// Nights of a year, each silent but the one on which the store is nearly full. Returns how many days later
/// it is then.
pub(crate) fn passes(scene: &Scene<'_>, cron: &Cron) -> usize {
    scene.local.sh(KEEP).silent();
    let nights = scale(8, 360);
    let apart = if long() { 1 } else { 9 };
    let mails = cron.mails(scene);
    for night in 1..=nights {
        set_clock(&scene.local, night * apart);
        let day = super::DAYS + 2 + night as u32;
        scene.change(day);
        if night == TIGHT {
            scene.local.sh("head -c 400000 /dev/urandom >/var/lib/app/large").silent();
            scene.remote.sh(NEARLY_FULL).silent();
            cron.fails(scene, "moo backup: var: exit status ");
            scene.remote.sh(ROOMY).silent();
        }
        cron.starts_it(scene).silent();
        cron.checks(scene);
        scene.local.sh(AFTERWARDS).silent();
    }
    assert_eq!(cron.mails(scene), mails, "no mail tells of a good night");
    for source in SOURCES {
        let list = format!("ls /srv/purrbackups/backups/{source} | grep -c manifest.gpg");
        let sets: usize = scene.remote.sh(&list).succeeds().out().trim().parse().unwrap();
        let full =
            format!("ls /srv/purrbackups/backups/{source}/duplicity-full.*.manifest.gpg | wc -l");
        let full: usize = scene.remote.sh(&full).succeeds().out().trim().parse().unwrap();
        // A chain each month: the newest of each stays, and what it builds on.
        assert!((2..=13).contains(&full), "{source}: {full} full sets");
        assert!(sets < nights + super::DAYS as usize + 4, "{source}: {sets} sets");
    }
    nights * apart
}
