//! The time of a set, to the second, and its forms in file names.

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};

use crate::Error;

/// The first second of 1901 and of 2100: duplicity's years are 1901 to 2099.
const RANGE: std::ops::Range<i64> = -2_177_452_800..4_102_444_800;

/// The time of a set: whole seconds since 1970 in UTC, within the years 1901 to 2099.
///
/// It is shown as in file names, `YYYYMMDDTHHMMSSZ`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SetTime(i64);

impl SetTime {
    /// The last second that a set can have.
    pub const LAST: SetTime = SetTime(RANGE.end - 1);

    /// The time that many seconds after the start of 1970 in UTC.
    ///
    /// # Errors
    /// A time outside the years 1901 to 2099.
    pub fn from_seconds(seconds: i64) -> Result<SetTime, Error> {
        if !RANGE.contains(&seconds) {
            return Err(Error::new(seconds.to_string(), "a time outside the years 1901 to 2099"));
        }
        Ok(SetTime(seconds))
    }

    /// Seconds since the start of 1970 in UTC.
    pub fn seconds(self) -> i64 {
        self.0
    }

    /// Reads the time in a file name: `YYYYMMDDTHHMMSSZ`, or the old
    /// `YYYY-MM-DDTHH:MM:SS-07:00`, which may have another separator in place of `:`. Letters
    /// may be lower case.
    ///
    /// # Errors
    /// Any other text.
    pub fn parse_name(text: &str) -> Result<SetTime, Error> {
        let upper = text.to_ascii_uppercase();
        compact(&upper)
            .or_else(|| extended_of_name(&upper))
            .ok_or_else(|| Error::new(text, "not the time of a set"))
    }

    /// The time in the local zone, as `Sun Nov 22 20:13:40 2026`.
    pub fn local(self) -> String {
        self.shown_in(TimeZone::system())
    }

    fn shown_in(self, zone: TimeZone) -> String {
        self.in_zone(zone).strftime("%a %b %e %H:%M:%S %Y").to_string()
    }

    fn in_zone(self, zone: TimeZone) -> Zoned {
        // The range is within that of a timestamp, so the epoch is never used.
        Timestamp::from_second(self.0).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone)
    }
}

/// The clock's time, its fraction cut off.
impl TryFrom<SystemTime> for SetTime {
    type Error = Error;

    fn try_from(time: SystemTime) -> Result<SetTime, Error> {
        let seconds = match time.duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            Err(before) => {
                let whole = i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX);
                -whole - i64::from(before.duration().subsec_nanos() > 0)
            }
        };
        SetTime::from_seconds(seconds)
    }
}

impl FromStr for SetTime {
    type Err = Error;

    /// Reads exactly the form that is shown.
    fn from_str(text: &str) -> Result<SetTime, Error> {
        compact(text).ok_or_else(|| Error::new(text, "not the time of a set"))
    }
}

impl fmt::Display for SetTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.in_zone(TimeZone::UTC).datetime();
        write!(f, "{:04}{:02}{:02}T", time.year(), time.month(), time.day())?;
        write!(f, "{:02}{:02}{:02}Z", time.hour(), time.minute(), time.second())
    }
}

impl fmt::Debug for SetTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SetTime({self})")
    }
}

/// `YYYYMMDDTHHMMSSZ`.
pub(crate) fn compact(text: &str) -> Option<SetTime> {
    if text.len() != 16 || text.get(8..9) != Some("T") || text.get(15..) != Some("Z") {
        return None;
    }
    let day = [digits(text, 0, 4)?, digits(text, 4, 6)?, digits(text, 6, 8)?];
    let clock = [digits(text, 9, 11)?, digits(text, 11, 13)?, digits(text, 13, 15)?];
    at_offset(civil(day, clock)?, 0)
}

/// The date and time of `YYYY-MM-DDTHH:MM:SS`, and the zone that follows it.
pub(crate) fn extended(text: &str) -> Option<(DateTime, &str)> {
    let marks = [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":")];
    if marks.iter().any(|&(at, mark)| text.get(at..at + 1) != Some(mark)) {
        return None;
    }
    let day = [digits(text, 0, 4)?, digits(text, 5, 7)?, digits(text, 8, 10)?];
    let clock = [digits(text, 11, 13)?, digits(text, 14, 16)?, digits(text, 17, 19)?];
    Some((civil(day, clock)?, text.get(19..)?))
}

/// The seconds east of Greenwich of `Z` or `±HH:MM`.
pub(crate) fn offset(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    if zone.len() != 6 || zone.get(3..4) != Some(":") {
        return None;
    }
    let (hours, minutes) = (digits(zone, 1, 3)?, digits(zone, 4, 6)?);
    let seconds = (hours < 24 && minutes < 60).then_some(hours * 3600 + minutes * 60)?;
    match zone.get(..1) {
        Some("+") => Some(seconds),
        Some("-") => Some(-seconds),
        _ => None,
    }
}

