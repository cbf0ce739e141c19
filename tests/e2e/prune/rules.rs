//! The rules, and what stays by them.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};
use tests::sshd::{Setup, Sshd};
use tests::{Duplicity, Run, Sandbox, assert_by_schema, long, scale};

use super::sets::Chains;

#[test]
fn without_force_it_tells_what_would_go_and_why_the_rest_stays_and_removes_nothing() {
    let chains = Chains::new(&["full", "inc", "full", "inc"]);
    let before = chains.files();
    let told = chains.prune("--keep-full 1").succeeds().out();
    assert_eq!(before, chains.files());
    let lines: Vec<_> = told.lines().collect();
    let [first, second, third, fourth] = [0, 1, 2, 3].map(|index| chains.shown(index));
    let starts = [
        format!("remove  inc of {second}, "),
        format!("remove  full of {first}, "),
        format!("keep    full of {third}, "),
        format!("keep    inc of {fourth}, "),
    ];
    for (line, start) in lines.iter().zip(&starts) {
        assert!(line.starts_with(start), "{line}");
    }
    let why = "in the newest complete chain, not before the newest 1 full sets (--keep-full)";
    assert!(lines[2].ends_with(why) && lines[3].ends_with(why), "{told}");
    assert!(lines[4].ends_with(" would be freed (with --force)"), "{told}");
    assert_eq!(lines.len(), 5);
    chains.prune("--keep-full 2").succeeds().stdout_has("nothing would go");
    chains.prune("").fails_with(2).one_message();
    chains.prune("--keep-full 0").fails_with(2).one_message();
    chains.prune("--older-than yesterday").fails_with(2).one_message();
}

#[test]
fn programs_read_json_by_the_schema_of_what_would_go_and_of_what_has_gone() {
    let chains = Chains::new(&["full", "inc", "full"]);
    let foreign =
        r#"printf x >"store/a$(printf '\033')[2Jb"; touch store/.upload-1.2.3-moobacker.x"#;
    chains.sandbox.sh(foreign).silent();
    let names = || {
        let files = fs::read_dir(chains.sandbox.path("store")).unwrap();
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect::<BTreeSet<_>>()
    };
    for command in ["prune --keep-full 1", "cleanup"] {
        let call = |options| {
            let words = format!("moo {command} {}", chains.words(options));
            let told = chains.sandbox.sh(&words).succeeds().out();
            assert_by_schema(&chains.sandbox, "prune", &told);
            told.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
        };
        let before = names();
        let planned = call("--json");
        assert_eq!(names(), before);
        let done = call("--json --force");
        let removed = |lines: &[Value]| {
            let lines = lines.iter().filter(|line| line["action"] == "remove");
            lines.cloned().collect::<Vec<_>>()
        };
        assert_eq!(removed(&planned), removed(&done), "{command}");
        let files = |line: &Value| line["files"].as_array().unwrap().clone();
        let told: BTreeSet<_> =
            removed(&done).iter().flat_map(files).map(|name| name.to_string()).collect();
        let gone: BTreeSet<_> =
            before.difference(&names()).map(|name| json!(name).to_string()).collect();
        assert!(!gone.is_empty() && gone == told, "{command}: {gone:?} {told:?}");
        let [planned, done] = [&planned, &done].map(|lines| lines.last().unwrap());
        assert_eq!((&planned["deleted"], &done["deleted"]), (&json!(false), &json!(true)));
        assert_eq!((&done["action"], &planned["bytes"]), (&json!("total"), &done["bytes"]));
    }
    chains.has_only(&[2]);
}

#[test]
fn a_person_reads_times_of_the_own_zone() {
    let chains = Chains::new(&["full"]);
    let told =
        chains.sandbox.sh(&format!("TZ=Asia/Kolkata moo prune {}", chains.words("--keep-last 1")));
    told.succeeds().stdout_has("+05:30, ");
}

#[test]
fn what_stays_is_whole_for_us_and_both_duplicities_and_can_be_built_upon() {
    let chains = Chains::new(&["full", "inc", "inc", "full", "inc", "full", "inc"]);
    chains.prune("--keep-inc-of-full 2 --force").silent();
    chains.has_only(&[0, 3, 4, 5, 6]);
    chains.comes_back_by(Duplicity::old(&chains.sandbox), 0);
    chains.comes_back_by(Duplicity::new(&chains.sandbox), 0);
    chains.prune(&format!("--older-than {} --force", chains.times[4])).silent();
    chains.has_only(&[3, 4, 5, 6]);
    chains.prune("--keep-full 1 --force").silent();
    chains.has_only(&[5, 6]);
    chains.comes_back_by(Duplicity::old(&chains.sandbox), 5);
    chains.comes_back_by(Duplicity::new(&chains.sandbox), 6);
    // The newest chain stays, whatever is said.
    let files = chains.files();
    chains.prune("--older-than now --force").silent();
    assert_eq!(files, chains.files());
    chains.moo().backup("inc").silent();
    chains.moo().brings_back("now", &chains.states[6]);
    let theirs = Duplicity::new(&chains.sandbox).plain();
    theirs.status().succeeds().stdout_has("No orphaned or incomplete backup sets found");
}

