//! What real duplicity writes is what this crate reads and writes.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, which clippy takes for code

mod peer;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use archive::{
    Change, Collection, EntryName, FileName, Manifest, TreePath, VolumeRange, encode_header,
    filelist_line, write_hashes,
};
use peer::{Place, peers};

/// A chain of a full set and an increment, made by that duplicity.
fn chain(peer: &Path, options: &[&str]) -> Place {
    let place = Place::new();
    place.back_up(peer, options);
    place.write(b"a.txt", b"another");
    place.set_old(b"a.txt");
    place.write(b"new", b"new");
    fs::remove_file(place.path("src/a-b")).unwrap();
    place.back_up(peer, options);
    place
}

fn collection(names: &[String]) -> Collection {
    let all = Collection::of(names.iter().cloned());
    assert_eq!((all.chains.len(), all.orphans.len(), all.incomplete.len()), (1, 0, 0));
    assert_eq!(all.chains[0].sets.len(), 2);
    assert!(all.chains[0].has_all_signatures());
    all
}

#[test]
fn the_names_in_a_store_and_in_a_local_archive_are_known() {
    for peer in peers() {
        let place = chain(&peer, &[]);
        let names = place.names("store");
        for raw in &names {
            assert!(FileName::parse(raw).unwrap().is_canonical(raw), "{raw}");
        }
        let stored = collection(&names);
        assert!(stored.strangers.is_empty());
        assert!(stored.chains[0].sets[0].volumes.len() > 2);
        let local = collection(&place.names("archive/x"));
        assert!(local.strangers.iter().all(|raw| raw == "lockfile"), "{:?}", local.strangers);
        let sets = stored.chains[0].sets.iter().zip(&local.chains[0].sets);
        sets.for_each(|(stored, local)| assert_eq!(stored.id, local.id));
    }
}

#[test]
fn short_names_are_known() {
    let place = chain(Path::new("duplicity"), &["--short-filenames"]);
    let names = place.names("store");
    assert!(names.iter().all(|raw| !raw.starts_with("duplicity")));
    assert!(collection(&names).strangers.is_empty());
    for raw in &names {
        let name = FileName::parse(raw).unwrap();
        assert!(!FileName::is_stranger(raw) && !name.is_canonical(raw), "{raw}");
    }
}

/// The manifests in the store, as text.
fn manifests(place: &Place) -> Vec<Vec<u8>> {
    let all = collection(&place.names("store"));
    let names = all.chains[0].sets.iter().map(|set| set.manifest.clone().unwrap());
    names.map(|name| fs::read(place.path("store").join(name)).unwrap()).collect()
}

fn before_files(text: &[u8]) -> &[u8] {
    let at = text.windows(10).position(|w| w == b"\nFilelist ").unwrap();
    &text[..=at]
}

#[test]
fn a_manifest_is_written_again_byte_for_byte() {
    for peer in peers() {
        for text in manifests(&chain(&peer, &[])) {
            let manifest = Manifest::parse(&text).unwrap();
            let (host, dir) = (manifest.hostname.unwrap(), manifest.localdir.unwrap());
            assert_eq!(dir, b"src");
            let mut again = encode_header(&host, &dir);
            again.extend(manifest.volumes.iter().flat_map(VolumeRange::encode));
            assert_eq!(
                String::from_utf8_lossy(&again),
                String::from_utf8_lossy(before_files(&text))
            );
            assert!(again == before_files(&text));
        }
    }
}

#[test]
fn a_manifest_without_its_hashes_is_sealed_byte_for_byte() {
    for peer in peers() {
        for text in manifests(&chain(&peer, &[])) {
            let volumes = Manifest::parse(&text).unwrap().volumes;
            let hashes: BTreeMap<_, _> =
                volumes.into_iter().map(|v| (v.number, v.hashes)).collect();
            assert!(hashes.values().all(|hashes| hashes[0].0 == "SHA1"));
            let lines = text.split_inclusive(|&b| b == b'\n');
            let draft = lines.filter(|line| !line.starts_with(b"    Hash SHA1 "));
            let draft = draft.collect::<Vec<_>>().concat();
            let mut completed = Vec::new();
            write_hashes(&mut draft.as_slice(), hashes, &mut completed).unwrap().unwrap();
            assert!(completed == text);
        }
    }
}

#[test]
fn the_list_of_files_quotes_every_byte_alike() {
    for peer in peers() {
        let place = chain(&peer, &[]);
        let texts = manifests(&place);
        let listed =
            |text: &[u8], line: &[u8]| text.split_inclusive(|&b| b == b'\n').any(|l| l == line);
        for byte in (1..=255).filter(|&byte| byte != b'/') {
            let path = TreePath::parse(&[b'n', byte, b'x']).unwrap();
            assert!(listed(&texts[0], &filelist_line(Change::New, &path)), "{byte}");
        }
        let changes = [("new", Change::New), ("a.txt", Change::Changed), ("a-b", Change::Deleted)];
        for (name, change) in changes {
            let path = TreePath::parse(name.as_bytes()).unwrap();
            assert!(listed(&texts[1], &filelist_line(change, &path)), "{name}");
        }
    }
}

/// The members of a compressed tar, without those whose names tar shows in an escaped form.
fn members(tar: &Path) -> Vec<Vec<u8>> {
    let shown = Command::new("tar")
        .args(["-tz", "--quoting-style=escape", "-f"])
        .arg(tar)
        .output()
        .unwrap();
    let lines = shown.stdout.split(|&b| b == b'\n').filter(|line| !line.is_empty());
    lines.filter(|line| !line.contains(&b'\\')).map(<[u8]>::to_vec).collect()
}

#[test]
fn members_have_our_names_and_come_in_our_order() {
    for peer in peers() {
        let place = chain(&peer, &[]);
        for set in &collection(&place.names("store")).chains[0].sets {
            let of = |name: &String| members(&place.path("store").join(name));
            let stored: Vec<_> = set.volumes.values().flat_map(of).collect();
            check(&stored, EntryName::encode);
            check(&of(set.signatures.as_ref().unwrap()), EntryName::encode_for_sigtar);
        }
    }
}

fn check(members: &[Vec<u8>], encode: fn(&EntryName, bool) -> Vec<u8>) {
    assert!(members.len() > 2);
    let parse = |raw: &Vec<u8>| EntryName::parse(raw).unwrap();
    for raw in members {
        assert_eq!(&encode(&parse(raw), raw.ends_with(b"/")), raw);
    }
    assert!(members.iter().map(parse).is_sorted_by_key(|entry| (entry.path, entry.piece)));
}
