//! Streams that were cut.

use failure::Status;
use stream::{FileWriter, deliver};

use crate::made::{self, STAGE, each, refusal};

#[test]
fn each_stream_is_read_as_it_was_written() {
    for (whole, read) in each() {
        let told = read(&whole).unwrap();
        assert!(told.contains("20261122T201500Z") && told.contains("source_files: 3"), "{told}");
    }
}

#[test]
fn a_stream_that_is_cut_at_any_byte_says_that_the_stage_before_was_killed() {
    for (whole, read) in each() {
        for cut in 0..whole.len() {
            assert_eq!(refusal(&read(&whole[..cut])), Status::Killed, "cut at {cut}");
        }
    }
}

#[test]
fn a_stage_that_dies_within_a_file_leaves_no_file_and_no_end() {
    let mut stream = Vec::new();
    let died = deliver(STAGE, &mut stream, |output| {
        output.begin(&stream::Begin::copy(stream::StreamKind::Files, None))?;
        drop(FileWriter::new(output, "half"));
        Err(failure::Failure::new(Status::Lost, "gone"))
    });
    assert_eq!(died.unwrap_err().status(), Status::Lost);
    let failure = made::read_files(&stream).unwrap_err();
    assert_eq!((failure.status(), failure.stage()), (Status::Lost, Some(STAGE)));
}

#[test]
fn a_file_without_its_closing_chunk_is_refused_though_the_stream_has_its_end() {
    let mut stream = Vec::new();
    deliver(STAGE, &mut stream, |output| {
        output.begin(&stream::Begin::copy(stream::StreamKind::Files, None))?;
        output.append(&stream::Member::named("half/1"), b"content")?;
        Ok(made::totals())
    })
    .unwrap();
    assert_eq!(refusal(&made::read_files(&stream)), Status::Integrity);
}