#[test]
fn a_set_stays_by_a_rule_that_is_named_or_because_a_named_set_builds_on_it() {
    let chains = Chains::new(&["full", "inc", "inc", "full"]);
    let told = chains.prune("--keep-last 3").succeeds().out();
    let because = format!("only because the inc of {} builds on it", chains.shown(1));
    let ends = [because.as_str(), "one of the newest 3 (--keep-last)"];
    let lines: Vec<_> = told.lines().collect();
    for (line, end) in lines.iter().zip(ends) {
        assert!(line.starts_with("keep ") && line.ends_with(end), "{line}");
    }
    assert_eq!(lines.last(), Some(&"nothing would go"));
    for rule in ["hourly", "daily", "weekly", "monthly", "yearly"] {
        let told = chains.prune(&format!("--keep-{rule} 1")).succeeds();
        let told = told.stdout_has(&format!("(--keep-{rule})")).out();
        assert_eq!(told.matches("remove  ").count(), 3, "{told}");
    }
    let young = chains.prune("--keep-within 1D").succeeds().stdout_has("nothing would go");
    assert_eq!(young.out().matches("young enough (--keep-within)").count(), 4);
    chains.prune("--keep-within yesterday").fails_with(2).one_message();
    chains.prune("--keep-last 2 --keep-within 0s --force").silent();
    chains.has_only(&[0, 1, 2, 3]);
    chains.prune("--keep-last 1 --force").silent();
    chains.has_only(&[3]);
}

#[test]
fn signed_seals_hold_for_what_is_left() {
    let sandbox = Sandbox::new();
    sandbox.sh("moo-keygen --sign-only host >/dev/null").silent();
    let options = "--no-encryption --seal-key host.secret.pgp";
    let chains = Chains::with(sandbox, options, &["full", "inc", "full", "inc"]);
    chains.prune("--keep-inc-of-full 1 --force").silent();
    for index in [0, 2, 3] {
        let moo = chains.moo().restore_option("--seal-key host.cert.pgp");
        moo.brings_back(&chains.times[index], &chains.states[index]);
    }
}

#[test]
fn a_chain_that_has_lost_a_volume_or_is_of_somebody_else_makes_no_other_go() {
    let chains = Chains::new(&["full", "inc", "full"]);
    let volume = format!("store/duplicity-full.{}.vol1.difftar.gz", chains.times[2]);
    chains.sandbox.sh(&format!("mv {volume} aside")).silent();
    for archive in ["archive", "lost"] {
        // The archive's manifest tells it, or the seal.
        let words = format!("--older-than now --archive-dir . --name {archive}");
        let prune = format!("moo prune {words} file://$PWD/store");
        let told = chains.sandbox.sh(&prune).succeeds().stdout_has("nothing would go");
        told.stdout_has(&format!(
            "does not count: the full of {} has lost volume 1",
            chains.shown(2)
        ));
    }
    chains.sandbox.sh(&format!("mv aside {volume}")).silent();
    // Sets that somebody has added, with dates in the future.
    for year in 2030..2040 {
        let copy = "for file in store/duplicity-full*.$OLD.*; do
            cp $file $(echo $file | sed s/$OLD/$NEW/)
        done";
        let (old, new) = (&chains.times[2], format!("{year}0101T000000Z"));
        chains.sandbox.sh(&format!("OLD={old} NEW={new}; {copy}")).silent();
    }
    let told = chains.prune("--keep-full 2 --keep-daily 2").succeeds();
    told.stdout_has("nothing would go")
        .stdout_has("the archive directory does not know the full of 2039");
}

#[test]
fn a_chain_whose_last_volume_is_lost_passed_for_whole_by_a_seal_without_signature_and_does_not() {
    let sandbox = Sandbox::new();
    let backup = "moo backup full --volsize 1 --no-encryption --archive-dir . --name archive src \
        file://$PWD/store";
    sandbox.sh(&format!("mkdir src && head -c 2500000 /dev/urandom >src/a && {backup}")).silent();
    sandbox.sh(&format!("sleep 1.1 && {backup}")).silent();
    sandbox.sh("for last in store/*.vol3.*; do :; done; rm $last").silent();
    let prune = "moo prune --older-than now --archive-dir . --name lost file://$PWD/store";
    let told = sandbox.sh(prune).succeeds().stdout_has("nothing would go");
    told.stdout_has("has lost volume 3");
}

#[test]
fn what_has_gone_from_the_store_by_other_hands_the_archive_forgets_by_the_same_rules() {
    let chains = Chains::new(&["full", "inc", "full"]);
    let words = "--archive-dir . --name theirs --no-encryption --force";
    let duplicity = format!("duplicity remove-all-but-n-full 1 {words} file://$PWD/store");
    chains.sandbox.sh(&duplicity).succeeds();
    chains.moo().restore(&format!("--time {}", chains.times[1])).fails();
    let told = chains.prune("--keep-full 1").succeeds();
    told.stdout_has(&format!("remove  full of {}, 0 B: in the archive only", chains.shown(0)));
    chains.prune("--keep-full 1 --force").silent();
    chains.moo().restore(&format!("--time {}", chains.times[1])).fails_with(10).one_message();
    // duplicity knows nothing of seals.
    chains.cleanup("").succeeds().stdout_has("a seal without a set");
    chains.cleanup("--force").silent();
    assert_eq!(fs::read_dir(chains.sandbox.path("store")).unwrap().count(), 4);
    chains.has_only_newest(2);
}

