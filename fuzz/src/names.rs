//! Names of files and of members, paths and times.

use std::collections::BTreeSet;

use archive::{
    Collection, EntryName, FileName, Part, SetId, SetTime, StoredSet, TreePath, Wrapping,
    parse_seal, parse_time, seal_name,
};

/// The name of a file at a store: it comes back as it was understood.
pub fn file_name(data: &[u8]) {
    let Ok(raw) = std::str::from_utf8(data) else { return };
    let wrapping = Wrapping::of_name(raw);
    if let Some(name) = FileName::parse(raw) {
        let long = name.encode();
        assert_eq!(name.wrapping, wrapping);
        assert_eq!(FileName::parse(&long), Some(name), "{raw:?} as {long}");
        assert!(name.is_canonical(&long) && !FileName::is_stranger(&long));
    }
    if let Some(time) = parse_seal(raw) {
        assert_eq!(seal_name(time), raw);
        assert_eq!(FileName::parse(raw), None, "a seal is no file of duplicity's");
    }
}

/// A listing of a store, a name a line: each name is found again in exactly one place.
pub fn collection(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let names: BTreeSet<String> = text.lines().map(str::to_owned).collect();
    let found = Collection::of(names.clone());
    let chains = found.chains.iter().flat_map(|chain| &chain.sets);
    let sets = chains.chain(&found.orphans).chain(&found.incomplete);
    let of_sets = sets.flat_map(StoredSet::files).map(str::to_owned);
    let mut all: Vec<String> = of_sets.chain(found.partial).chain(found.strangers).collect();
    all.sort();
    // A seal goes with each set of its second.
    all.dedup_by(|one, other| one == other && parse_seal(one).is_some());
    assert_eq!(all, names.into_iter().collect::<Vec<_>>());
    for chain in &found.chains {
        let ids: Vec<SetId> = chain.sets.iter().map(|set| set.id).collect();
        assert!(ids[0].is_full());
        assert!(ids.windows(2).all(|two| two[1].base == Some(two[0].time)), "{ids:?}");
    }
}

/// The name of a member.
pub fn entry_name(data: &[u8]) {
    let Ok(name) = EntryName::parse(data) else { return };
    for directory in [false, true] {
        let raw = name.encode(directory);
        assert_eq!(EntryName::parse(&raw), Ok(name.clone()));
        let whole = EntryName { piece: None, ..name.clone() };
        assert_eq!(EntryName::parse(&whole.encode_for_sigtar(directory)), Ok(whole));
    }
    assert!(name.piece.is_none() || matches!(name.part, Part::Snapshot | Part::Diff));
}

/// Two paths, a line each: they stay below the root, and their order is that of their components.
pub fn tree_path(data: &[u8]) {
    let mut lines = data.splitn(2, |byte| *byte == b'\n');
    let mut next = || TreePath::parse(lines.next().unwrap_or_default());
    let (Ok(one), Ok(other)) = (next(), next()) else { return };
    for path in [&one, &other] {
        assert_eq!(TreePath::parse(path.as_bytes()).as_ref(), Ok(path));
        let parts: Vec<&[u8]> = path.components().collect();
        assert_eq!(parts.join(&b'/'), path.as_bytes());
        assert!(!parts.iter().any(|part| matches!(*part, b"" | b"." | b"..") || part.contains(&0)));
        assert!(!path.to_string().contains(char::is_control), "{path}");
    }
    assert_eq!(one.cmp(&other), one.components().cmp(other.components()));
    let below = one.components().zip(other.components()).all(|(a, b)| a == b);
    let deeper = one.components().count() >= other.components().count();
    assert_eq!(one.starts_with(&other), below && deeper);
}

/// A time, as in a file name, as its own name, and as a user writes it.
pub fn set_time(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(time) = SetTime::parse_name(text) {
        assert_eq!(time.to_string().parse(), Ok(time));
        assert_eq!(SetTime::from_seconds(time.seconds()), Ok(time));
    }
    if let Ok(time) = text.parse::<SetTime>() {
        assert_eq!(time.to_string(), text);
    }
    if let Ok(set) = text.parse::<SetId>() {
        assert_eq!(set.to_string(), text);
        assert!(set.base.is_none_or(|base| base < set.time));
    }
    for now in [0, 1_795_378_420, 4_102_444_799] {
        let now = SetTime::from_seconds(now).expect("a time within the years");
        if let Ok(time) = parse_time(text, now) {
            assert_eq!(parse_time(&time.to_string(), now), Ok(time));
        }
    }
}
