//! The rest of a year, by a clock of the machine that runs ahead of the kernel's: what the rules keep, what
//! the checks say, and a store that is nearly full.

use std::fs;

use tests::machine::Machine;
use tests::scale::{long, scale};

use super::cron::Cron;
use super::scene::{SOURCES, Scene};

/// What the store keeps.
const KEEP: &str = "sed -i '/^url = /a keep = { daily = 7, weekly = 4, monthly = 12 }' \
    /etc/moobacker/moobacker.toml && moo config check";

/// What every program of the machine asks for the time: the kernel's, and so many seconds. libfaketime fails
/// in programs that become another user.
const CLOCK: &str = r#"
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static time_t ahead(void) {
    static long seconds = -1;
    if (seconds >= 0) return seconds;
    FILE *file = fopen("/etc/clock-ahead", "r");
    if (!file || fscanf(file, "%ld", &seconds) != 1) seconds = 0;
    if (file) fclose(file);
    return seconds;
}
int clock_gettime(clockid_t id, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, id, now);
    if (!failed && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) now->tv_sec += ahead();
    return failed;
}
time_t time(time_t *now) {
    struct timespec real;
    clock_gettime(CLOCK_REALTIME, &real);
    if (now) *now = real.tv_sec;
    return real.tv_sec;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec real;
    int failed = clock_gettime(CLOCK_REALTIME, &real);
    now->tv_sec = real.tv_sec, now->tv_usec = real.tv_nsec / 1000;
    return failed;
}"#;

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

/// Sets the clock of a machine so many days ahead.
pub(crate) fn set_clock(machine: &Machine, days: usize) {
    fs::write(machine.path("/etc/clock-ahead"), (days * 86_400).to_string()).unwrap();
    if machine.path("/etc/ld.so.preload").exists() {
        return;
    }
    fs::write(machine.path("/run/clock.c"), CLOCK).unwrap();
    let build = "cc -O1 -shared -fPIC -o /usr/local/lib/clock.so /run/clock.c &&
        echo /usr/local/lib/clock.so >/etc/ld.so.preload";
    machine.sh(build).silent();
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
