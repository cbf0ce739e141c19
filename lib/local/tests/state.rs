//! The state that the signature tars of a chain add up to, against a model of it.

// A test that can't go on should stop, loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;

use archive::{EntryName, FileKind, FileName, Part, SetId, SetTime, TreePath, Wrapping};
use failure::Status;
use flate2::Compression;
use flate2::write::GzEncoder;
use local::Folder;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use stream::member::Kind;
use stream::{Member, TarWriter};

/// What a set says of a path.
#[derive(Clone, Debug, PartialEq)]
enum Change {
    File(Vec<u8>),
    Directory,
    Deleted,
}

type Set = BTreeMap<TreePath, Change>;

fn changes() -> impl Strategy<Value = Change> {
    prop_oneof![
        vec(any::<u8>(), 0..700).prop_map(Change::File),
        Just(Change::Directory),
        Just(Change::Deleted),
    ]
}

fn sets() -> impl Strategy<Value = Vec<Set>> {
    let path = prop_oneof!["[ab]", "[ab]/[ab-]", "[ab]/[ab]/[ab]", "[ab]-[ab]"];
    let path = path.prop_map(|text| TreePath::parse(text.as_bytes()).unwrap());
    vec(btree_map(path, changes(), 0..12), 1..5)
}

fn time(number: usize) -> SetTime {
    SetTime::from_seconds(1_700_000_000 + i64::try_from(number).unwrap()).unwrap()
}

fn id(number: usize) -> SetId {
    SetId { base: number.checked_sub(1).map(time), time: time(number) }
}

fn tar(set: &Set) -> Vec<u8> {
    let mut tar = TarWriter::new(Vec::new());
    for (path, change) in set {
        let (part, kind, body) = match change {
            Change::File(signature) => (Part::Signature, Kind::File, signature.as_slice()),
            Change::Directory => (Part::Snapshot, Kind::Directory, &[][..]),
            Change::Deleted => (Part::Deleted, Kind::File, &[][..]),
        };
        let name = EntryName { part, path: path.clone(), piece: None };
        let name = name.encode_for_sigtar(kind == Kind::Directory);
        tar.append(&Member { kind, ..Member::named(name) }, body).unwrap();
    }
    tar.end(true).unwrap();
    tar.into_inner()
}

/// An archive folder with those sets; every second signature tar is packed.
fn archive(folder: &Folder, sets: &[Set]) {
    for (number, set) in sets.iter().enumerate() {
        let wrapping = if number % 2 == 0 { Wrapping::Plain } else { Wrapping::Gzip };
        let name = |kind, wrapping| FileName { set: id(number), kind, wrapping, partial: false };
        let mut signatures = tar(set);
        if wrapping == Wrapping::Gzip {
            let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
            packed.write_all(&signatures).unwrap();
            signatures = packed.finish().unwrap();
        }
        let path = folder.path(&name(FileKind::Signatures, wrapping).encode());
        fs::write(path, signatures).unwrap();
        fs::write(folder.path(&name(FileKind::Manifest, Wrapping::Plain).encode()), "").unwrap();
    }
}

fn model(sets: &[Set]) -> Set {
    let mut state = Set::new();
    for (path, change) in sets.iter().flatten() {
        state.insert(path.clone(), change.clone());
    }
    state.retain(|_, change| *change != Change::Deleted);
    state
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn for_each_path_the_newest_set_counts(
        sets in sets(), looked_at in vec(any::<bool>(), 1..9),
    ) {
        let scratch = tempfile::tempdir().unwrap();
        let folder = Folder::create(scratch.path()).unwrap();
        archive(&folder, &sets);
        let collection = folder.collection().unwrap();
        let mut state = folder.signatures(&collection.chains[0].sets).unwrap();
        let mut look = looked_at.iter().cycle();
        for (path, change) in model(&sets) {
            let known = state.peek().expect("an entry").clone();
            prop_assert_eq!(&known.path, &path);
            prop_assert_eq!(known.has_signature, matches!(change, Change::File(_)));
            if let (Change::File(signature), Some(true)) = (change, look.next()) {
                prop_assert_eq!(state.signature().unwrap(), signature);
            }
            state.advance().unwrap();
        }
        prop_assert!(state.peek().is_none());
    }

    #[test]
    fn paths_are_found_in_their_order_and_no_others(sets in sets(), wanted in sets()) {
        let scratch = tempfile::tempdir().unwrap();
        let folder = Folder::create(scratch.path()).unwrap();
        archive(&folder, &sets);
        let collection = folder.collection().unwrap();
        let mut state = folder.signatures(&collection.chains[0].sets).unwrap();
        let model = model(&sets);
        for path in wanted[0].keys() {
            prop_assert_eq!(state.seek(path).unwrap(), model.contains_key(path));
        }
    }

    #[test]
    fn a_signature_tar_that_is_cut_is_refused(sets in sets(), at in any::<prop::sample::Index>()) {
        let scratch = tempfile::tempdir().unwrap();
        let folder = Folder::create(scratch.path()).unwrap();
        archive(&folder, &sets[..1]);
        let collection = folder.collection().unwrap();
        let set = &collection.chains[0].sets;
        let path = folder.path(set[0].signatures.as_ref().unwrap());
        // Without the padding behind the end mark nothing is missing.
        let marked = fs::read(&path).unwrap().iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
        fs::write(&path, &tar(&sets[0])[..at.index(marked + 1)]).unwrap();
        let read = folder.signatures(set).and_then(|mut state| {
            while state.peek().is_some() {
                state.advance()?;
            }
            Ok(())
        });
        prop_assert_eq!(read.unwrap_err().status(), Status::Integrity);
    }
}

#[test]
fn the_parts_of_an_unfinished_set_are_none_of_duplicitys_files_and_no_set() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = Folder::create(scratch.path()).unwrap();
    for kind in [FileKind::Manifest, FileKind::Signatures] {
        let name = Folder::part_name(id(3), kind);
        let file = folder.unfinished(&Folder::part_name(id(3), kind), 0).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 0);
        let part = Folder::parse_part(&name).unwrap();
        assert_eq!((part.set, part.kind), (id(3), kind));
        assert!(FileName::parse(&name).is_none(), "{name}");
        assert!(Folder::parse_part(&name[1..]).is_none(), "one of duplicity's own");
    }
    let collection = folder.collection().unwrap();
    assert!(collection.chains.is_empty() && collection.incomplete.is_empty());
    assert!(collection.partial.is_empty());
}

#[test]
fn what_is_below_a_deleted_path_that_is_too_long_for_a_set_went_with_it() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = Folder::create(scratch.path()).unwrap();
    let path = |end: &str| {
        TreePath::parse(format!("{}/{end}", "x".repeat(TreePath::LONGEST)).as_bytes()).unwrap()
    };
    let set = |entries: &[(&str, Change)]| -> Set {
        entries.iter().map(|(end, change)| (path(end), change.clone())).collect()
    };
    let old = ["a", "a/b", "a/b/c", "d", "d/e"].map(|end| (end, Change::Directory));
    let sets = [set(&old), set(&[("a", Change::Deleted), ("d/f", Change::Directory)])];
    archive(&folder, &sets);
    let mut state = folder.signatures(&folder.collection().unwrap().chains[0].sets).unwrap();
    let mut found = Vec::new();
    while let Some(known) = state.take().unwrap() {
        found.push(known.path);
    }
    assert_eq!(found, ["d", "d/e", "d/f"].map(path));
}
