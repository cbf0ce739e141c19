//! The sets and chains of a store or an archive directory, from its file names.

use std::collections::BTreeSet;

use crate::classify::Classifier;
use crate::{Absent, Chain, SetTime, StoredSet};

/// The sets of a store and the chains that they form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Collection {
    /// The chains by the time of their ends.
    pub chains: Vec<Chain>,
    /// Complete increments without a chain, by time: their base is missing, or a later increment to
    /// the same base has replaced them.
    pub orphans: Vec<StoredSet>,
    /// Sets without a manifest, by time. To a restore they do not exist.
    pub incomplete: Vec<StoredSet>,
    /// Names of files that are still being written (`.part`), sorted.
    pub partial: Vec<String>,
    /// All other names, sorted: files of others, and seals without their sets.
    pub strangers: Vec<String>,
}

impl Collection {
    /// Sorts the names of a listing. Duplicate names count once.
    ///
    /// Of several files for one place in a set, such as a volume with two suffixes, the one in
    /// moobacker's own spelling counts, or else an encrypted one. The others are strangers.
    pub fn of(names: impl IntoIterator<Item = String>) -> Collection {
        Collection::preferring(names, &|_| false)
    }

    /// Sorts the names of a listing as [`Collection::of`] does, but prefers the files that a seal
    /// lists; `is_named` says which.
    pub fn preferring(
        names: impl IntoIterator<Item = String>,
        is_named: &dyn Fn(&str) -> bool,
    ) -> Collection {
        let mut slots = Classifier::default();
        names.into_iter().for_each(|raw| slots.add(raw));
        let sets = slots.take_sets(is_named);
        let (complete, incomplete) = sets.into_iter().partition(|set| set.manifest.is_some());
        let (chains, orphans) = Links::join(complete);
        let partial = slots.partial.into_iter().collect();
        let strangers = slots.strangers.into_iter().collect();
        Collection { chains, orphans, incomplete, partial, strangers }
    }

    /// The sets with a manifest: those of the chains, and the orphans.
    pub fn complete(&self) -> impl Iterator<Item = &StoredSet> {
        self.chains.iter().flat_map(|chain| &chain.sets).chain(&self.orphans)
    }

    /// All sets, also those without a manifest.
    pub fn sets(&self) -> impl Iterator<Item = &StoredSet> {
        self.complete().chain(&self.incomplete)
    }

    /// The chain with the newest state.
    pub fn newest_chain(&self) -> Option<&Chain> {
        self.chains.last()
    }

    /// The chain of the newest state not after `time`, and the number of its sets.
    ///
    /// If chains overlap, the chain may end before `time` although another one spans it.
    ///
    /// # Errors
    /// There is no such state, or an orphan shows that a later one is lost.
    pub fn chain_at(&self, time: SetTime) -> Result<(&Chain, usize), Absent> {
        let states = self.chains.iter().filter_map(|chain| {
            let sets = chain.up_to(time)?;
            Some((sets.last()?.id.time, chain, sets.len()))
        });
        let newest = states.max_by_key(|&(state, ..)| state);
        self.no_orphan_between(newest.map(|(state, ..)| state), time)?;
        let first = self.chains.iter().map(Chain::start).min();
        let (_, chain, count) = newest.ok_or(Absent::NoBackup { wanted: time, first })?;
        Ok((chain, count))
    }

    /// An orphan proves that two states existed: its own and that of its base.
    fn no_orphan_between(&self, state: Option<SetTime>, time: SetTime) -> Result<(), Absent> {
        let hidden = |at: SetTime| at <= time && state.is_none_or(|state| state < at);
        for id in self.orphans.iter().map(|set| set.id) {
            if let Some(base) = id.base.filter(|&base| hidden(base) || hidden(id.time)) {
                return Err(Absent::Missing { orphan: id, base });
            }
        }
        Ok(())
    }
}

/// Joins sets to chains as duplicity does, in the order of their times.
#[derive(Default)]
struct Links {
    chains: Vec<Chain>,
    orphans: Vec<StoredSet>,
    /// The end of each chain, with the chain's index.
    ends: BTreeSet<(SetTime, usize)>,
    /// What the last increment of each chain builds on, with the chain's index.
    bases: BTreeSet<(SetTime, usize)>,
}

impl Links {
    fn join(sets: Vec<StoredSet>) -> (Vec<Chain>, Vec<StoredSet>) {
        let mut links = Links::default();
        sets.into_iter().for_each(|set| links.add(set));
        links.chains.sort_by_key(|chain| (chain.end(), chain.start()));
        links.orphans.sort_by_key(|set| set.id);
        (links.chains, links.orphans)
    }

