use super::*;
use crate::rules::States;
use archive::{Collection, FileKind, FileName, SetId, Wrapping};
use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;

const DAY: i64 = 86_400;

/// The files of the set of a day, on that of another day, or full where that is not earlier.
fn files((base, day): (i64, i64)) -> Vec<String> {
    let at = |day: i64| SetTime::from_seconds(day * DAY).unwrap();
    let full = SetId::full(at(day));
    let set = if base < day { SetId::inc(at(base), at(day)).unwrap() } else { full };
    let kinds = [FileKind::Volume(1), FileKind::Signatures, FileKind::Manifest];
    let name = |kind| FileName { set, kind, wrapping: Wrapping::OpenPgp, partial: false }.encode();
    kinds.map(name).to_vec()
}

fn lines_of(sets: &[(i64, i64)]) -> Vec<Line> {
    let names: BTreeSet<_> = sets.iter().flat_map(|&set| files(set)).collect();
    lines(&Collection::of(names))
}

/// What is left of each line, as the days of its sets.
fn left(lines: &[Line], rules: &Wanted) -> Vec<Vec<i64>> {
    let judge = Judge::new(lines, rules, &TimeZone::UTC);
    let day = |set: &StoredSet| set.id.time.seconds() / DAY;
    let kept = |line: &Line| line.sets[..judge.reasons(line).len()].iter().map(day).collect();
    lines.iter().map(kept).collect()
}

/// Rules for states alone.
fn of(states: States) -> Wanted {
    Wanted { states, ..Wanted::default() }
}

/// Four chains: of days 1 to 3, 11 to 13, 21 to 23 and 31 to 33.
fn four() -> Vec<Line> {
    let chain = |start: i64| [(99, start), (start, start + 1), (start + 1, start + 2)];
    lines_of(&[1, 11, 21, 31].map(chain).concat())
}

fn since(day: i64) -> Option<SetTime> {
    SetTime::from_seconds(day * DAY).ok()
}

#[test]
fn each_rule_keeps_what_it_says() {
    let whole = |start: i64| vec![start, start + 1, start + 2];
    let rules = |rules: Wanted| left(&four(), &rules);
    let older = |day| Wanted { since: since(day), ..Wanted::default() };
    assert_eq!(rules(older(13)), [vec![], whole(11), whole(21), whole(31)]);
    assert_eq!(rules(older(14)), [vec![], vec![], whole(21), whole(31)]);
    assert_eq!(rules(older(999)), [vec![], vec![], vec![], whole(31)]);
    let full = |count| Wanted { full: Some(count), ..Wanted::default() };
    assert_eq!(rules(full(2)), [vec![], vec![], whole(21), whole(31)]);
    assert_eq!(rules(full(9)), [1, 11, 21, 31].map(whole));
    let inc = |count| Wanted { inc_of_full: Some(count), ..Wanted::default() };
    assert_eq!(rules(inc(1)), [vec![1], vec![11], vec![21], whole(31)]);
    // Days 4 to 10 of January have no state.
    let days = |days| of(States { days, ..States::default() });
    assert_eq!(rules(days(3)), [vec![], vec![], vec![], whole(31)]);
    assert_eq!(rules(days(4)), [vec![], vec![], whole(21), whole(31)]);
    // Day 31 is the first of February.
    let months = |months| of(States { months, ..States::default() });
    assert_eq!(rules(months(1)), [vec![], vec![], vec![], whole(31)]);
    assert_eq!(rules(months(2)), [vec![], vec![], whole(21), whole(31)]);
}

#[test]
fn what_one_rule_keeps_the_others_leave_alone() {
    let rules = Wanted { since: since(13), full: Some(1), ..Wanted::default() };
    assert_eq!(left(&four(), &rules)[1], [11, 12, 13]);
    let rules = Wanted { full: Some(1), ..of(States { weeks: 3, ..States::default() }) };
    assert_eq!(left(&four(), &rules), [vec![], vec![], vec![21, 22, 23], vec![31, 32, 33]]);
    // Day 24 is the last one of its week.
    let rules = Wanted { inc_of_full: Some(1), ..of(States { weeks: 2, ..States::default() }) };
    let two = lines_of(&[(99, 23), (23, 24), (24, 25), (99, 26)]);
    assert_eq!(left(&two, &rules), [vec![23, 24], vec![26]]);
}

#[test]
fn a_chain_that_is_not_whole_counts_for_nothing_and_makes_nothing_go() {
    let mut lines = four();
    lines[3].fault = Some("damaged".into());
    let one = Wanted { full: Some(1), ..Wanted::default() };
    assert_eq!(left(&lines, &one)[2..], [vec![21, 22, 23], vec![31, 32, 33]]);
    for line in &mut lines {
        line.fault = Some("damaged".into());
    }
    assert_eq!(left(&lines, &one), left(&lines, &Wanted { full: Some(9), ..one }));
}

#[test]
fn a_set_that_has_lost_its_manifest_does_not_make_what_builds_on_it_look_old() {
    let sets = [(99, 1), (1, 2), (2, 20), (99, 30)];
    let mut names: Vec<_> = sets.iter().flat_map(|&set| files(set)).collect();
    names.retain(|name| !(name.contains("full.19700102") && name.contains("manifest")));
    let lines = lines(&Collection::of(names));
    assert_eq!(lines.len(), 2);
    let older = |day| Wanted { since: since(day), ..Wanted::default() };
    assert_eq!(left(&lines, &older(20)), [vec![1, 2, 20], vec![30]]);
    assert_eq!(left(&lines, &older(21)), [vec![], vec![30]]);
}

