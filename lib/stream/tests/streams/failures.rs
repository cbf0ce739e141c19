//! A stage that failed: its status and its words reach the last stage.

use failure::{Failure, Status};
use stream::{Begin, StreamKind, deliver};

use crate::made::{self, Reader, read_files, read_receipts, read_tree};

const ALL: [Status; 10] = [
    Status::Failed,
    Status::Usage,
    Status::Partial,
    Status::Killed,
    Status::Integrity,
    Status::Key,
    Status::Refused,
    Status::Lost,
    Status::Busy,
    Status::Absent,
];

#[test]
fn a_failure_before_the_first_member_arrives_with_its_status() {
    for status in ALL {
        let mut tar = Vec::new();
        let _ = deliver("moo-first", &mut tar, |_| Err(Failure::new(status, "why: \u{1f404}\n")));
        arrives(read_tree, &tar, status);
        arrives(read_files, &tar, status);
        arrives(read_receipts, &tar, status);
    }
}

#[test]
fn a_failure_after_some_members_arrives_with_its_status() {
    for status in ALL {
        let failure = || Failure::new(status, "why: \u{1f404}\n");
        let mut tree = Vec::new();
        let _ = deliver("moo-first", &mut tree, |output| {
            output.begin(&Begin::backup(StreamKind::Tree, made::head()))?;
            output.append(&made::named(archive::Part::Snapshot, "a", None), b"moo")?;
            Err(failure())
        });
        arrives(read_tree, &tree, status);
        let mut receipts = Vec::new();
        let _ = deliver("moo-first", &mut receipts, |receipts| {
            receipts.begin(&Begin::backup(StreamKind::Receipts, made::head()))?;
            Err(failure())
        });
        arrives(read_receipts, &receipts, status);
    }
}

#[test]
fn a_failure_that_is_passed_on_keeps_the_name_of_the_stage_where_it_happened() {
    let mut first = Vec::new();
    let _ = deliver("moo-first", &mut first, |_| Err(Failure::new(Status::Key, "no key")));
    let mut second = Vec::new();
    let _ = deliver("moo-second", &mut second, |_| read_tree(&first).map(|_| made::totals()));
    assert_eq!(
        read_files(&second).unwrap_err(),
        Failure::upstream("moo-first", Status::Key, "no key")
    );
}

#[test]
fn a_failure_that_is_cut_is_a_stage_that_was_killed() {
    let mut tar = Vec::new();
    let _ = deliver("moo-first", &mut tar, |_| Err(Failure::new(Status::Key, "no key")));
    let body = tar.iter().rposition(|byte| *byte == b'}').unwrap();
    for cut in 0..=body {
        let failure = read_tree(&tar[..cut]).unwrap_err();
        assert_eq!((failure.status(), failure.is_news()), (Status::Killed, true), "cut at {cut}");
    }
}

#[track_caller]
fn arrives(read: Reader, stream: &[u8], status: Status) {
    let failure = read(stream).unwrap_err();
    assert_eq!(failure, Failure::upstream("moo-first", status, "why: \u{1f404}\n"));
    assert!(!failure.is_news(), "said once, where it happened");
}
