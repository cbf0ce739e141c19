//! Interruptions at many moments, of which the next run makes the best.

use std::collections::BTreeMap;

use tests::{Sandbox, scale, spread};

use super::kit::Subject;
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
