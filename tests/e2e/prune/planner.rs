//! What prune-remote.sh plans, whatever somebody has added to the store who can add files.

use std::collections::BTreeSet;
use std::fs;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tests::sandbox::workspace;
use tests::{Sandbox, scale};

const NOW: i64 = 1_800_000_000;
const DAY: i64 = 86_400;
const YOUNG: i64 = 30;

/// A file of the store, which its inode tells.
#[derive(Clone, Debug)]
struct File {
    arrival: i64,
    name: String,
    inode: usize,
}

/// The time in a name; that it is none of a calendar is nothing to the planner.
fn stamp(time: i64) -> String {
    format!("{:08}T{:06}Z", time / DAY, time % DAY)
}

/// The store's files.
#[derive(Clone, Debug, Default)]
struct Store {
    files: Vec<File>,
}

impl Store {
    fn add(&mut self, arrival: i64, name: String) {
        self.files.push(File { arrival, name, inode: self.files.len() });
    }

    /// A full set, or an increment, of that time.
    fn set(&mut self, arrival: i64, base: Option<i64>, time: i64) {
        let id = base.map_or(stamp(time), |base| format!("{}.to.{}", stamp(base), stamp(time)));
        let (set, signatures) = if base.is_some() { ("inc", "new") } else { ("full", "full") };
        self.add(arrival, format!("duplicity-{set}.{id}.vol1.difftar.gpg"));
        self.add(arrival, format!("duplicity-{signatures}-signatures.{id}.sigtar.gpg"));
        self.add(arrival, format!("moobacker.{}.seal", stamp(time)));
        self.add(arrival, format!("duplicity-{set}.{id}.manifest.gpg"));
    }

    /// A set for each of these gaps, of days; full where the gap can be divided by five.
    fn of_gaps(gaps: &[i64]) -> Store {
        let (mut store, mut last) = (Store::default(), None);
        let mut time = NOW - gaps.iter().sum::<i64>() * DAY - DAY / 3;
        for gap in gaps {
            store.set(time, last.filter(|_| gap % 5 != 0), time);
            last = Some(time);
            time += gap * DAY;
        }
        store
    }

    /// What an intruder adds and renames in one night.
    fn visited(&self, night: i64, deeds: &[(u8, usize, i64)]) -> Store {
        let mut store = self.clone();
        let arrival = NOW - night * DAY - DAY / 2;
        for (count, &(deed, which, age)) in deeds.iter().enumerate() {
            let any = self.files[which % self.files.len()].name.clone();
            let (time, now) = (NOW - age * DAY + count as i64, arrival + count as i64);
            match deed {
                0 => store.set(now, None, time),
                1 => store.set(now, Some(NOW - (age + 20) * DAY), time),
                // A file more in a set that is there.
                2 => store.add(now, any.replace("vol1", &format!("vol{}", count + 2))),
                _ => {
                    let end = store.files.len();
                    let file = &mut store.files[which % end];
                    file.arrival = now;
                    let aside = deed == 3;
                    file.name = if aside { format!(".upload-1.{count}") } else { any + ".x" };
                }
            }
        }
        store
    }

    /// The files that go, by their inodes.
    fn pruned(&self, sandbox: &Sandbox, settings: &str) -> BTreeSet<usize> {
        let line = |file: &File| {
            let File { arrival, name, inode } = file;
            // What was renamed has been written before.
            let written = arrival - if name.starts_with('.') { 5 * DAY } else { 0 };
            format!("{arrival} {written} {inode} 1 ./{name}\n")
        };
        let input: String = self.files.iter().map(line).collect();
        fs::write(sandbox.path("input"), input).unwrap();
        let planner = workspace().join("pipelines/admin/prune-remote.awk");
        let (now, young) = (format!("-v now={NOW}"), format!("-v young={}", YOUNG * DAY));
        let awk = format!("awk {now} {young} {settings} -f {} <input", planner.display());
        let plan = sandbox.sh(&awk).succeeds().out();
        let goes = plan.lines().filter(|line| line.starts_with("go "));
        goes.map(|line| line.split(' ').nth(2).unwrap().parse().unwrap()).collect()
    }
}

