use super::*;
use archive::{Collection, FileKind, FileName, Wrapping};
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
    let kept = |line: &Line| line.sets[..judge.verdict(line).kept].iter().map(day).collect();
    lines.iter().map(kept).collect()
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
    let days = |days| Wanted { days, ..Wanted::default() };
    assert_eq!(rules(days(3)), [vec![], vec![], vec![], whole(31)]);
    assert_eq!(rules(days(4)), [vec![], vec![], whole(21), whole(31)]);
    // Day 31 is the first of February.
    let months = |months| Wanted { months, ..Wanted::default() };
    assert_eq!(rules(months(1)), [vec![], vec![], vec![], whole(31)]);
    assert_eq!(rules(months(2)), [vec![], vec![], whole(21), whole(31)]);
}

#[test]
fn what_one_rule_keeps_the_others_leave_alone() {
    let rules = Wanted { since: since(13), full: Some(1), ..Wanted::default() };
    assert_eq!(left(&four(), &rules)[1], [11, 12, 13]);
    let rules = Wanted { full: Some(1), weeks: 3, ..Wanted::default() };
    assert_eq!(left(&four(), &rules), [vec![], vec![], vec![21, 22, 23], vec![31, 32, 33]]);
    // Day 24 is the last one of its week.
    let rules = Wanted { inc_of_full: Some(1), weeks: 2, ..Wanted::default() };
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

fn any_rules() -> impl Strategy<Value = Wanted> {
    let count = || proptest::option::of(1usize..4);
    (proptest::option::of(0i64..45), count(), count(), 0usize..4, 0usize..3, 0usize..3).prop_map(
        |(day, full, inc_of_full, days, weeks, months)| {
            let since = day.and_then(since);
            Wanted { since, full, inc_of_full, days, weeks, months }
        },
    )
}

proptest! {
    #[test]
    fn what_stays_has_all_that_it_builds_on_and_the_newest_whole_chain_is_among_it(
        sets in vec((0i64..40, 1i64..40), 0..20), rules in any_rules(),
    ) {
        let lines = lines_of(&sets);
        let judge = Judge::new(&lines, &rules, &TimeZone::UTC);
        for line in &lines {
            let (kept, gone) = line.sets.split_at(judge.verdict(line).kept);
            let lacks = |set: &&StoredSet| gone.iter().any(|gone| Some(gone.id.time) == set.id.base);
            prop_assert_eq!(kept.iter().find(lacks), None);
        }
        let newest = lines.iter().rfind(|line| line.is_whole());
        prop_assert!(newest.is_none_or(|line| judge.verdict(line).kept == line.sets.len()));
    }

    #[test]
    fn another_rule_keeps_never_less(sets in vec((0i64..40, 1i64..40), 0..20), rules in any_rules(), days in 1usize..9) {
        let lines = lines_of(&sets);
        // Without any rule for chains, all of them stay.
        prop_assume!(rules.chains());
        let more = left(&lines, &Wanted { days: rules.days + days, ..rules });
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
