//! Days, weeks and months, in local time.

use std::collections::{BTreeMap, BTreeSet};

use archive::{SetId, SetTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::rules::Wanted;

/// Which states the calendar wants, each with the name of its day, week or month.
pub(crate) fn newest_of_each(
    states: &[SetId],
    wanted: &Wanted,
    zone: &TimeZone,
) -> BTreeMap<SetId, String> {
    let day = |time: &Zoned| time.strftime("%Y-%m-%d").to_string();
    let week = |time: &Zoned| time.strftime("week %G-W%V").to_string();
    let month = |time: &Zoned| time.strftime("%Y-%m").to_string();
    let mut found = BTreeMap::new();
    newest(states, wanted.months, zone, month, &mut found);
    newest(states, wanted.weeks, zone, week, &mut found);
    newest(states, wanted.days, zone, day, &mut found);
    found
}

/// The newest state of each of the last `count` periods that have one.
fn newest(
    states: &[SetId],
    count: usize,
    zone: &TimeZone,
    period: impl Fn(&Zoned) -> String,
    found: &mut BTreeMap<SetId, String>,
) {
    let mut states = states.to_vec();
    states.sort();
    let mut seen = BTreeSet::new();
    for state in states.into_iter().rev() {
        if seen.len() == count {
            return;
        }
        let name = period(&local(state.time, zone));
        if seen.insert(name.clone()) {
            found.insert(state, name);
        }
    }
}

fn local(time: SetTime, zone: &TimeZone) -> Zoned {
    // The years of sets lie within those of a timestamp.
    let time = Timestamp::from_second(time.seconds()).unwrap_or(Timestamp::UNIX_EPOCH);
    time.to_zoned(zone.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(states: &[&str], wanted: Wanted) -> Vec<String> {
        let states: Vec<_> = states.iter().map(|time| SetId::full(time.parse().unwrap())).collect();
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let found = newest_of_each(&states, &wanted, &zone);
        found.into_iter().map(|(id, name)| format!("{} {name}", id.time)).collect()
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
        let days = Wanted { days: 2, ..Wanted::default() };
        assert_eq!(
            kept(&states, days),
            ["20260131T230000Z 2026-02-01", "20260301T070000Z 2026-03-01"]
        );
        let weeks = Wanted { weeks: 9, ..Wanted::default() };
        assert_eq!(
            kept(&states, weeks),
            [
                "20260101T100000Z week 2026-W01",
                "20260131T230000Z week 2026-W05",
                "20260301T070000Z week 2026-W09"
            ]
        );
        let months = Wanted { months: 3, ..Wanted::default() };
        assert_eq!(
            kept(&states, months),
            ["20260131T225959Z 2026-01", "20260131T230000Z 2026-02", "20260301T070000Z 2026-03"]
        );
        assert_eq!(kept(&states, Wanted::default()), [""; 0]);
    }
}
