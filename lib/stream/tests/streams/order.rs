//! Members in an order that no stage writes.

use archive::Part::{Deleted, Diff, Signature, Snapshot};
use failure::Status;
use stream::Member;

use crate::made::{full_piece, named, read_tree, refusal, tree_of};

fn bodies(members: &[(Member, Vec<u8>)]) -> Result<String, failure::Failure> {
    read_tree(&tree_of(members))
}

fn empty(members: &[Member]) -> Result<String, failure::Failure> {
    bodies(&members.iter().map(|member| (member.clone(), Vec::new())).collect::<Vec<_>>())
}

#[test]
fn paths_come_in_the_order_of_their_components() {
    let order = ["", "a", "a/b", "a/z", "a-b", "b"].map(|path| named(Snapshot, path, None));
    assert!(empty(&order).is_ok());
    for at in 1..order.len() {
        let mut wrong = order.clone();
        wrong.swap(at - 1, at);
        assert_eq!(refusal(&empty(&wrong)), Status::Integrity);
        let mut twice = order.to_vec();
        twice.insert(at, order[at].clone());
        assert_eq!(refusal(&empty(&twice)), Status::Integrity);
    }
}

#[test]
fn a_signature_stands_behind_the_content_that_it_is_of() {
    for part in [Snapshot, Diff] {
        assert!(empty(&[named(part, "a", None), named(Signature, "a", None)]).is_ok());
    }
    for wrong in [
        vec![named(Signature, "a", None)],
        vec![named(Snapshot, "a", None), named(Signature, "b", None)],
        vec![named(Deleted, "a", None), named(Signature, "a", None)],
        vec![named(Snapshot, "a", None), named(Signature, "a", None), named(Signature, "a", None)],
        vec![named(Snapshot, "a", None), named(Diff, "a", None)],
    ] {
        assert_eq!(refusal(&empty(&wrong)), Status::Integrity);
    }
}

#[test]
fn the_pieces_of_a_body_come_one_after_another_and_none_is_missing() {
    let piece = |number| (named(Snapshot, "a", Some(number)), full_piece());
    let last = |number| (named(Snapshot, "a", Some(number)), Vec::new());
    let other = (named(Snapshot, "b", None), Vec::new());
    assert!(bodies(&[piece(1), piece(2), last(3), other.clone()]).is_ok());
    for wrong in [
        vec![last(2)],
        vec![piece(2), last(3)],
        vec![piece(0), last(1)],
        vec![piece(1)],
        vec![piece(1), other.clone()],
        vec![piece(1), last(3)],
        vec![piece(1), last(1)],
        vec![piece(1), last(2), last(3)],
        vec![piece(1), (named(Diff, "a", Some(2)), Vec::new())],
        vec![piece(1), (named(Snapshot, "b", Some(2)), Vec::new())],
        vec![piece(1), (named(Signature, "a", None), Vec::new())],
        vec![(named(Snapshot, "a", None), Vec::new()), last(2)],
        vec![piece(u64::MAX), last(0)],
    ] {
        let names: Vec<_> = wrong
            .iter()
            .map(|(member, _)| String::from_utf8_lossy(&member.name).into_owned())
            .collect();
        assert_eq!(bodies(&wrong).err().map(|e| e.status()), Some(Status::Integrity), "{names:?}");
    }
}

#[test]
fn names_that_no_stage_writes_are_refused() {
    for name in ["", "f", "snapshot/../f", "multivol_snapshot/f", "/etc/passwd", "begin.json"] {
        assert_eq!(refusal(&empty(&[Member::named(name)])), Status::Integrity, "{name}");
    }
}

#[test]
fn only_files_have_content() {
    let mut folder = named(Snapshot, "a", None);
    folder.kind = stream::member::Kind::Directory;
    assert_eq!(refusal(&bodies(&[(folder, b"moo".to_vec())])), Status::Integrity);
}
