//! Whole groups: what is made of files, damaged at random, and rebuilt.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, which clippy takes for code

use std::io::{Cursor, Read};

use archive::SetId;
use parity::{Description, Group, Healing, Kind, Parity, Recovery, Share};
use proptest::collection::vec;
use proptest::prelude::*;

fn set() -> SetId {
    "full 20261122T201500Z".parse().unwrap()
}

/// The files of a small set: volumes, a seal and a manifest.
fn names(volumes: usize) -> Vec<(String, Kind)> {
    let volume = |number| format!("duplicity-full.20261122T201500Z.vol{number}.difftar.gpg");
    let volumes = (1..=volumes).map(|number| (volume(number), Kind::Volume));
    let seal = ("moobacker.20261122T201500Z.seal".to_owned(), Kind::Last);
    let manifest = ("duplicity-full.20261122T201500Z.manifest.gpg".to_owned(), Kind::Last);
    volumes.chain([seal, manifest]).collect()
}

fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

fn made(files: &[(String, Kind, Vec<u8>)], share: &str) -> (Description, Vec<u8>) {
    let mut group = Group::new(set(), share.parse::<Share>().unwrap()).unwrap();
    for (name, kind, content) in files {
        content.chunks(65_536).for_each(|chunk| group.write(chunk).unwrap());
        group.end(name, [0; 32], *kind);
    }
    let parity: Parity = group.finish().unwrap();
    let mut file = Vec::new();
    parity.write_to(&mut file).unwrap();
    let found = Description::find(&file[..]).unwrap().unwrap();
    assert_eq!(&found, parity.description());
    (found, file)
}

/// The files as they are rebuilt from what is there of them, or why they are not.
fn healed(
    described: &Description,
    parity: &[u8],
    stored: &[Option<Vec<u8>>],
) -> Result<Vec<Vec<u8>>, String> {
    let mut healing = Healing::new(described).unwrap();
    for (file, stored) in described.files.iter().zip(stored) {
        let mut from = stored.as_deref().map(Cursor::new);
        let from = from.as_mut().map(|from| from as &mut dyn Read);
        healing.file(file.covered, from).unwrap();
    }
    let mut recovery = Recovery::new(described, parity);
    let rebuilt = healing.finish(&mut recovery).map_err(|failure| failure.to_string())?;
    let file = |(number, stored): (usize, &Option<Vec<u8>>)| {
        let stored = stored.clone().map(|bytes| Box::new(Cursor::new(bytes)) as Box<_>);
        let mut to = Vec::new();
        rebuilt.write_file(described, number, stored, &mut to).map_err(|f| f.to_string())?;
        Ok(to)
    };
    stored.iter().enumerate().map(file).collect()
}

