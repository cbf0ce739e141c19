//! Signatures, deltas, and the state that the signatures of several sets add up to.

use std::fs;
use std::io::{Cursor, Read};
use std::path::Path;
use std::sync::OnceLock;

use archive::{FileKind, FileName, SetId, SetTime, Wrapping};
use local::Folder;
use rsync::{Delta, Hash, file_size, patch, sign};

use super::tars::mended;

/// The most that is read of what a hostile delta makes.
const MOST: u64 = 1 << 20;

/// Content that does not repeat, in that many bytes.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 1u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(next).collect()
}

/// Any delta on a file of ours: an error or some content, in bounded memory.
pub fn delta(data: &[u8]) {
    let basis = noise(5000);
    for delta in [data, &[b"rs\x026", data].concat()] {
        if let Ok(patched) = patch("f", Cursor::new(&basis), delta) {
            let _ = patched.take(MOST).read_to_end(&mut Vec::new());
        }
    }
}

/// Any signature: the delta that is made with it is refused or applies to something.
pub fn signature(data: &[u8]) {
    let _ = file_size(data, data.len() as u64);
    let content = noise(5000);
    if let Ok(mut delta) = Delta::new("f", content.as_slice(), data) {
        let _ = delta.read_to_end(&mut Vec::new());
    }
}

/// Any two contents: patch(delta(sign(a), b)) is b. The first byte says where they part, and how
/// often what follows is repeated.
pub fn pair(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let (one, other) = rest.split_at(usize::from(*first) * rest.len() / 255);
    let times = usize::from(first % 16) * 8 + 1;
    let (basis, content) = (one.repeat(times), [other, &one.repeat(times / 2), other].concat());
    for hash in [Hash::Blake2, Hash::Md4] {
        let signature = sign("f", basis.as_slice(), basis.len() as u64, hash).expect("a signature");
        let mut delta = Vec::new();
        let made = Delta::new("f", content.as_slice(), &signature).expect("our own signature");
        { made }.read_to_end(&mut delta).expect("a delta");
        let mut patched = Vec::new();
        let read = patch("f", Cursor::new(&basis), delta.as_slice()).expect("our own delta");
        { read }.read_to_end(&mut patched).expect("the content");
        assert!(patched == content);
    }
}

/// The signature tars of a full set and an increment, which follow one another in the data: each
/// ends where the first byte says. Their state is read to its end, or refused.
pub fn signatures(data: &[u8]) {
    let Some((first, tars)) = data.split_first() else { return };
    let (full, inc) = tars.split_at((usize::from(*first) * 512).min(tars.len()));
    let folder = folder();
    let time = |day: i64| SetTime::from_seconds(1_700_000_000 + day).expect("a time");
    for (set, tar) in
        [(SetId::full(time(0)), full), (SetId { base: Some(time(0)), time: time(1) }, inc)]
    {
        let of = |kind| FileName { set, kind, wrapping: Wrapping::Plain, partial: false }.encode();
        let put = |name: String, body: &[u8]| fs::write(folder.path(&name), body).expect("room");
        put(of(FileKind::Signatures), &mended(tar));
        put(of(FileKind::Manifest), b"");
    }
    let collection = folder.collection().expect("two sets");
    let Ok(mut state) = folder.signatures(&collection.chains[0].sets) else { return };
    let mut seen = 0;
    while let Some(known) = state.peek() {
        let _ = (known.size(), known.same_time(Default::default()));
        seen += 1;
        assert!(seen <= tars.len() / 512, "each entry once");
        if state.signature().is_err() || state.advance().is_err() {
            return;
        }
    }
}

/// A folder that all inputs of this process share.
fn folder() -> Folder {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder: &Path = FOLDER.get_or_init(|| tempfile::tempdir().expect("a folder")).path();
    Folder::open(folder).expect("the folder that was just made")
}
