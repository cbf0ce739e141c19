//! Whole streams that are none of those that a reader wants.

use failure::Status;
use stream::{Begin, End, Member, StreamKind, TarWriter, Totals, VERSION};

use crate::made::{self, Reader, each, read_files, read_receipts, read_tree, refusal};

const READERS: [Reader; 3] = [read_tree, read_files, read_receipts];

#[test]
fn no_input_at_all_says_that_the_stage_before_was_killed() {
    for read in READERS {
        let failure = read(b"").unwrap_err();
        assert_eq!(failure.status(), Status::Killed);
        assert!(failure.message().contains("the previous program in the pipe failed"), "{failure}");
    }
}

#[test]
fn whatever_stands_behind_the_end_is_refused() {
    for (whole, read) in each() {
        for junk in [&b"\0"[..], b"x", b"\n", &[0; 512], &whole] {
            let longer = [&whole, junk].concat();
            assert_eq!(refusal(&read(&longer)), Status::Integrity, "{:?}", &junk[..1]);
        }
    }
}

#[test]
fn every_kind_of_stream_is_refused_by_the_readers_of_the_others() {
    for (number, (whole, _)) in each().into_iter().enumerate() {
        for (other, read) in READERS.into_iter().enumerate().filter(|(other, _)| *other != number) {
            assert_eq!(refusal(&read(&whole)), Status::Integrity, "{number} read as {other}");
        }
    }
    let failure = read_tree(&made::files()).unwrap_err();
    assert!(failure.message().contains("a file stream, where a tree stream is expected"));
}

#[test]
fn another_version_is_refused_as_such_whatever_else_it_says() {
    let mut begin = Begin::backup(StreamKind::Tree, made::head());
    begin.version = VERSION + 1;
    for json in [
        serde_json::to_vec(&begin).unwrap(),
        format!(r#"{{"version":{},"stream":"new"}}"#, VERSION + 1).into_bytes(),
    ] {
        for told in READERS.map(|read| read(&tar(&json, None))) {
            assert_eq!(refusal(&told), Status::Integrity);
            let message = told.unwrap_err().message().to_owned();
            assert!(
                message.contains(&format!("version {} of the stream is unknown", VERSION + 1)),
                "{message}"
            );
        }
    }
}

#[test]
fn an_end_that_counts_otherwise_than_the_reader_is_refused() {
    let begin = serde_json::to_vec(&Begin::backup(StreamKind::Tree, made::head())).unwrap();
    let end = |members, bytes| End { members, bytes, totals: Totals::default() };
    assert!(read_tree(&tar(&begin, Some(end(1, 3)))).is_ok());
    for (members, bytes) in [(0, 3), (2, 3), (1, 0), (1, 4), (0, 0)] {
        let told = read_tree(&tar(&begin, Some(end(members, bytes))));
        assert_eq!(refusal(&told), Status::Integrity);
    }
}

#[test]
fn tars_of_others_and_things_that_are_no_tar_are_refused() {
    let mut foreign = TarWriter::new(Vec::new());
    foreign.append(&Member::named("etc/passwd"), b"root").unwrap();
    foreign.end(true).unwrap();
    for (_, read) in each() {
        for other in [foreign.get_mut().as_slice(), &[0; 10_240], &[b'x'; 2000], &[0xff; 2000]] {
            assert_eq!(refusal(&read(other)), Status::Integrity);
        }
    }
    for read in READERS {
        assert_eq!(refusal(&read(b"some text\n")), Status::Integrity);
    }
}

#[test]
fn a_tar_that_ends_without_our_end_is_refused() {
    let begin = serde_json::to_vec(&Begin::backup(StreamKind::Tree, made::head())).unwrap();
    assert_eq!(refusal(&read_tree(&tar(&begin, None))), Status::Integrity);
}

/// A tree stream with one file of three bytes.
fn tar(begin: &[u8], end: Option<End>) -> Vec<u8> {
    let mut tar = TarWriter::new(Vec::new());
    tar.append(&Member::named("begin.json"), begin).unwrap();
    tar.append(&Member::named("snapshot/f"), b"moo").unwrap();
    if let Some(end) = end {
        tar.append(&Member::named("end.json"), &serde_json::to_vec(&end).unwrap()).unwrap();
    }
    tar.end(false).unwrap();
    tar.into_inner()
}
