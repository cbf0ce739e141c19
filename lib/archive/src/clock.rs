//! Times as a user writes them.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::time::{at_offset, civil, compact, extended, number, offset};
use crate::{Error, SetTime};

/// What else would have been one.
const NO_TIME: &str = "not a time (such as 3D, 1h30m, 2026-11-22 or 2026-11-22T20:15:00)";

/// Reads a time, or an age before `now`, in any form that duplicity knows:
///
/// - `now`, and seconds since 1970 in digits;
/// - `20261122T201340Z`;
/// - `2026-11-22T20:13:40` with `Z`, with `+01:00`, or in local time;
/// - an age as numbers with `s m h D W M Y`, such as `1h30m`: 30 days a month, 365 a year;
/// - `2026-11-22`, `2026/11/22`, `11/22/2026`, `11-22-2026` and `20261122Z`: local midnight.
///
/// Local time is true local time. duplicity takes the standard offset in summer too, so there the
/// same text without a zone is an hour off. That `20261122Z` is *local* midnight is kept, for it
/// chooses the same backup. What the clock skips in spring counts as that much later, and of what
/// it repeats in autumn the first is meant.
///
/// # Errors
/// Any other text, and a time outside the years 1901 to 2099.
pub fn parse_time(text: &str, now: SetTime) -> Result<SetTime, Error> {
    parse_in(text, now, &TimeZone::system())
}

/// Reads an age before `now`, and no other time: numbers with `s m h D W M Y`, such as `1h30m`.
///
/// # Errors
/// Any other text, and a time outside the years 1901 to 2099.
pub fn parse_age(text: &str, now: SetTime) -> Result<SetTime, Error> {
    before(text, now).ok_or_else(|| Error::new(text, "not an age (such as 26h, 8D, 2W, 1M or 1Y)"))
}

fn parse_in(text: &str, now: SetTime, zone: &TimeZone) -> Result<SetTime, Error> {
    if text == "now" {
        return Ok(now);
    }
    seconds(text)
        .or_else(|| compact(text))
        .or_else(|| date_and_time(text, zone))
        .or_else(|| before(text, now))
        .or_else(|| local(date(text)?, zone))
        .ok_or_else(|| Error::new(text, NO_TIME))
}

fn seconds(text: &str) -> Option<SetTime> {
    SetTime::from_seconds(number(text)?).ok()
}

fn date_and_time(text: &str, zone: &TimeZone) -> Option<SetTime> {
    match extended(text)? {
        (time, "") => local(time, zone),
        (time, rest) => at_offset(time, offset(rest)?),
    }
}

fn before(text: &str, now: SetTime) -> Option<SetTime> {
    SetTime::from_seconds(now.seconds().checked_sub(age(text)?)?).ok()
}

/// The seconds of `1h30m` and the like.
fn age(text: &str) -> Option<i64> {
    let mut sum = 0i64;
    let mut rest = text;
    while !rest.is_empty() {
        let (count, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let unit = after.chars().next()?;
        sum = sum.checked_add(number(count)?.checked_mul(unit_seconds(unit)?)?)?;
        rest = &after[1..];
    }
    (!text.is_empty()).then_some(sum)
}

fn unit_seconds(unit: char) -> Option<i64> {
    const DAY: i64 = 86400;
    match unit {
        's' => Some(1),
        'm' => Some(60),
        'h' => Some(3600),
        'D' => Some(DAY),
        'W' => Some(7 * DAY),
        'M' => Some(30 * DAY),
        'Y' => Some(365 * DAY),
        _ => None,
    }
}

/// The midnight of a date.
fn date(text: &str) -> Option<DateTime> {
    let day = match text.strip_suffix('Z') {
        Some(packed) if packed.len() == 8 => {
            [number(packed.get(..4)?)?, number(packed.get(4..6)?)?, number(packed.get(6..)?)?]
        }
        _ => parts(text, '-').or_else(|| parts(text, '/'))?,
    };
    civil(day, [0; 3])
}

/// Year, month and day of `Y-M-D` or `M-D-Y`, by that separator.
fn parts(text: &str, mark: char) -> Option<[i64; 3]> {
    let parts: Vec<&str> = text.splitn(4, mark).collect();
    let [a, b, c] = parts[..] else { return None };
    let (year, month, day) = if a.len() == 4 { (a, b, c) } else { (c, a, b) };
    if year.len() != 4 || month.len() > 2 || day.len() > 2 {
        return None;
    }
    Some([number(year)?, number(month)?, number(day)?])
}

fn local(time: DateTime, zone: &TimeZone) -> Option<SetTime> {
    let zoned = time.to_zoned(zone.clone()).ok()?;
    SetTime::from_seconds(zoned.timestamp().as_second()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::tests::times;
    use proptest::prelude::*;

    /// Central Europe's rules, without asking the system for them.
    fn berlin() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    fn shown(text: &str) -> String {
        let now = "20261122T201340Z".parse().unwrap();
        parse_in(text, now, &berlin()).map_or_else(|e| e.to_string(), |time| time.to_string())
    }

    #[test]
    fn all_forms_are_read() {
        for (text, time) in [
            ("now", "20261122T201340Z"),
            ("0", "19700101T000000Z"),
            ("20260102T030405Z", "20260102T030405Z"),
            ("2026-01-02T03:04:05Z", "20260102T030405Z"),
            ("2026-01-02T03:04:05-07:30", "20260102T103405Z"),
            ("2026-01-02T03:04:05", "20260102T020405Z"),
            ("1h5m", "20261122T190840Z"),
            ("1s1m1h1D1W1M1Y", "20251015T191239Z"),
            ("2026-1-02", "20260101T230000Z"),
            ("2026/01/2", "20260101T230000Z"),
            ("1/2/2026", "20260101T230000Z"),
            ("01-02-2026", "20260101T230000Z"),
            ("20260102Z", "20260101T230000Z"),
        ] {
            assert_eq!(shown(text), time, "{text}");
        }
    }

    #[test]
    fn summer_time_is_true_local_time() {
        assert_eq!(shown("2026-07-01T12:00:00"), "20260701T100000Z");
        assert_eq!(shown("2026-07-01"), "20260630T220000Z");
        assert_eq!(shown("2026-03-29T02:30:00"), "20260329T013000Z");
        assert_eq!(shown("2026-10-25T02:30:00"), "20261025T003000Z");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "NOW",
            "1d",
            "1D ",
            "D",
            "5h3",
            "-5",
            "2026-13-01",
            "2026-2-30",
            "26-1-2",
            "2026-1/2",
            "2026-1-2-3",
            "20261122t000000z",
            "99999999999999999999",
            "9999999999999Y",
            "300Y",
            "2100-01-02",
            "1900-12-31",
            "2026-1",
            "2026-01-02T03:04",
            "1\u{661}D",
            "é",
        ] {
            let said = shown(text);
            assert!(text == "1" || said.ends_with(NO_TIME), "{text}: {said}");
        }
    }

    proptest! {
        #[test]
        fn an_age_is_taken_from_now(now in times(), age in 0i64..1_000_000) {
            let text = format!("{age}s");
            prop_assert_eq!(
                parse_in(&text, now, &berlin()).ok(),
                SetTime::from_seconds(now.seconds() - age).ok()
            );
        }

        #[test]
        fn no_text_makes_the_parser_fall_over(text in ".{0,30}", age in "([0-9]{1,20}[smhDWMY]){1,4}") {
            let now = SetTime::from_seconds(0).unwrap();
            let _ = parse_time(&text, now);
            let _ = parse_time(&age, now);
        }
    }
}
