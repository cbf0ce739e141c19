//! Prefixes of what really flows through the pipes: the readers are given them in this process, so
//! that there can be many, the programs some.

use failure::Status;
use tests::{scale, spread};

use crate::captured::{Captured, Flow, STAGES, Stage, ending};

/// A reader takes the whole stream, and none of its prefixes.
fn takes_no_prefix(stage: &Stage, stream: &[u8], cuts: &[usize]) {
    ending(stage.reads, stream).unwrap();
    for cut in cuts {
        let refused = ending(stage.reads, &stream[..*cut]).expect_err("a cut stream is refused");
        assert_eq!(refused.status(), Status::Killed, "{} cut at {cut}", stage.name);
    }
}

/// Cuts each stream in that many places.
fn no_prefix_is_taken(captured: &Captured, places: usize) {
    let mut count = 0;
    for stage in &STAGES {
        let stream = captured.input_of(stage);
        let cuts = spread(places, stream.len());
        takes_no_prefix(stage, &stream, &cuts);
        count += cuts.len();
    }
    eprintln!("{count} prefixes of {} streams", STAGES.len());
}

#[test]
fn no_prefix_of_a_small_stream_is_taken_by_its_reader() {
    no_prefix_is_taken(&Captured::small(), usize::MAX);
}

#[test]
fn no_prefix_of_the_streams_of_every_kind_of_object_is_taken_by_its_reader() {
    no_prefix_is_taken(&Captured::every_kind(), scale(3000, 30_000));
}

#[test]
fn no_prefix_of_a_large_stream_is_taken_by_its_reader() {
    no_prefix_is_taken(&Captured::large(), scale(500, 20_000));
}

#[test]
fn no_stage_takes_a_prefix_of_a_large_stream_or_leaves_anything_of_it() {
    let captured = Captured::large();
    captured.sandbox.sh("touch input").silent();
    let (before, mut count) = (captured.names(), 0);
    for stage in &STAGES {
        let whole = captured.input_of(stage);
        for cut in spread(scale(6, 400), whole.len()) {
            let run = captured.feed(stage, &whole[..cut]).fails_with(4).one_message();
            let refused = ending(stage.writes, &run.stdout);
            assert!(refused.is_err() || stage.writes == Flow::Nothing, "{} at {cut}", stage.name);
            assert_eq!(captured.names(), before, "{} cut at {cut} leaves nothing", stage.name);
            count += 1;
        }
    }
    eprintln!("{count} prefixes for {} programs", STAGES.len());
}
