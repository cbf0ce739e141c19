//! Sets and times as people read them, and what JSON has to escape besides.

use crate::legible::is_command;
use archive::{SetId, SetTime};
use jiff::tz::TimeZone;
use stream::Timestamp;

/// JSON in which the control characters that JSON allows are escaped too; they can only be inside
/// of strings.
#[must_use]
pub fn in_json(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for letter in json.chars() {
        if is_command(letter) {
            text.push_str(&format!("\\u{:04x}", u32::from(letter)));
        } else {
            text.push(letter);
        }
    }
    text
}

/// That many of them: `1 set`, `2 sets`.
#[must_use]
pub fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// An age in its two largest units, in the letters of options: `2D3h`.
#[must_use]
pub fn age(seconds: i64) -> String {
    const UNITS: [(i64, char); 4] = [(86_400, 'D'), (3600, 'h'), (60, 'm'), (1, 's')];
    let seconds = seconds.max(0);
    let first = UNITS.iter().position(|&(unit, _)| seconds >= unit).unwrap_or(3);
    let (unit, letter) = UNITS[first];
    let mut text = format!("{}{letter}", seconds / unit);
    if let Some(&(small, letter)) = UNITS.get(first + 1)
        && seconds % unit / small > 0
    {
        text.push_str(&format!("{}{letter}", seconds % unit / small));
    }
    text
}

/// The time of a set, local with its zone: a form that --time takes.
#[must_use]
pub fn time(time: SetTime) -> String {
    match jiff::Timestamp::from_second(time.seconds()) {
        Ok(at) => at.to_zoned(TimeZone::system()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
        Err(_) => time.to_string(),
    }
}

/// A set: `full of 2026-11-22T20:15:00+01:00`.
#[must_use]
pub fn set(id: SetId) -> String {
    format!("{} of {}", kind(id), time(id.time))
}

/// `full` or `inc`.
#[must_use]
pub fn kind(id: SetId) -> &'static str {
    if id.is_full() { "full" } else { "inc" }
}

/// A modification time, local, to the second; seconds since 1970 where no calendar has it.
#[must_use]
pub fn stamp(stamp: Timestamp, zone: &TimeZone) -> String {
    match timestamp(stamp) {
        Some(at) => at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        None => stamp.secs.to_string(),
    }
}

/// A modification time with its fraction, in UTC: `2026-11-22T20:15:00.25Z`.
#[must_use]
pub fn exact(stamp: Timestamp) -> Option<String> {
    timestamp(stamp).map(|at| at.to_string())
}

fn timestamp(stamp: Timestamp) -> Option<jiff::Timestamp> {
    let second = jiff::Timestamp::from_second(stamp.secs).ok()?;
    second.checked_add(jiff::SignedDuration::from_nanos(stamp.nanos.into())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped_in_json() {
        assert_eq!(in_json("\"\u{7f}\u{9b}\""), "\"\\u007f\\u009b\"");
    }

    #[test]
    fn ages_are_rounded_for_people() {
        assert_eq!([-5, 0, 59, 3600, 90_061].map(age), ["0s", "0s", "59s", "1h", "1D1h"]);
        assert_eq!(
            exact(Timestamp { secs: -1, nanos: 750_000_000 }).unwrap(),
            "1969-12-31T23:59:59.75Z"
        );
        assert_eq!(exact(Timestamp { secs: i64::MAX, nanos: 0 }), None);
    }

    proptest! {
        #[test]
        fn no_time_is_too_much(secs: i64, nanos in 0u32..1_000_000_000, old: i64) {
            let _ = (exact(Timestamp { secs, nanos }), stamp(Timestamp { secs, nanos }, &TimeZone::UTC));
            let _ = age(old);
        }
    }
}