fn any_states() -> impl Strategy<Value = States> {
    let day = proptest::option::of(0i64..45);
    (0usize..4, 0usize..4, 0usize..4, 0usize..3, 0usize..3, 0usize..3, day).prop_map(
        |(last, hours, days, weeks, months, years, day)| {
            let within = day.and_then(since);
            States { last, hours, days, weeks, months, years, within, tagged: false }
        },
    )
}

fn any_rules() -> impl Strategy<Value = Wanted> {
    let count = || proptest::option::of(1usize..4);
    (proptest::option::of(0i64..45), count(), count(), any_states()).prop_map(
        |(day, full, inc_of_full, states)| {
            let since = day.and_then(since);
            Wanted { since, full, inc_of_full, states }
        },
    )
}

/// The rules of both; of two numbers the larger.
fn joined(one: States, other: States) -> States {
    States {
        tagged: one.tagged || other.tagged,
        last: one.last.max(other.last),
        hours: one.hours.max(other.hours),
        days: one.days.max(other.days),
        weeks: one.weeks.max(other.weeks),
        months: one.months.max(other.months),
        years: one.years.max(other.years),
        within: one.within.into_iter().chain(other.within).min(),
    }
}

/// A year of daily sets from 2026-01-01 on, with a full set on the first day of each month.
fn year() -> Vec<Line> {
    let first: SetTime = "20260101T000000Z".parse().unwrap();
    let first = first.seconds() / DAY;
    let month =
        |day: i64| Timestamp::from_second(day * DAY).unwrap().to_zoned(TimeZone::UTC).month();
    let full = |day: i64| month(day) != month(day - 1);
    let sets: Vec<_> =
        (first..first + 365).map(|day| (if full(day) { day } else { day - 1 }, day)).collect();
    lines_of(&sets)
}

/// The dates of the sets that a rule names itself, and how many stay because these build on them.
fn of_year(states: States) -> (Vec<String>, usize) {
    let (lines, rules) = (year(), of(states));
    let judge = Judge::new(&lines, &rules, &TimeZone::UTC);
    let mut named = Vec::new();
    let mut others = 0;
    for line in &lines {
        for (set, why) in line.sets.iter().zip(judge.reasons(line)) {
            match why {
                why if why.contains("(--keep-") => {
                    named.push(set.id.time.to_string()[4..8].to_owned());
                }
                why if why.starts_with("only because the ") => others += 1,
                why => assert_eq!(why, "in the newest complete chain"),
            }
        }
    }
    (named, others)
}

#[test]
fn of_a_year_of_daily_sets_the_rules_keep_what_they_keep_in_restic() {
    let last = States { last: 3, ..States::default() };
    assert_eq!(of_year(last).0, ["1229", "1230", "1231"]);
    // Each hour has one set at most.
    assert_eq!(of_year(States { hours: 3, ..States::default() }).0, of_year(last).0);
    let months = States { months: 4, ..States::default() };
    assert_eq!(of_year(months), (["0930", "1031", "1130", "1231"].map(str::to_owned).into(), 88));
    let weeks = States { weeks: 6, ..States::default() };
    let sundays = ["1129", "1206", "1213", "1220", "1227", "1231"].map(str::to_owned);
    // The set of the last day of November goes.
    assert_eq!(of_year(weeks), (sundays.into(), 28));
    assert_eq!(of_year(States { years: 9, ..States::default() }).0, ["1231"]);
    let within = "20261129T000000Z".parse().ok();
    assert_eq!(of_year(States { within, ..States::default() }).0.len(), 33);
}

proptest! {
    #[test]
    fn what_stays_has_all_that_it_builds_on_and_the_newest_whole_chain_is_among_it(
        sets in vec((0i64..40, 1i64..40), 0..20), rules in any_rules(),
    ) {
        let lines = lines_of(&sets);
        let judge = Judge::new(&lines, &rules, &TimeZone::UTC);
        for line in &lines {
            let (kept, gone) = line.sets.split_at(judge.reasons(line).len());
            let lacks = |set: &&StoredSet| gone.iter().any(|gone| Some(gone.id.time) == set.id.base);
            prop_assert_eq!(kept.iter().find(lacks), None);
        }
        let newest = lines.iter().rfind(|line| line.is_whole());
        prop_assert!(newest.is_none_or(|line| judge.reasons(line).len() == line.sets.len()));
    }

    #[test]
    fn another_rule_keeps_never_less(
        sets in vec((0i64..40, 1i64..40), 0..20), rules in any_rules(), states in any_states(),
    ) {
        let lines = lines_of(&sets);
        // Without any rule for chains, all of them stay.
        prop_assume!(rules.chains());
        let more = left(&lines, &Wanted { states: joined(rules.states, states), ..rules });
        for (less, more) in left(&lines, &rules).iter().zip(&more) {
            prop_assert!(less.len() <= more.len());
        }
    }

    #[test]
    fn done_again_nothing_more_goes(sets in vec((0i64..40, 1i64..40), 0..20), rules in any_rules()) {
        // Without its increments a chain may be old.
        let rules = Wanted { inc_of_full: None, ..rules };
        let lines = lines_of(&sets);
        let once = left(&lines, &rules);
        let mut rest = lines.clone();
        for (line, kept) in rest.iter_mut().zip(&once) {
            line.sets.truncate(kept.len());
        }
        rest.retain(|line| !line.sets.is_empty());
        let once: Vec<_> = once.into_iter().filter(|kept| !kept.is_empty()).collect();
        prop_assert_eq!(left(&rest, &rules), once);
    }
}
