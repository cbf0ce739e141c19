//! Interruptions at many moments, of which the next run makes the best.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::Duration;

use rustix::process::Signal;
use tests::{Sandbox, scale, spread};

use super::kit::Subject;
use crate::captured::Pipe;
use crate::faults::process::{Running, signal};
use crate::moo::stored;

/// Bytes of the stream of files of a backup, about.
const ALL: usize = 5_800_000;

#[test]
fn a_backup_that_is_cut_anywhere_goes_on_behind_the_last_volume_that_was_stored() {
    let count = scale(4, 60);
    for kind in ["full", "inc"] {
        let sandbox = Sandbox::new();
        let mut subject = Subject::new(&sandbox, "--no-encryption");
        subject.goes_on("full", &BTreeMap::new());
        let mut saved = 0;
        for cut in spread(count, ALL) {
            subject.news();
            let run = subject.cut(kind, cut);
            let before = subject.waiting();
            if run.status == 0 {
                subject.ends_well(&before, 0);
                continue;
            }
            assert_eq!(stored(&sandbox).len(), subject.sets(), "nothing is named");
            assert!(before.len() + 1 >= cut / 1_110_000, "{cut}: {}", before.len());
            subject.goes_on("", &before);
            saved += before.len();
        }
        subject.all_is_there();
        eprintln!("{kind}: {count} cuts, {saved} volumes not sent again");
        assert!(saved * 2 > count);
    }
}

#[test]
fn a_backup_that_is_interrupted_again_and_again_comes_to_its_end() {
    let sandbox = Sandbox::new();
    let mut subject = Subject::new(&sandbox, "--no-encryption");
    for kind in ["full", "inc"] {
        subject.news();
        let mut last = BTreeMap::new();
        for (turn, cut) in [1_300_000, 900_000, 1_400_000, 1_200_000, 0].into_iter().enumerate() {
            subject.cut(kind, cut).fails_with(4);
            let now = subject.waiting();
            assert!(last.iter().all(|volume| now.get(volume.0) == Some(volume.1)), "none is lost");
            assert!(turn != 2 || now.len() >= 2);
            last = now;
        }
        subject.goes_on("", &last);
        subject.all_is_there();
    }
}

#[test]
fn any_stage_may_be_killed_at_any_moment_and_what_has_arrived_is_not_sent_again() {
    let sandbox = Sandbox::new();
    let mut subject = Subject::new(&sandbox, "--no-encryption");
    subject.goes_on("full", &BTreeMap::new());
    let moments = scale(2, 7);
    let (mut kills, mut saved) = (0, 0);
    for stage in Pipe::backup().names() {
        for moment in 0..moments {
            subject.news();
            let kind = if moment % 2 == 0 { "full" } else { "inc" };
            let mut running = Running::start(&sandbox, &subject.script(kind));
            let process = running.find(stage);
            while subject.waiting().len() < moment * 5 / moments && running.is_going() {
                sleep(Duration::from_micros(500));
            }
            process.into_iter().for_each(|process| signal(process, Signal::KILL));
            let succeeded = running.wait().success();
            if succeeded || stored(&sandbox).len() > subject.sets() {
                subject.ends_in_time(kind);
                continue;
            }
            let before = subject.waiting();
            let useful = subject.goes_on_at_least("", &before);
            (kills, saved) = (kills + 1, saved + useful);
        }
    }
    subject.all_is_there();
    eprintln!("{kills} kills, {saved} volumes not sent again");
}
