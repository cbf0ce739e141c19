//! The rest of a year, by a clock of the machine that runs ahead of the kernel's: what the rules keep, what
//! the checks say, and a store that is nearly full.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use tests::machine::Machine;
use tests::scale::{long, scale};

use super::cron::Cron;
use super::scene::{SOURCES, Scene};

/// What the store keeps.
const KEEP: &str = "sed -i '/^keep = /d; /^url = /a keep = { daily = 1, monthly = 12 }' \
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

/// The kernel gives the files of the checks its own time.
const AFTERWARDS: &str =
    "find /var/lib/moobacker-checks -type f -exec touch -d \"$(date '+%F %T')\" {} +";

/// Leaves less room at the store than the next set needs, or as much as before.
const NEARLY_FULL: &str =
    "mount -o remount,size=$(($(df --output=used -k /srv | tail -n 1) + 64))k /srv";
const ROOMY: &str = "mount -o remount,size=50% /srv";

/// When the year begins: on 2030-01-04 at half past two.
const START: u64 = 1_893_724_200;

/// The night on which the store is nearly full.
const TIGHT: usize = 2;

/// Sets the clock of a machine to that day of the year.
pub(crate) fn set_clock(machine: &Machine, day: usize) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let ahead = START + day as u64 * 86_400 - now;
    fs::write(machine.path("/etc/clock-ahead"), ahead.to_string()).unwrap();
    if machine.path("/etc/ld.so.preload").exists() {
        return;
    }
    fs::write(machine.path("/run/clock.c"), CLOCK).unwrap();
    let build = "cc -O1 -shared -fPIC -o /usr/local/lib/clock.so /run/clock.c &&
        echo /usr/local/lib/clock.so >/etc/ld.so.preload";
    machine.sh(build).silent();
}

/// Nights of a year, each silent but the one on which the store is nearly full. Returns the last day.
pub(crate) fn passes(scene: &Scene<'_>, cron: &Cron) -> usize {
    scene.local.sh(KEEP).silent();
    let nights = scale(8, 360);
    let apart = if long() { 1 } else { 13 };
    let mails = cron.mails(scene);
    for night in 0..nights {
        set_clock(&scene.local, night * apart);
        let day = super::DAYS + 3 + night as u32;
        scene.change(day);
        if night == TIGHT {
            scene.local.sh("head -c 400000 /dev/urandom >/var/lib/app/large").silent();
            scene.remote.sh(NEARLY_FULL).silent();
            cron.fails(scene, "moo backup: var: exit status 7");
            scene.remote.sh(ROOMY).silent();
        }
        cron.starts_it(scene).silent();
        if night + 1 < nights {
            // They change a source, whose last state is compared.
            cron.checks(scene);
            scene.local.sh(AFTERWARDS).silent();
        }
    }
    assert_eq!(cron.mails(scene), mails, "no mail tells of a good night");
    for source in SOURCES {
        let list = format!("ls /srv/purrbackups/backups/{source} | grep 'manifest.gpg$'");
        let sets = scene.remote.sh(&list).succeeds().out();
        let full = sets.lines().filter(|name| name.contains("-full.")).count();
        let has = |time: &str| sets.contains(&format!("{time}T"));
        match long() {
            // One a month, the one before the year, and perhaps one that its month no longer needs.
            true => assert!((12..=14).contains(&full), "{source}: {full} full sets"),
            // The last of a chain that is not the newest of its month went with the next chain.
            false => {
                assert!(
                    has("20300130") && !has(".20300310") && has("20300323"),
                    "{source}: {sets}"
                );
            }
        }
    }
    (nights - 1) * apart
}
