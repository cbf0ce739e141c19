//! Manifests, the places that they tell of, and seals.

use std::collections::BTreeMap;

use archive::{
    EntryPosition, Manifest, Seal, TreePath, VolumeRange, encode_header, quote, unquote,
    write_hashes,
};

/// A manifest: what was understood is written and understood again, and so it is with hashes.
pub fn manifest(data: &[u8]) {
    assert_eq!(unquote(&quote(data)).as_deref(), Ok(data));
    let _ = unquote(data);
    let Ok(read) = Manifest::parse(data) else { return };
    let numbers = read.volumes.iter().map(|volume| volume.number);
    assert!(numbers.eq(1..=read.volumes.len() as u64), "1, 2, 3 and so on");
    let named = Manifest {
        hostname: Some(read.hostname.clone().unwrap_or_default()),
        localdir: Some(read.localdir.clone().unwrap_or_default()),
        volumes: read.volumes.clone(),
        // Only the last one of a volume's blocks was kept.
        resumed: false,
    };
    assert_eq!(Manifest::parse(&encode(&named)), Ok(named));
    completed(data, &read);
}

fn encode(manifest: &Manifest) -> Vec<u8> {
    let text = |field: &Option<Vec<u8>>| field.clone().unwrap_or_default();
    let mut out = encode_header(&text(&manifest.hostname), &text(&manifest.localdir));
    out.extend(manifest.volumes.iter().flat_map(VolumeRange::encode));
    out
}

fn completed(draft: &[u8], read: &Manifest) {
    let hashes = |number| vec![("SHA1".to_owned(), format!("{number:040x}"))];
    let numbers = read.volumes.iter().map(|volume| volume.number);
    let given: BTreeMap<u64, Vec<(String, String)>> = numbers.map(|n| (n, hashes(n))).collect();
    let mut out = Vec::new();
    let completed = write_hashes(&mut &draft[..], given, &mut out).expect("memory");
    completed.expect("lines that were read, and a hash for each volume");
    let mut expected = read.clone();
    expected.volumes.iter_mut().for_each(|volume| volume.hashes = hashes(volume.number));
    assert_eq!(Manifest::parse(&out), Ok(expected), "{}", String::from_utf8_lossy(&out));
}

/// The first and the last path of a volume, a path that is asked for, and one that may be in both.
pub fn place(data: &[u8]) {
    let mut lines = data.splitn(4, |byte| *byte == b'\n');
    let mut next = || TreePath::parse(lines.next().unwrap_or_default());
    let (Ok(start), Ok(end), Ok(prefix), Ok(inside)) = (next(), next(), next(), next()) else {
        return;
    };
    let place = |path: &TreePath| EntryPosition { path: path.clone(), piece: None };
    let (first, last) = (place(&start), place(&end));
    let range = VolumeRange { number: 1, start: first, end: last, hashes: Vec::new() };
    if inside.starts_with(&prefix) && start <= inside && inside <= end {
        assert!(range.may_hold(&prefix), "{inside} is there, below {prefix}");
    }
    let manifest = Manifest { volumes: vec![range], ..Manifest::default() };
    assert_eq!(Manifest::parse(&encode(&manifest)).map(|m| m.volumes), Ok(manifest.volumes));
}

/// The text of a seal.
pub fn seal(data: &[u8]) {
    let Ok(read) = Seal::parse(data) else { return };
    assert_eq!(Seal::parse(&read.encode()), Ok(read.clone()));
    for file in &read.files {
        assert!(!file.name.contains(['/', '\0', '\n']) && file.name != "..", "{:?}", file.name);
    }
}
