//! `moo run-checks`: the checks that the configuration schedules.

use super::{KEYS, Person, SOURCES, STORES};

/// The folder where the user's successes are remembered.
const FOLDER: &str = ".home/.local/state/moobacker/checks";
const CHECKS: &str = "[checks]\nmax-age = \"8D\"\nverify = \"1W\"\n";

impl Person {
    /// The files of checks whose last success is younger than a day.
    fn checked(&self) -> String {
        self.sh(&format!("cd {FOLDER} && find . -type f -mtime -1 | sort | tr -d ./")).out()
    }

    fn make_old(&self) {
        self.sh(&format!("touch -d '8 days ago' {FOLDER}/*")).silent();
    }
}

#[test]
fn checks_run_when_they_are_due_and_are_silent_while_all_is_well() {
    let person = Person::new();
    person.configure(&format!("{KEYS}{CHECKS}{STORES}{SOURCES}"));
    person
        .sh("moo run-checks home")
        .fails_with(10)
        .stderr_has("home: no such folder: there is no backup yet, ");
    person.sh("moo backup && moo run-checks").silent();
    let all = "etcdiskverify\netcsecondverify\nhomediskverify\n";
    assert_eq!(person.checked(), all);
    // Nothing is due but the age.
    person.sh(&format!("touch -d '2 days ago' {FOLDER}/* && moo run-checks")).silent();
    assert_eq!(person.checked(), "");
    person.make_old();
    person.sh("moo run-checks etc second").silent();
    assert_eq!(person.checked(), "etcsecondverify\n");
    // One that fails stays due, and keeps no other from running.
    person.make_old();
    person.sh("rm disk/etc/*.vol1.*; moo run-checks").fails_with(5).stderr_has("volume 1");
    assert_eq!(person.checked(), "etcsecondverify\nhomediskverify\n");
    let old = CHECKS.replace("8D", "1s");
    person.configure(&format!("{KEYS}{old}{STORES}{SOURCES}"));
    person.sh("sleep 2; moo run-checks home").fails_with(3).one_message();
}

#[test]
fn a_drill_that_is_due_restores_and_one_without_a_key_is_named() {
    let person = Person::new();
    let drill = "[checks]\ndrill = \"1M\"\n";
    person.configure(&format!("{KEYS}{drill}{STORES}{SOURCES}"));
    person.sh("moo backup && moo run-checks home").silent();
    assert_eq!(person.checked(), "homediskdrill\n");
    let keys: String = KEYS.lines().filter(|line| !line.starts_with("secret-key")).collect();
    person.configure(&format!("{keys}\n{drill}{STORES}{SOURCES}"));
    let skipped = person.sh("moo run-checks").fails_with(3).one_message();
    skipped.stderr_has("drill: skipped: the configuration has no secret-key");
}

#[test]
fn checks_that_nobody_has_configured_are_wrong_usage() {
    let person = Person::new();
    person.sh("moo run-checks").fails_with(2).one_message().stderr_has("[checks]");
    person.sh("moo run-checks file://$PWD/disk/etc").fails_with(2).one_message();
    person.sh("moo run-checks nothing").fails_with(2).one_message();
    person.sh("moo run-checks --help").succeeds().stdout_has("moo run-checks etc disk");
    person
        .sh("rm .home/.config/moobacker/moobacker.toml; moo run-checks")
        .fails_with(2)
        .one_message();
}
