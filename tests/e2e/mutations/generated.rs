//! Sets of entries that somebody has thought out: right ones among wrong ones, in any order.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use stream::member::{Kind, SHA256, SIZE};
use tests::{Sandbox, Snapshot, assert_same};

use super::{is_restored_or_refused, runner};
use crate::forge::{Entry, FULL, INC, entry, put, root, tar};

const PLAIN: [&str; 8] = ["a", "a/b", "a/b/c", "b", "b/c", "link", "\u{1b}[2J", "z"];

const HOSTILE: [&str; 7] =
    ["a/../b", "..", "../outside/canary", "/etc/moo", "", "link/canary", "link/../b"];

const WORDS: [&str; 7] =
    ["snapshot", "snapshot", "snapshot", "snapshot", "deleted", "multivol_snapshot", "diff"];

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    // A delta that copies nothing and ends; one that copies; one that has its own bytes.
    let deltas: [&[u8]; 4] = [
        b"rs\x026\0",
        b"rs\x026\x45\x00\x03\0",
        b"rs\x026\x03moo\0",
        b"rs\x026\x54\xff\xff\xff\xff\xff\xff\xff\xff",
    ];
    let deltas: Vec<Vec<u8>> = deltas.iter().map(|delta| delta.to_vec()).collect();
    prop_oneof![
        Just(b"moo".to_vec()),
        Just(vec![b'x'; 65_536]),
        select(deltas),
        vec(any::<u8>(), 0..40),
    ]
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![
        20 => select(vec![Kind::File, Kind::Directory, Kind::Directory, Kind::Symlink]),
        1 => select(vec![Kind::HardLink, Kind::Fifo, Kind::Other(b'S'), Kind::Other(b'V')]),
    ]
}

prop_compose! {
    fn entries()(
        word in select(WORDS.to_vec()),
        path in prop_oneof![9 => select(PLAIN.to_vec()), 1 => select(HOSTILE.to_vec())],
        kind in kinds(),
        body in bodies(),
        piece in 0u64..4,
        mode in prop_oneof![Just(0o755), Just(0), 0u32..0o10000],
        target in select(vec!["../outside", "/", "a", ".", ""]),
        secs in prop_oneof![Just(1_700_000_000), any::<i32>().prop_map(i64::from)],
        size in option::of(0u64..100_000),
        hash in option::weighted(0.05, "[0-9a-f]{64}|x"),
    ) -> Entry {
        let pieces = if word.starts_with("multivol") { format!("/{piece}") } else { String::new() };
        let mut entry = entry(format!("{word}/{path}{pieces}"), kind);
        entry.member.mode = mode;
        entry.member.mtime.secs = secs;
        if matches!(kind, Kind::Symlink | Kind::HardLink) {
            entry.member.link = target.into();
        }
        if kind == Kind::File && word != "deleted" {
            entry.body = body;
        }
        size.into_iter().for_each(|size| entry.member.annotations.set(SIZE, size.to_string()));
        hash.into_iter().for_each(|hash| entry.member.annotations.set(SHA256, hash));
        entry
    }
}

/// The entries of a set: most often in order, as a set has to be.
fn sets() -> impl Strategy<Value = Vec<Entry>> {
    (vec(entries(), 0..7), 0..5u8).prop_map(|(mut entries, disorder)| {
        if disorder > 0 {
            let path = |entry: &Entry| -> Vec<Vec<u8>> {
                let parts = entry.member.name.split(|byte| *byte == b'/').skip(1);
                parts.map(<[u8]>::to_vec).collect()
            };
            entries.sort_by_key(path);
            entries.dedup_by_key(|entry| path(entry));
        }
        entries
    })
}

#[test]
fn whatever_entries_somebody_thinks_out_nothing_comes_of_them_outside() {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir outside && echo moo >outside/canary && chmod 400 outside/canary").silent();
    let before = Snapshot::of(sandbox.path("outside"));
    let restored = std::cell::Cell::new(0);
    let result = runner(100, 20_000).run(&(sets(), sets()), |(full, inc)| {
        put(&sandbox, FULL, &[tar(&[vec![root()], full].concat())]);
        put(&sandbox, INC, &[tar(&inc)]);
        let status = is_restored_or_refused(&sandbox)?;
        restored.set(restored.get() + u32::from(status == "0"));
        Ok(())
    });
    eprintln!("{} of them restored", restored.get());
    result.unwrap();
    assert_same(&before, &Snapshot::of(sandbox.path("outside")));
    sandbox.sh("ls -A .tmp; ! test -e /etc/moo").silent();
}