/// That date and time at an offset in seconds east of Greenwich.
pub(crate) fn at_offset(time: DateTime, offset: i64) -> Option<SetTime> {
    let offset = Offset::from_seconds(i32::try_from(offset).ok()?).ok()?;
    SetTime::from_seconds(offset.to_timestamp(time).ok()?.as_second()).ok()
}

/// The old form in a file name, whose separator is any one punctuation mark. It always has a zone,
/// because a name must mean the same everywhere.
fn extended_of_name(text: &str) -> Option<SetTime> {
    let mark = *text.as_bytes().get(13)?;
    if !mark.is_ascii_punctuation() || matches!(mark, b'-' | b'+' | b'.' | b'/') {
        return None;
    }
    if mark != b':' && text.contains(':') {
        return None;
    }
    let text = text.replace(char::from(mark), ":");
    let (time, zone) = extended(&text)?;
    at_offset(time, offset(zone)?)
}

pub(crate) fn civil(day: [i64; 3], clock: [i64; 3]) -> Option<DateTime> {
    let small = |number: i64| i8::try_from(number).ok();
    let year = i16::try_from(day[0]).ok()?;
    let (hour, minute, second) = (small(clock[0])?, small(clock[1])?, small(clock[2])?);
    DateTime::new(year, small(day[1])?, small(day[2])?, hour, minute, second, 0).ok()
}

fn digits(text: &str, start: usize, end: usize) -> Option<i64> {
    number(text.get(start..end)?)
}

/// A number in plain decimal digits.
pub(crate) fn number(text: &str) -> Option<i64> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    /// Any time that a set can have.
    pub(crate) fn times() -> impl Strategy<Value = SetTime> {
        RANGE.prop_map(SetTime)
    }

    proptest! {
        #[test]
        fn a_time_comes_back_from_its_name(time in times()) {
            let name = time.to_string();
            prop_assert_eq!(name.len(), 16);
            prop_assert_eq!(name.parse(), Ok(time));
            prop_assert_eq!(SetTime::parse_name(&name), Ok(time));
            prop_assert_eq!(SetTime::parse_name(&name.to_lowercase()), Ok(time));
        }

        #[test]
        fn names_sort_as_times(a in times(), b in times()) {
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }

        #[test]
        fn an_old_name_means_the_same_at_any_offset(
            time in times(), hours in -23i64..24, mark in prop::sample::select(vec![':', '_', '=']),
        ) {
            let Ok(shifted) = SetTime::from_seconds(time.0 + hours * 3600) else { return Ok(()) };
            let shown = shifted.in_zone(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S").to_string();
            let sign = if hours < 0 { '-' } else { '+' };
            let name = format!("{shown}{sign}{:02}:00", hours.abs()).replace(':', &mark.to_string());
            prop_assert_eq!(SetTime::parse_name(&name), Ok(time));
        }

        #[test]
        fn no_text_makes_the_parser_fall_over(text in ".{0,30}") {
            let _ = SetTime::parse_name(&text);
            let _ = text.parse::<SetTime>();
        }
    }

    #[test]
    fn old_names_are_read() {
        let time = SetTime::parse_name("2002-08-06T04:22:00-07:00").unwrap();
        assert_eq!(time.to_string(), "20020806T112200Z");
        assert_eq!(SetTime::parse_name("2002-08-06T04_22_00-07_00"), Ok(time));
        assert_eq!(SetTime::parse_name("2002-08-06t11:22:00z"), Ok(time));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "now",
            "20260230T000000Z",
            "20261122T240000Z",
            "20261122T000000",
            "+2026112T000000Z",
            "20991231T235960Z",
            "19001231T235959Z",
            "21000101T000000Z",
            "2002-08-06T04:22_00-07:00",
            "2002-08-06T04:22:00",
            "2002-08-06T04:22:00-24:00",
            "2026112２T000000Z",
        ] {
            assert!(SetTime::parse_name(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_is_shown_as_local_time() {
        let time: SetTime = "20260705T201340Z".parse().unwrap();
        let berlin = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        assert_eq!(time.shown_in(berlin), "Sun Jul  5 22:13:40 2026");
        assert!(time.local().ends_with("2026"));
    }

    #[test]
    fn the_clock_is_cut_to_the_second_below() {
        let half = Duration::from_millis(500);
        assert_eq!(SetTime::try_from(UNIX_EPOCH + half), Ok(SetTime(0)));
        assert_eq!(SetTime::try_from(UNIX_EPOCH - half), Ok(SetTime(-1)));
        assert!(SetTime::try_from(UNIX_EPOCH + Duration::from_secs(1 << 40)).is_err());
    }
}