/// The rules as the planner takes them.
fn rules(full: usize, age: Option<i64>) -> String {
    let age = age.map(|days| format!("-v by_age=1 -v age={}", days * DAY)).unwrap_or_default();
    format!("-v full={full} {age}")
}

/// A store that has grown for some months, and what somebody has done in a night.
fn lives() -> impl Strategy<Value = (Store, Vec<(u8, usize, i64)>)> {
    let deed = (0u8..5, any::<usize>(), -400i64..200);
    let gaps = proptest::collection::vec(1i64..8, 12..60);
    (gaps, proptest::collection::vec(deed, 1..40)).prop_map(|(gaps, deeds)| {
        let gaps: Vec<_> = [5].into_iter().chain(gaps).collect();
        (Store::of_gaps(&gaps), deeds)
    })
}

/// Tries a law on many lives of stores.
fn holds<T: std::fmt::Debug>(
    cases: usize,
    values: impl Strategy<Value = T>,
    law: impl Fn(T) -> Result<(), TestCaseError>,
) {
    let config = ProptestConfig {
        cases: cases as u32,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    TestRunner::new(config).run(&values, law).unwrap();
}

#[test]
fn nothing_that_has_been_added_or_renamed_lately_makes_anything_go() {
    let sandbox = Sandbox::new();
    let values = (lives(), 0..YOUNG - 1, 0usize..5, 1i64..120);
    holds(scale(30, 3000), values, |((store, deeds), night, full, age)| {
        let rules = rules(full, (full == 0 || age % 2 == 0).then_some(age));
        let visited = store.visited(night, &deeds);
        let (without, with) = (store.pruned(&sandbox, &rules), visited.pruned(&sandbox, &rules));
        prop_assert!(with.is_subset(&without), "{:?}", with.difference(&without));
        for file in visited.files.iter().filter(|file| file.arrival > NOW - YOUNG * DAY) {
            let temporary = file.name.starts_with(".upload-");
            prop_assert!(temporary || !with.contains(&file.inode), "{file:?}");
        }
        Ok(())
    });
}

#[test]
fn a_thousand_full_sets_of_one_night_ever_count_as_one() {
    let sandbox = Sandbox::new();
    let values = (lives(), YOUNG..100, 2usize..5);
    holds(scale(15, 1500), values, |((store, deeds), night, full)| {
        let mut deeds = deeds;
        deeds.iter_mut().for_each(|deed| deed.0 = 0);
        let with = store.visited(night, &deeds).pruned(&sandbox, &rules(full, None));
        let fewer = store.pruned(&sandbox, &rules(full - 1, None));
        let theirs = |inode: &usize| *inode >= store.files.len();
        prop_assert!(with.iter().all(|inode| theirs(inode) || fewer.contains(inode)));
        Ok(())
    });
}

#[test]
fn every_state_of_the_age_that_was_asked_for_has_all_that_it_builds_on_and_older_ones_go() {
    let sandbox = Sandbox::new();
    let gone = std::cell::Cell::new(0);
    holds(scale(15, 1500), (lives(), 1i64..150), |((store, _), age)| {
        let pruned = store.pruned(&sandbox, &rules(0, Some(age)));
        gone.set(gone.get() + pruned.len());
        // In the order of arrival, all that goes is before all that stays, up to a full set.
        let first = (0..store.files.len()).find(|inode| !pruned.contains(inode)).unwrap();
        prop_assert!(pruned.iter().all(|&inode| inode < first));
        prop_assert!(store.files[first].name.starts_with("duplicity-full."));
        let since = NOW - age.max(YOUNG) * DAY;
        prop_assert!(first == 0 || store.files[first].arrival <= since);
        Ok(())
    });
    assert!(gone.get() > 100);
}