/// The shards of the group that a change of a file touches.
fn shards(described: &Description, number: usize, range: std::ops::Range<u64>) -> Vec<u64> {
    let start: u64 = described.files[..number].iter().map(|file| file.covered).sum();
    let shard = described.geometry.shard as u64;
    if range.is_empty() {
        return Vec::new();
    }
    ((start + range.start) / shard..=(start + range.end - 1) / shard).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if std::env::var_os("MOO_LONG").is_some() { 2000 } else { 60 }))]

    #[test]
    fn any_damage_heals_up_to_the_recovery_shards_and_more_is_refused(
        sizes in vec(0usize..60_000, 1..6),
        share in prop::sample::select(vec!["1", "5", "20", "100"]),
        bursts in vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1u64..9_000), 0..8),
        lost in vec(any::<prop::sample::Index>(), 0..2),
        in_parity in vec((any::<prop::sample::Index>(), 1usize..3_000), 0..3),
        seed: u64,
    ) {
        let files: Vec<_> = names(sizes.len()).into_iter().zip(sizes.iter().copied().chain([700, 400]).zip(seed..))
            .map(|((name, kind), (size, seed))| (name, kind, noise(size, seed))).collect();
        let (described, mut parity) = made(&files, share);
        let mut stored: Vec<Option<Vec<u8>>> = files.iter().map(|(_, _, content)| Some(content.clone())).collect();
        let mut damaged = std::collections::BTreeSet::new();
        for (file, at, length) in bursts {
            let number = file.index(stored.len());
            let Some(content) = &mut stored[number] else { continue };
            if content.is_empty() { continue }
            let at = at.index(content.len()) as u64;
            let end = (at + length).min(content.len() as u64);
            content[at as usize..end as usize].iter_mut().for_each(|byte| *byte = !*byte);
            damaged.extend(shards(&described, number, at..end));
        }
        for file in lost {
            let number = file.index(stored.len());
            stored[number] = None;
            damaged.extend(shards(&described, number, 0..files[number].2.len() as u64));
        }
        for (at, length) in in_parity {
            let at = at.index(parity.len());
            let end = (at + length).min(parity.len());
            parity[at..end].iter_mut().for_each(|byte| *byte = !*byte);
        }
        // A shard that was damaged twice may be as it was.
        let mut recovery = Recovery::new(&described, &parity[..]);
        let mut left = 0;
        while recovery.next_shard().unwrap().is_some() { left += 1 }
        prop_assume!(Description::find(&parity[..]).unwrap().is_some());
        match healed(&described, &parity, &stored) {
            Ok(healed) => for ((_, _, content), healed) in files.iter().zip(healed) {
                prop_assert!(*content == healed);
            },
            Err(why) => {
                prop_assert!(damaged.len() > left, "{} damaged, {left} left: {why}", damaged.len());
                prop_assert!(why.contains("are damaged, and the parity can rebuild"), "{why}");
            }
        }
    }

    #[test]
    fn wrong_parity_spoils_no_more_than_healing(sizes in vec(1usize..9_000, 1..4), wrong in vec(any::<u8>(), 0..9_000), seed: u64) {
        let files: Vec<_> = names(sizes.len()).into_iter().zip(sizes.iter().copied().chain([700, 400]).zip(seed..))
            .map(|((name, kind), (size, seed))| (name, kind, noise(size, seed))).collect();
        let (described, _) = made(&files, "50");
        let mut stored: Vec<_> = files.iter().map(|(_, _, content)| Some(content.clone())).collect();
        stored[0] = None;
        prop_assert!(healed(&described, &wrong, &stored).is_err());
    }
}

#[test]
fn the_seal_and_the_manifest_can_be_rebuilt_whatever_the_share() {
    for size in [0, 1, 3_000, 70_000, 900_000] {
        let contents = [noise(size, 1), noise(5_000, 2), noise(900, 3)];
        let files: Vec<_> = names(1)
            .into_iter()
            .zip(contents)
            .map(|((name, kind), bytes)| (name, kind, bytes))
            .collect();
        let (described, parity) = made(&files, "0.1");
        let stored = [Some(files[0].2.clone()), None, None];
        let healed = healed(&described, &parity, &stored).unwrap();
        assert!(files.iter().zip(&healed).all(|((_, _, content), healed)| content == healed));
    }
}

/// A group whose shards do not fit into the spool at once.
#[test]
fn a_whole_volume_of_a_large_group_heals() {
    let volume = 24 << 20;
    let files: Vec<_> = names(23)
        .into_iter()
        .zip(0u64..)
        .map(|((name, kind), seed)| {
            let size = if kind == Kind::Volume { volume } else { 3_000 };
            (name, kind, noise(size, seed))
        })
        .collect();
    let (described, parity) = made(&files, "8");
    assert_eq!(described.geometry.chunk, 512);
    let mut stored: Vec<_> = files.iter().map(|(_, _, content)| Some(content.clone())).collect();
    stored[5] = None;
    stored[9].as_mut().unwrap()[7] ^= 1;
    stored[24] = None;
    let healed = healed(&described, &parity, &stored).unwrap();
    assert!(files.iter().zip(&healed).all(|((_, _, content), healed)| content == healed));
}
