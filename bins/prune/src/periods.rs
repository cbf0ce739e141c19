//! Which states the rules name: the newest ones, the young ones, and the newest of each hour, day, week,
//! month or year of local time.

use std::collections::{BTreeMap, BTreeSet};

use archive::{SetId, SetTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::rules::States;

/// The states that stay, each with the rules that keep it, in words.
pub(crate) type Reasons = BTreeMap<SetId, Vec<String>>;

/// Finds the states that a rule names.
pub(crate) fn named(states: &[SetId], rules: &States, zone: &TimeZone) -> Reasons {
    // The offset tells the two hours apart that a clock repeats in autumn.
    let periods = [
        ("hourly", rules.hours, "%Y-%m-%d %H:00 %:z"),
        ("daily", rules.days, "%Y-%m-%d"),
        ("weekly", rules.weeks, "%G-W%V"),
        ("monthly", rules.months, "%Y-%m"),
        ("yearly", rules.years, "%Y"),
    ];
    let mut states = states.to_vec();
    states.sort();
    states.reverse();
    let mut found = Reasons::new();
    let mut note = |state: SetId, why: String| found.entry(state).or_default().push(why);
    for &state in states.iter().take(rules.last) {
        note(state, format!("one of the newest {} (--keep-last)", rules.last));
    }
    for &state in states.iter().filter(|state| rules.within.is_some_and(|time| state.time >= time))
    {
        note(state, "young enough (--keep-within)".to_owned());
    }
    for (word, count, format) in periods {
        for (state, period) in newest_of_each(&states, count, format, zone) {
            note(state, format!("the newest of {period} (--keep-{word})"));
        }
    }
    found
}

/// The newest state of each of the last `count` periods that have one, with the period. The newest states
/// come first.
fn newest_of_each(
    states: &[SetId],
    count: usize,
    format: &str,
    zone: &TimeZone,
) -> Vec<(SetId, String)> {
    let mut seen = BTreeSet::new();
    let each =
        states.iter().map(|&state| (state, local(state.time, zone).strftime(format).to_string()));
    each.filter(|(_, period)| seen.insert(period.clone())).take(count).collect()
}

fn local(time: SetTime, zone: &TimeZone) -> Zoned {
    // The years of sets lie within those of a timestamp.
    let time = Timestamp::from_second(time.seconds()).unwrap_or(Timestamp::UNIX_EPOCH);
    time.to_zoned(zone.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(states: &[&str], rules: States) -> Vec<String> {
        let states: Vec<_> = states.iter().map(|time| SetId::full(time.parse().unwrap())).collect();
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let found = named(&states, &rules, &zone).into_iter();
        found.map(|(id, why)| format!("{} {}", id.time, why.join(", "))).collect()
    }

    #[test]
    fn of_each_period_the_newest_state_stays() {
        let states = [
            "20251229T120000Z",
            "20260101T100000Z",
            "20260131T225959Z",
            // In the middle of Europe this is February.
            "20260131T230000Z",
            "20260301T060000Z",
            "20260301T070000Z",
        ];
        let days = States { days: 2, ..States::default() };
        assert_eq!(
            kept(&states, days),
            [
                "20260131T230000Z the newest of 2026-02-01 (--keep-daily)",
                "20260301T070000Z the newest of 2026-03-01 (--keep-daily)"
            ]
        );
        let weeks = States { weeks: 9, ..States::default() };
        assert_eq!(
            kept(&states, weeks),
            [
                "20260101T100000Z the newest of 2026-W01 (--keep-weekly)",
                "20260131T230000Z the newest of 2026-W05 (--keep-weekly)",
                "20260301T070000Z the newest of 2026-W09 (--keep-weekly)"
            ]
        );
        let months = States { months: 3, ..States::default() };
        assert_eq!(
            kept(&states, months),
            [
                "20260131T225959Z the newest of 2026-01 (--keep-monthly)",
                "20260131T230000Z the newest of 2026-02 (--keep-monthly)",
                "20260301T070000Z the newest of 2026-03 (--keep-monthly)"
            ]
        );
        assert_eq!(kept(&states, States::default()), [""; 0]);
    }

    #[test]
    fn the_newest_and_the_young_states_stay_whatever_their_periods() {
        let states = ["20260101T100000Z", "20260101T110000Z", "20260101T120000Z"];
        let last = States { last: 2, ..States::default() };
        let why = "one of the newest 2 (--keep-last)";
        assert_eq!(
            kept(&states, last),
            [format!("20260101T110000Z {why}"), format!("20260101T120000Z {why}")]
        );
        let within = "20260101T120000Z".parse().ok();
        assert_eq!(
            kept(&states, States { within, ..States::default() }),
            ["20260101T120000Z young enough (--keep-within)"]
        );
        let years = States { years: 3, ..States::default() };
        assert_eq!(kept(&states, years), ["20260101T120000Z the newest of 2026 (--keep-yearly)"]);
    }

    #[test]
    fn the_hour_that_a_clock_repeats_counts_as_two() {
        // 02:30 in summer time, 02:10 and 02:30 in winter time.
        let states = ["20261025T003000Z", "20261025T011000Z", "20261025T013000Z"];
        let hours = States { hours: 9, ..States::default() };
        assert_eq!(
            kept(&states, hours),
            [
                "20261025T003000Z the newest of 2026-10-25 02:00 +02:00 (--keep-hourly)",
                "20261025T013000Z the newest of 2026-10-25 02:00 +01:00 (--keep-hourly)"
            ]
        );
    }
}
