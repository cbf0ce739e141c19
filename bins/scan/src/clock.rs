//! How finely a file system counts time.

use std::os::fd::AsFd;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::Stat;

use crate::entry;

/// Longer than the clock of a file system on a local disk takes for a tick.
pub(crate) const TICK: Duration = Duration::from_millis(10);
/// The longest step of a file system's clock: FAT counts in steps of two seconds.
const COARSE: Duration = Duration::from_secs(2);
/// How far the clock of a file server may be ahead of ours.
const AHEAD: Duration = Duration::from_secs(60);

/// File systems that may count in coarse steps though their times have fractions of a second, or
/// whose times come from another machine: `f_type` of statfs(2).
const UNKNOWN_CLOCKS: [u64; 8] = [
    0x4d44,      // FAT
    0x2011_bab0, // exFAT
    0x6969,      // NFS
    0x6573_5546, // FUSE
    0x517b,      // SMB
    0xff53_4d42, // CIFS
    0xfe53_4d42, // SMB 2
    0x0102_1997, // 9P
];

/// Whether a file changed less than a tick ago.
pub(crate) fn is_fresh(stat: &Stat) -> bool {
    let changed = entry::changed(stat);
    let Ok(secs) = u64::try_from(changed.secs) else {
        return false;
    };
    let changed = UNIX_EPOCH + Duration::new(secs, changed.nanos);
    SystemTime::now().duration_since(changed).is_ok_and(|age| age < TICK)
}

/// Whether a file that is read from now on, or was frozen in a snapshot then, could change without a trace
/// in its times, because the clock of its file system has not ticked since its last change.
pub(crate) fn is_recent(file: impl AsFd, stat: &Stat, frozen: Option<SystemTime>) -> bool {
    let stamps = [entry::changed(stat), entry::modified(stat)];
    let read = frozen.unwrap_or_else(SystemTime::now);
    let near = |most: Duration| {
        stamps.iter().any(|stamp| {
            let Ok(secs) = u64::try_from(stamp.secs) else { return false };
            let at = UNIX_EPOCH + Duration::new(secs, stamp.nanos);
            match read.duration_since(at) {
                Ok(age) => age < most,
                Err(ahead) => ahead.duration() < AHEAD,
            }
        })
    };
    // What is read now is waited for, see `is_fresh`; nobody could wait before the snapshot.
    frozen.is_some() && near(TICK)
        || near(COARSE + TICK) && (stamps[0].nanos == 0 || has_unknown_clock(file))
}

fn has_unknown_clock(file: impl AsFd) -> bool {
    let kind = rustix::fs::fstatfs(file).map(|system| system.f_type as u64 & 0xffff_ffff);
    kind.is_ok_and(|kind| UNKNOWN_CLOCKS.contains(&kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn a_file_is_recent_while_a_coarse_clock_may_not_have_ticked() {
        let file: File = tempfile::tempfile().unwrap();
        let mut stat = rustix::fs::fstat(&file).unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
        for (age, nanos, wanted) in [
            (0, 0, true),
            (1, 0, true),
            (5, 0, false),
            (-30, 0, true),
            (-300, 0, false),
            (1, 5, false),
        ] {
            (stat.st_ctime, stat.st_ctime_nsec) = (now - age, nanos);
            (stat.st_mtime, stat.st_mtime_nsec) = (1000, 0);
            assert_eq!(is_recent(&file, &stat, None), wanted, "{age} {nanos}");
        }
    }

    #[test]
    fn a_file_that_changed_in_the_tick_of_the_snapshot_is_recent() {
        let file: File = tempfile::tempfile().unwrap();
        let mut stat = rustix::fs::fstat(&file).unwrap();
        (stat.st_mtime, stat.st_mtime_nsec) = (1000, 0);
        let frozen = UNIX_EPOCH + Duration::new(2000, 500_000_000);
        for (secs, nanos, wanted) in [
            (2000, 499_000_000, true),
            (2000, 501_000_000, true),
            (2000, 400_000_000, false),
            (1999, 499_000_000, false),
            (2000, 0, true),
            (3000, 7, false),
        ] {
            (stat.st_ctime, stat.st_ctime_nsec) = (secs, nanos);
            assert_eq!(is_recent(&file, &stat, Some(frozen)), wanted, "{secs} {nanos}");
        }
    }
}
