//! Content of any length, through readers and writers that take any number of bytes at a time.

use std::io::{Read, Write};

use archive::{PIECE, Part};
use proptest::collection::vec;
use proptest::prelude::*;
use stream::member::{SHA256, SIZE};
use stream::{
    Annotations, Begin, Content, Entry, FileWriter, FilesInput, Member, StreamKind, TreeInput,
    deliver, write_content,
};

use crate::made::{self, STAGE, path};

/// Lengths around those where a piece ends.
fn lengths() -> impl Strategy<Value = usize> {
    let edges: Vec<usize> =
        (0..4).flat_map(|n| [n * PIECE, n * PIECE + 1, (n * PIECE + PIECE) - 1]).collect();
    prop_oneof![prop::sample::select(edges), 0..4 * PIECE]
}

/// How many bytes a reader gives, or a writer is given, at a time; over and over.
fn steps() -> impl Strategy<Value = Vec<usize>> {
    vec(prop_oneof![1usize..10, 1000usize..200_000], 1..5)
}

/// A reader that gives as much at a time as it is told.
struct InSteps<'a> {
    content: &'a [u8],
    steps: std::iter::Cycle<std::vec::IntoIter<usize>>,
}

impl Read for InSteps<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = self.steps.next().unwrap_or(1).max(100).min(buffer.len());
        self.content.read(&mut buffer[..most])
    }
}

fn noise(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n % 251) as u8).collect()
}

fn written(content: &[u8], steps: Vec<usize>) -> Vec<u8> {
    let mut stream = Vec::new();
    let mut first = Member::default();
    first.annotations.set("first", "1");
    deliver(STAGE, &mut stream, |output| {
        output.begin(&Begin::backup(StreamKind::Tree, made::head()))?;
        let mut from = InSteps { content, steps: steps.into_iter().cycle() };
        let length =
            write_content(output, Part::Snapshot, &path("a/b"), &first, &mut from, |_, length| {
                let mut annotations = Annotations::default();
                annotations.set(SIZE, length.to_string());
                Ok(annotations)
            })?;
        assert_eq!(length, content.len() as u64);
        output.append(&made::named(Part::Snapshot, "z", None), b"next")?;
        Ok(made::totals())
    })
    .unwrap();
    stream
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn content_comes_back_whatever_its_length_and_however_it_is_read(
        length in lengths(), from in steps(), to in steps(),
    ) {
        let content = noise(length);
        let stream = written(&content, from);
        let mut input = TreeInput::open(stream.as_slice()).unwrap();
        let first = input.advance().unwrap().unwrap();
        let mut members = 0;
        let count = |_: &Entry| { members += 1; Ok(()) };
        let mut reader = Content::new(&mut input, first, count).unwrap();
        let mut back = Vec::new();
        let mut buffer = vec![0; 200_000];
        for step in to.iter().cycle() {
            match reader.read(&mut buffer[..(*step).max(100)]).unwrap() {
                0 => break,
                n => back.extend_from_slice(&buffer[..n]),
            }
        }
        prop_assert!(back == content);
        let last = reader.last().unwrap();
        prop_assert_eq!(last.member.annotations.parse(SIZE), Some(length));
        prop_assert_eq!(members, length / PIECE + 1);
        prop_assert!(input.advance().unwrap().unwrap().body == b"next"[..]);
        prop_assert!(input.advance().unwrap().is_none());
    }

    #[test]
    fn pieces_are_full_but_the_last_which_has_the_facts(length in lengths()) {
        let stream = written(&noise(length), vec![PIECE]);
        let mut input = TreeInput::open(stream.as_slice()).unwrap();
        for number in 1..=length / PIECE + 1 {
            let entry = input.advance().unwrap().unwrap();
            let is_last = number == length / PIECE + 1;
            prop_assert_eq!(entry.body.len(), if is_last { length % PIECE } else { PIECE });
            prop_assert_eq!(entry.name.piece, (length >= PIECE).then_some(number as u64));
            prop_assert_eq!(entry.member.annotations.get("first").is_some(), number == 1 || is_last);
            prop_assert_eq!(entry.member.annotations.get(SIZE).is_some(), is_last);
        }
    }

    #[test]
    fn content_that_is_not_read_to_its_end_is_passed_over(length in lengths(), read in lengths()) {
        let stream = written(&noise(length), vec![PIECE]);
        let mut input = TreeInput::open(stream.as_slice()).unwrap();
        let first = input.advance().unwrap().unwrap();
        let mut reader = Content::new(&mut input, first, |_| Ok(())).unwrap();
        reader.by_ref().take(read as u64).read_to_end(&mut Vec::new()).unwrap();
        prop_assert_eq!(reader.last().unwrap().member.annotations.parse(SIZE), Some(length));
        prop_assert!(input.advance().unwrap().unwrap().body == b"next"[..]);
    }

    #[test]
    fn files_come_back_whatever_their_lengths_and_however_they_are_written(
        lengths in vec(lengths(), 0..4), steps in steps(), read in steps(), skip: bool,
    ) {
        let mut stream = Vec::new();
        deliver(STAGE, &mut stream, |output| {
            output.begin(&Begin::copy(StreamKind::Files, None))?;
            for (number, length) in lengths.iter().enumerate() {
                let mut writer = FileWriter::new(output, &format!("file{number}"));
                let content = noise(*length);
                let mut rest = content.as_slice();
                for step in steps.iter().cycle() {
                    let (now, later) = rest.split_at((*step).max(100).min(rest.len()));
                    writer.write_all(now).unwrap();
                    rest = later;
                    if rest.is_empty() { break }
                }
                let mut annotations = Annotations::default();
                annotations.set(SHA256, number.to_string());
                writer.close(annotations)?;
            }
            Ok(made::totals())
        }).unwrap();
        let mut input = FilesInput::open(stream.as_slice()).unwrap();
        let mut buffer = vec![0; 200_000];
        for (number, length) in lengths.iter().enumerate() {
            prop_assert_eq!(input.next_file().unwrap(), Some(format!("file{number}")));
            let mut back = Vec::new();
            for step in read.iter().cycle() {
                match input.read(&mut buffer[..(*step).max(100)]).unwrap() {
                    0 => break,
                    n => back.extend_from_slice(&buffer[..n]),
                }
                if skip { break }
            }
            let expected = noise(*length);
            if skip {
                prop_assert!(expected.starts_with(&back));
            } else {
                prop_assert!(back == expected);
                prop_assert_eq!(input.closing().and_then(|annotations| annotations.parse(SHA256)), Some(number));
            }
        }
        prop_assert_eq!(input.next_file().unwrap(), None);
        prop_assert_eq!(input.totals(), made::totals());
    }
}

#[test]
fn file_names_that_lead_elsewhere_are_refused() {
    for name in [
        "/1",
        "../x/1",
        "a/b/1",
        ".hidden/1",
        "x/2",
        "x/01",
        "x/+1",
        "x",
        "a\\b/1",
        "a b/1",
        "\u{fc}/1",
    ] {
        let mut stream = Vec::new();
        deliver(STAGE, &mut stream, |output| {
            output.begin(&Begin::copy(StreamKind::Files, None))?;
            output.append(&Member::named(name), b"")?;
            Ok(made::totals())
        })
        .unwrap();
        assert_eq!(made::refusal(&made::read_files(&stream)), failure::Status::Integrity, "{name}");
    }
}
