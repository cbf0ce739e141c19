//! A configuration night after night, with a clock that runs ahead: what the rules keep, what the checks
//! say, and what goes wrong in a year.

use std::collections::{BTreeSet, HashMap};

use tests::scale::scale;

use super::{KEYS, Person};
use crate::mount::Mount;

/// Of one source and one store; the mail of the recipe is a hook here.
const YEAR: &str = "full-if-older-than = \"1M\"
failed = \"echo $MOO_STATUS >>@/mail\"
keep = { daily = 7, weekly = 5, monthly = 12 }
[checks]
max-age = \"3D\"
verify = \"1W\"
drill = \"1M\"
[stores.disk]
url = \"file://@/small\"
[sources.etc]
path = \"@/sources/etc\"
";

/// The files of the successes of checks.
const CHECKS: &str = ".home/.local/state/moobacker/checks";

/// A night at half past two, as its shell prints it.
#[derive(Clone, Debug)]
struct Night {
    date: String,
    /// The moment in names of files.
    time: String,
    week: String,
    month: String,
}

fn nights(person: &Person, count: usize) -> Vec<Night> {
    let last = count - 1;
    let list = format!(
        "for day in $(seq 0 {last}); do
            TZ=UTC date -d \"2027-01-04 02:30 $day days\" '+%F %Y%m%dT%H%M%SZ %G-%V %Y-%m'
        done"
    );
    let text = person.0.sh(&list).out();
    let night = |line: &str| {
        let mut words = line.split(' ').map(str::to_owned);
        let mut next = || words.next().unwrap();
        Night { date: next(), time: next(), week: next(), month: next() }
    };
    text.lines().map(night).collect()
}

/// The newest nights of the newest days, weeks and months that have a backup.
fn kept(backed_up: &[Night]) -> BTreeSet<String> {
    let mut kept = BTreeSet::new();
    let mut newest_of = |of: fn(&Night) -> &String, count: usize| {
        let mut seen = BTreeSet::new();
        for night in backed_up.iter().rev() {
            if seen.insert(of(night).clone()) && seen.len() <= count {
                kept.insert(night.time.clone());
            }
        }
    };
    newest_of(|night| &night.date, 7);
    newest_of(|night| &night.week, 5);
    newest_of(|night| &night.month, 12);
    kept
}

struct Nights<'a> {
    person: &'a Person,
}

impl Nights<'_> {
    /// Runs a line of the shell that night.
    fn at(&self, night: &Night, line: &str) -> tests::Run {
        // Its own wrapper fails where a process of the same number has left a semaphore.
        let clock = "LD_PRELOAD=$(echo /usr/lib/*/faketime/libfaketime.so.1)";
        let line = format!("TZ=UTC {clock} FAKETIME=\"@{} 02:30:00\" sh -c \"{line}\"", night.date);
        let run = self.person.sh(&line);
        // The kernel has its own clock.
        let now = format!(
            "find {CHECKS} -newermt 2026-01-01 ! -newermt 2027-01-01 -type f \
            -exec touch -d \"{} 02:30 UTC\" {{}} + 2>/dev/null",
            night.date
        );
        let left = "find /dev/shm -user 65534 -name \"*faketime*\" -delete 2>/dev/null";
        self.person.0.sh(&format!("{now}; {left}; :")).silent();
        run
    }

    /// What a night of cron does.
    fn backup(&self, number: usize, night: &Night) -> tests::Run {
        self.person.0.sh(&format!("echo {number} >sources/etc/hosts")).silent();
        self.at(night, "moo backup && moo run-checks")
    }

    fn mails(&self) -> String {
        self.person.0.sh("cat mail 2>/dev/null; :").out()
    }
}

#[test]
fn a_year_of_nights_keeps_what_the_rules_say_and_tells_what_goes_wrong() {
    let person = Person::new();
    let Some(_small) = Mount::new(&person.0, "small", "8m") else { return };
    person.0.sh("chown -R 65534:65534 sources 2>/dev/null; :").silent();
    person.configure(&format!("{KEYS}{YEAR}"));
    let year = Nights { person: &person };
    let all = nights(year.person, scale(45, 366));
    let mut backed_up = Vec::new();
    for (number, night) in all.iter().enumerate() {
        match number {
            // The source is away.
            12 => {
                year.person.0.sh("mv sources/etc sources/away; mkdir sources/etc").silent();
                let run = year.at(night, "moo backup").fails();
                drop(run.stderr_has("is empty, but the last backup has entries"));
                year.person.0.sh("rm -r sources/etc; mv sources/away sources/etc").silent();
                assert_eq!(year.mails().lines().count(), 1, "{}", year.mails());
                continue;
            }
            // The disk is full.
            20 => {
                year.person.0.sh("cat /dev/zero >small/ballast 2>/dev/null; :").silent();
                let run = year.backup(number, night).fails();
                drop(run.one_message().stderr_has("no space left"));
                year.person.0.sh("rm small/ballast").silent();
                assert_eq!(year.mails().lines().count(), 2, "{}", year.mails());
                continue;
            }
            _ => drop(year.backup(number, night).silent()),
        }
        backed_up.push((number, night.clone()));
        // A volume is lost, and found again: the next check tells.
        if number == 30 {
            let lose = format!("mv small/etc/*{}.vol1.* . && rm {CHECKS}/*.verify", night.time);
            year.person.0.sh(&lose).silent();
            drop(year.at(night, "moo run-checks").fails_with(5).stderr_has("volume 1"));
            year.person.0.sh("mv *.vol1.* small/etc").silent();
        }
    }
    let states: Vec<_> = backed_up.iter().map(|(_, night)| night.clone()).collect();
    let wanted = kept(&states);
    let stored = year.person.0.sh("ls small/etc | grep manifest").out();
    let has =
        |time: &str| stored.lines().any(|name| name.ends_with(&format!("{time}.manifest.gpg")));
    for (number, night) in &backed_up {
        if wanted.contains(&night.time) {
            assert!(has(&night.time), "{night:?}:\n{stored}");
            let restore = format!("moo restore --time {} etc disk out", night.time);
            year.at(all.last().unwrap(), &restore).silent();
            year.person.sh("cat out/hosts && rm -r out").stdout_is(&number.to_string());
        }
    }
    // The rest is what these build on, and the newest chain.
    let bases: HashMap<&str, Option<&str>> = stored.lines().map(set).collect();
    let newest = bases.keys().max().map(|time| (*time).to_owned());
    let mut needed = BTreeSet::new();
    for time in wanted.iter().chain(&newest) {
        let mut at = Some(time.as_str());
        while let Some(time) = at.filter(|time| needed.insert((*time).to_owned())) {
            at = bases[time];
        }
    }
    assert_eq!(bases.keys().map(|time| (*time).to_owned()).collect::<BTreeSet<_>>(), needed);
}

/// The time of a manifest's set, and that of the set that it builds on.
fn set(name: &str) -> (&str, Option<&str>) {
    let times: Vec<_> = name.split('.').filter(|word| word.ends_with('Z')).collect();
    match times[..] {
        [time] => (time, None),
        [base, time] => (time, Some(base)),
        _ => panic!("{name}"),
    }
}