impl Chains {
    #[track_caller]
    fn has_only_newest(&self, index: usize) {
        assert_eq!(crate::moo::stored(&self.sandbox), [self.times[index].clone()]);
        self.comes_back(index);
    }
}

#[test]
fn a_store_behind_sftp_is_pruned_and_one_that_only_grows_refuses_with_a_hint() {
    let chains = Chains::new(&["full", "inc", "full"]);
    let prune = |url: &str| -> Run {
        let words = "--keep-full 1 --force --archive-dir . --name archive --num-retries 1";
        chains.sandbox.sh(&format!("moo prune {words} {url}"))
    };
    if let Some(sshd) = Setup::new(&chains.sandbox).append_only().chroot(&["store"]) {
        let theirs = sshd.path("store");
        let fill = format!("cp store/* {0} && chmod 444 {0}/*", theirs.display());
        chains.sandbox.sh(&fill).silent();
        let (count, files) = (fs::read_dir(&theirs).unwrap().count(), chains.files());
        let refused = prune(&sshd.url("store")).fails_with(7).one_message();
        refused.stderr_has("permission denied").stderr_has("prune-remote.sh");
        assert_eq!(fs::read_dir(&theirs).unwrap().count(), count);
        assert_eq!(files, chains.files(), "the archive has not changed");
    }
    let sshd = Sshd::start(&chains.sandbox);
    prune(&sshd.url("store")).silent();
    chains.has_only(&[2]);
}

/// A store of sets that are nothing but names; the ages of the sets in days.
struct Names {
    sandbox: Sandbox,
    dice: u64,
}

impl Names {
    fn dice(&mut self, sides: u64) -> u64 {
        // splitmix64 (Steele, Lea, Flood 2014).
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.dice ^ (self.dice >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    /// Some chains, with some increments that belong to none, in the folders `store` and `theirs`.
    fn make(&mut self) {
        let (mut files, mut age, mut last) = (Vec::new(), 60u64, None);
        while age > 0 {
            let base = last.filter(|_| self.dice(3) > 0);
            files.push(base.map_or_else(
                || format!("full $(t {age})"),
                |base| format!("inc $(t {base}).to.$(t {age})"),
            ));
            last = Some(age);
            age = age.saturating_sub(1 + self.dice(9));
        }
        let make = "t() { date -u -d \"-$1 days\" +%Y%m%dT120000Z; }
            full() { put duplicity-full.$1 duplicity-full-signatures.$1; }
            inc() { put duplicity-inc.$1 duplicity-new-signatures.$1; }
            put() {
                printf 'Hostname moo\\nLocaldir src\\nVolume 1:\\n    StartingPath   .  \\n    EndingPath     .  \\n    Hash SHA1 0\\n' >store/$1.manifest
                : >store/$1.vol1.difftar.gz; : >store/$2.sigtar.gz
            }
            rm -rf store theirs a; mkdir store";
        let script = format!("{make}\n{}\ncp -r store theirs", files.join("\n"));
        self.sandbox.sh(&script).silent();
    }

    fn manifests(&self, folder: &str) -> BTreeSet<String> {
        let names = fs::read_dir(self.sandbox.path(folder)).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(".manifest")).collect()
    }
}

#[test]
fn whatever_the_chains_the_rules_that_duplicity_has_remove_what_duplicity_removes() {
    let mut names = Names { sandbox: Sandbox::new(), dice: 7 };
    let mut gone = 0;
    for count in 0..scale(4, 150) {
        names.make();
        let number = 1 + names.dice(3);
        let age = names.dice(50);
        let (ours, theirs) = match count % 3 {
            0 => (format!("--older-than {age}D"), format!("remove-older-than {age}D")),
            1 => (format!("--keep-full {number}"), format!("remove-all-but-n-full {number}")),
            _ => {
                let action = format!("remove-all-inc-of-but-n-full {number}");
                (format!("--keep-inc-of-full {number}"), action)
            }
        };
        let before = names.manifests("store");
        names.sandbox.sh(&format!("moo prune {ours} --force file://$PWD/store")).silent();
        let old = count % 2 == 0;
        let sandbox = &names.sandbox;
        let peer = if old { Duplicity::old(sandbox) } else { Duplicity::new(sandbox) };
        let (action, word) = theirs.split_once(' ').unwrap();
        let peer = peer.plain().archive("a").store("theirs");
        peer.run(action, &format!("{word} --force file://$PWD/theirs")).succeeds();
        let left = names.manifests("store");
        assert_eq!(left, names.manifests("theirs"), "{ours}, of {before:#?}");
        gone += before.len() - left.len();
    }
    assert!(gone > 5);
    eprintln!("{gone} sets removed as by duplicity{}", if long() { "" } else { " (a sample)" });
}