    fn add(&mut self, set: StoredSet) {
        let Some(base) = set.id.base else {
            self.ends.insert((set.id.time, self.chains.len()));
            self.chains.push(Chain::new(set));
            return;
        };
        let first = |among: &BTreeSet<(SetTime, usize)>| {
            among.range((base, 0)..=(base, usize::MAX)).next().map(|&(_, index)| index)
        };
        let (end, rival) = (first(&self.ends), first(&self.bases));
        match [end, rival].into_iter().flatten().min() {
            Some(index) => self.extend(index, set),
            None => self.orphans.push(set),
        }
    }

    /// Adds an increment to a chain. It replaces the last one if that has the same base.
    fn extend(&mut self, index: usize, set: StoredSet) {
        let Some(chain) = self.chains.get_mut(index) else {
            return;
        };
        self.ends.remove(&(chain.end(), index));
        if let Some(base) = chain.last_base() {
            self.bases.remove(&(base, index));
            if set.id.base == Some(base) {
                self.orphans.extend(chain.sets.pop());
            }
        }
        chain.extend(set);
        self.ends.insert((chain.end(), index));
        self.bases.extend(chain.last_base().map(|base| (base, index)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FileKind, FileName, SetId, Wrapping, seal_name};
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn at(time: i64) -> SetTime {
        SetTime::from_seconds(time).unwrap()
    }

    fn id(base: i64, time: i64) -> SetId {
        SetId::inc(at(base), at(time)).unwrap_or(SetId::full(at(time)))
    }

    fn file(set: SetId, kind: FileKind) -> String {
        FileName { set, kind, wrapping: Wrapping::OpenPgp, partial: false }.encode()
    }

    /// The files of sets; a base of 0 or a later one than the time makes it full.
    fn files(sets: &[(i64, i64)]) -> Vec<String> {
        let base = |base| if base == 0 { i64::MAX } else { base };
        let ids =
            sets.iter().map(|&(b, t)| if base(b) < t { id(b, t) } else { SetId::full(at(t)) });
        let kinds = [FileKind::Volume(1), FileKind::Signatures, FileKind::Manifest];
        ids.flat_map(|id| kinds.map(|kind| file(id, kind))).collect()
    }

    fn chains(collection: &Collection) -> Vec<Vec<i64>> {
        let times = |sets: &[StoredSet]| sets.iter().map(|set| set.id.time.seconds()).collect();
        collection.chains.iter().map(|chain| times(&chain.sets)).collect()
    }

    fn state(collection: &Collection, time: i64) -> Result<i64, Absent> {
        let (chain, count) = collection.chain_at(at(time))?;
        Ok(chain.sets[count - 1].id.time.seconds())
    }

    #[test]
    fn each_time_has_its_state() {
        let all = Collection::of(files(&[(0, 10), (10, 20), (20, 30), (0, 40), (40, 50)]));
        assert_eq!(chains(&all), [vec![10, 20, 30], vec![40, 50]]);
        assert_eq!(
            [10, 19, 20, 39, 40, 99].map(|t| state(&all, t).unwrap()),
            [10, 10, 20, 30, 40, 50]
        );
        let none = Absent::NoBackup { wanted: at(9), first: Some(at(10)) };
        assert_eq!(state(&all, 9), Err(none));
        assert_eq!(
            none.to_string(),
            "19700101T000009Z: no backup is old enough, the first one is of 19700101T000010Z"
        );
        assert!(all.newest_chain().unwrap().has_all_signatures());
        let empty = Collection::default().chain_at(at(1)).unwrap_err();
        assert_eq!(empty.to_string(), "19700101T000001Z: there is no backup");
    }

    #[test]
    fn a_missing_set_hides_the_states_after_it_only() {
        let gap = Collection::of(files(&[(0, 10), (20, 30), (30, 40), (0, 50)]));
        let missing = Absent::Missing { orphan: id(20, 30), base: at(20) };
        assert_eq!([19, 50].map(|t| state(&gap, t)), [Ok(10), Ok(50)]);
        assert_eq!([30, 45].map(|t| state(&gap, t)), [Err(missing), Err(missing)]);
        let headless = Collection::of(files(&[(10, 20)]));
        assert_eq!(state(&headless, 30), Err(Absent::Missing { orphan: id(10, 20), base: at(10) }));
    }

    #[test]
    fn a_later_increment_on_the_same_base_takes_the_place_of_the_earlier() {
        let fork = Collection::of(files(&[(0, 10), (10, 20), (10, 30), (20, 40), (30, 50)]));
        assert_eq!(chains(&fork), [[10, 30, 50]]);
        assert_eq!(
            fork.orphans.iter().map(|set| set.id).collect::<Vec<_>>(),
            [id(10, 20), id(20, 40)]
        );
        assert_eq!([19, 30, 50].map(|t| state(&fork, t)), [Ok(10), Ok(30), Ok(50)]);
        assert!(state(&fork, 25).is_err() && state(&fork, 45).is_err());
    }

    #[test]
    fn chains_go_by_their_ends() {
        let late = Collection::of(files(&[(0, 10), (0, 20), (10, 30)]));
        assert_eq!(chains(&late), [vec![20], vec![10, 30]]);
        assert_eq!([15, 25, 35].map(|t| state(&late, t)), [Ok(10), Ok(20), Ok(30)]);
    }

    #[test]
    fn what_has_no_manifest_does_not_exist() {
        let mut names = files(&[(0, 10)]);
        names.push(file(id(10, 20), FileKind::Volume(1)));
        names.push(file(id(10, 30), FileKind::Manifest) + ".part");
        names.push("duplicity-inc.19700101T000010Z.to.19700101T000030Z.manifest.part".into());
        names.push(seal_name(at(10)));
        names.push(seal_name(at(60)));
        let all = Collection::of(names);
        assert_eq!((chains(&all), all.orphans.len(), all.incomplete.len()), (vec![vec![10]], 0, 1));
        assert_eq!(all.partial.len(), 1);
        assert_eq!(all.strangers.len(), 2);
        assert_eq!(
            all.chains[0].sets[0].files().last(),
            Some(all.chains[0].sets[0].manifest.as_deref().unwrap())
        );
        assert_eq!(all.chains[0].sets[0].seal, Some(seal_name(at(10))));
    }

    #[test]
    fn of_two_files_for_one_place_the_named_one_counts_then_our_spelling_then_the_encrypted_one() {
        let volume = file(id(0, 0), FileKind::Volume(1));
        let with = |names: &[&str]| {
            Collection::of(files(&[(0, 0)]).into_iter().chain(names.iter().map(|&n| n.to_owned())))
        };
        let short = "df.0.1.dt.g".to_owned();
        let par = format!("{volume}.par2");
        let all = with(&[&volume, &short, &par, "notes"]);
        assert_eq!(all.chains[0].sets[0].volumes[&1], volume);
        assert_eq!(all.strangers, [&short, &par, "notes"].map(str::to_owned));
        let twin = volume.replace(".gpg", ".gz");
        let encrypted = with(&[&twin]);
        assert_eq!(encrypted.chains[0].sets[0].volumes[&1], volume);
        assert_eq!(encrypted.strangers, [twin.as_str()]);
        let names =
            [volume.clone(), twin.clone(), short.clone(), file(id(0, 0), FileKind::Manifest)];
        for named in [&twin, &short, &volume] {
            let all = Collection::preferring(names.clone(), &|name| name == named);
            assert_eq!(&all.chains[0].sets[0].volumes[&1], named);
        }
        let old = Collection::of(["df.0.m".to_owned(), "df.0.m.g".to_owned()]);
        assert_eq!(old.chains[0].sets[0].manifest.as_deref(), Some("df.0.m.g"));
    }

    proptest! {
        #[test]
        fn every_file_has_exactly_one_place(sets in vec((0i64..12, 1i64..12), 0..14), kept in vec(any::<bool>(), 42)) {
            let mut names = files(&sets);
            names.sort();
            names.dedup();
            names.retain({ let mut kept = kept.into_iter(); move |_| kept.next().unwrap_or(true) });
            let mut all = Collection::of(names.iter().rev().cloned());
            prop_assert_eq!(&all, &Collection::of(names.clone()));
            for chain in &all.chains {
                prop_assert!(chain.sets[0].id.is_full());
                let ends = (chain.sets[0].id.time, chain.sets[chain.sets.len() - 1].id.time);
                prop_assert_eq!(ends, (chain.start(), chain.end()));
                prop_assert!(chain.sets.windows(2).all(|two| two[1].id.base == Some(two[0].id.time)));
            }
            let chains = all.chains.drain(..).flat_map(|chain| chain.sets);
            let sets = chains.chain(all.orphans).chain(all.incomplete);
            let mut found: Vec<_> = sets.flat_map(|s| s.files().map(str::to_owned).collect::<Vec<_>>()).collect();
            found.extend(all.strangers);
            found.sort();
            prop_assert_eq!(found, names);
        }

        #[test]
        fn a_state_is_never_newer_than_asked_for_and_none_is_passed_over(sets in vec((0i64..12, 1i64..12), 0..14), time in 0i64..14) {
            let all = Collection::of(files(&sets));
            let newest = sets.iter().map(|&(_, t)| t).filter(|&t| t <= time).max();
            match all.chain_at(at(time)) {
                Ok((chain, count)) => prop_assert_eq!(Some(chain.sets[count - 1].id.time.seconds()), newest),
                Err(Absent::NoBackup { .. }) => prop_assert_eq!(newest, None),
                Err(Absent::Missing { base, .. }) => prop_assert!(base <= at(time)),
            }
        }
    }
}
