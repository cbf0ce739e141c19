//! Damage at random places, up to the share and beyond.

use std::collections::BTreeSet;
use std::fs;

use parity::{Description, Recovery};
use tests::{scale, spread};

use super::{Protected, burst};

/// Numbers that only look random.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end.max(1) as u64).unwrap()
    }
}

/// The set that is damaged: what its parity says, and which shards are left.
struct Target<'a> {
    store: &'a Protected,
    described: Description,
    damaged: BTreeSet<u64>,
}

impl<'a> Target<'a> {
    fn new(store: &'a Protected) -> Target<'a> {
        store.reset();
        let parity = fs::read(store.file("parity.1")).unwrap();
        let described = Description::find(&parity[..]).unwrap().unwrap();
        Target { store, described, damaged: BTreeSet::new() }
    }

    /// The shards that a change of a file touches.
    fn shards(&self, number: usize, at: usize, end: usize) -> Vec<u64> {
        let start: u64 = self.described.files[..number].iter().map(|file| file.covered).sum();
        let shard = self.described.geometry.shard as u64;
        ((start + at as u64) / shard..=(start + end as u64 - 1) / shard).collect()
    }

    /// How many recovery shards the parity file still has, if it can be read.
    fn left(&self) -> Option<usize> {
        let parity = fs::read(self.store.file("parity.1")).ok()?;
        Description::find(&parity[..]).unwrap()?;
        let mut recovery = Recovery::new(&self.described, &parity[..]);
        Some(std::iter::from_fn(|| recovery.next_shard().unwrap()).count())
    }

    /// Damages something at random, unless that is more than `room` shards.
    fn damage(&mut self, dice: &mut Dice, room: usize) {
        let shard = self.described.geometry.shard;
        if dice.below(5) == 0 {
            let path = self.store.file("parity.1");
            let before = fs::read(&path).unwrap();
            burst(&path, dice.below(before.len()), 1 + dice.below(room * shard));
            if self.left().is_none_or(|left| left < self.damaged.len()) {
                fs::write(path, before).unwrap();
            }
            return;
        }
        let number = dice.below(self.described.files.len());
        let file = &self.described.files[number];
        let path = self.store.sandbox.path("store").join(&file.name);
        let Ok(content) = fs::read(&path) else { return };
        let (at, end) = match dice.below(4) {
            0 => (0, content.len()),
            1 => (dice.below(content.len()), content.len()),
            2 => {
                let at = dice.below(content.len());
                (at, at + 1)
            }
            _ => {
                let at = dice.below(content.len());
                (at, (at + 1 + dice.below(room * shard)).min(content.len()))
            }
        };
        let shards: BTreeSet<u64> = self.shards(number, at, end).into_iter().collect();
        let all = self.damaged.union(&shards).count();
        if self.left().is_none_or(|left| all > left)
            || shards.iter().any(|n| self.damaged.contains(n))
        {
            return;
        }
        self.damaged.extend(shards);
        match (at, end == content.len() && dice.below(2) == 0) {
            (0, true) => fs::remove_file(path).unwrap(),
            (at, true) => fs::write(path, &content[..at]).unwrap(),
            _ => burst(&path, at, end - at),
        }
    }
}

#[test]
fn damage_at_random_heals_up_to_the_share_and_more_is_refused() {
    let stores = ["5", "25"].map(Protected::new);
    for seed in 1..=scale(8, 600) as u64 {
        let store = &stores[usize::try_from(seed % 2).unwrap()];
        let mut dice = Dice(seed * 0x9e37_79b9);
        let mut target = Target::new(store);
        let most = target.described.geometry.recovery;
        for _ in 0..1 + dice.below(12) {
            target.damage(&mut dice, most);
        }
        let damaged = target.damaged.len();
        let run = store.repair();
        assert_eq!(run.status, 0, "seed {seed}: {damaged} of {most}: {}{}", run.out(), run.err());
        store.is_whole();
        store.repair().silent();
    }
}

#[test]
fn one_shard_more_than_the_share_is_refused_plainly_and_nothing_is_changed() {
    let store = Protected::new("5");
    for seed in spread(scale(3, 40), 1000) {
        let target = Target::new(&store);
        let geometry = target.described.geometry;
        let volume = &target.described.files[seed % 3].name;
        let path = store.sandbox.path("store").join(volume);
        // A byte in each of so many shards, and one more.
        for number in 0..=geometry.recovery {
            burst(&path, number * geometry.shard + seed % geometry.shard, 1);
        }
        store.sandbox.sh("rm -rf damaged && cp -r store damaged").silent();
        let count = geometry.recovery + 1;
        let told = format!(
            "{count} of {} shards are damaged, and the parity can rebuild {}",
            geometry.shards, geometry.recovery
        );
        let run = store.repair().fails_with(5).stderr_has(&told);
        let run = run.stderr_has(&format!("{volume}: is damaged, and nothing rebuilds it"));
        assert_eq!(run.err().lines().count(), 2, "{}", run.err());
        store.sandbox.sh("diff -r damaged store").silent();
    }
}

#[test]
fn each_file_by_itself_is_rebuilt_if_it_is_missing_cut_empty_or_another() {
    let store = Protected::new("30");
    for path in store.files() {
        let content = fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let others = [&b""[..], &content[..content.len() / 2], b"moo", &content[1..]];
        for other in others.iter().map(Some).chain([None]) {
            match other {
                Some(other) => fs::write(&path, other).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            let run = store.sandbox.sh("moo-repair file://$PWD/store").succeeds();
            if !name.contains("parity") {
                let line = format!("{name}: rebuilt from moobacker.");
                assert!(run.out().contains(&line), "{name}: {}", run.out());
                store.is_whole();
            } else if other.is_some() {
                // Nothing says how much parity there was, if all of it is lost.
                store.sandbox.sh("ls store | grep parity").succeeds();
            }
            store.reset();
        }
    }
    store.repair().silent();
}
