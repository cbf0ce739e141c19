//! Forks: copies of one backup that were extended separately. Two sets were made after the same one,
//! as their seals say.

use std::collections::BTreeMap;
use std::fmt;

use crate::SetId;

/// A set in the sequence of sets, as its seal records it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The set.
    pub set: SetId,
    /// The SHA-256 of its seal, in hex.
    pub sha256: String,
    /// The SHA-256 of the seal before it, in hex.
    pub previous: Option<String>,
}

/// Two sets that were made after the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fork {
    /// The set that both were made after.
    pub before: SetId,
    /// The two, by time.
    pub sets: (SetId, SetId),
}

impl fmt::Display for Fork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fork { before, sets: (one, other) } = self;
        write!(f, "a fork: the {one} and the {other} were both made after the {before}")
    }
}

/// The forks among some sets, by time. A set that is dated later than the sets after it was made with a
/// wrong clock: several sets may follow it.
pub fn forks(links: &[Link]) -> Vec<Fork> {
    let by_hash: BTreeMap<&str, SetId> =
        links.iter().map(|link| (link.sha256.as_str(), link.set)).collect();
    let mut after: BTreeMap<SetId, Vec<SetId>> = BTreeMap::new();
    for link in links {
        let before = link.previous.as_deref().and_then(|previous| by_hash.get(previous));
        if let Some(before) = before.filter(|before| before.time < link.set.time) {
            after.entry(*before).or_default().push(link.set);
        }
    }
    let mut found = Vec::new();
    for (before, mut sets) in after {
        sets.sort_unstable_by_key(|set| (set.time, *set));
        sets.dedup();
        found.extend(sets.windows(2).map(|pair| Fork { before, sets: (pair[0], pair[1]) }));
    }
    found
}

/// The fork between the known sets and others, if one of the others is the newest of all: somebody
/// still extends the other copy.
pub fn overtaken(known: &[Link], others: &[Link]) -> Option<Fork> {
    let newest = |links: &[Link]| links.iter().map(|link| link.set.time).max();
    if newest(others) <= newest(known) {
        return None;
    }
    let is_known = |set: SetId| known.iter().any(|link| link.set == set);
    let all = [known, others].concat();
    forks(&all).into_iter().rev().find(|fork| is_known(fork.sets.0) != is_known(fork.sets.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SetTime;

    fn time(second: i64) -> SetTime {
        SetTime::from_seconds(1_800_000_000 + second).unwrap()
    }

    /// A full set of that second after the one of another second.
    fn link(second: i64, after: Option<i64>) -> Link {
        let set = SetId { base: None, time: time(second) };
        let hash = |second: i64| format!("{second:064}");
        Link { set, sha256: hash(second), previous: after.map(hash) }
    }

    #[test]
    fn two_sets_after_one_are_a_fork() {
        let line = [link(1, None), link(2, Some(1)), link(3, Some(2))];
        assert_eq!(forks(&line), []);
        let fork = Fork { before: line[0].set, sets: (line[1].set, link(4, None).set) };
        assert_eq!(forks(&[&line[..], &[link(4, Some(1))]].concat()), [fork]);
        // The set before both is missing, or has no seal.
        assert_eq!(forks(&[link(2, Some(1)), link(3, Some(1))]), []);
        assert_eq!(forks(&[link(2, None), link(3, None)]), []);
        // The clock was wrong when the set of second 9 was made.
        assert_eq!(forks(&[link(9, None), link(2, Some(9)), link(3, Some(9))]), []);
    }

    #[test]
    fn a_copy_that_only_lags_behind_is_not_overtaken() {
        let known = [link(1, None), link(2, Some(1))];
        assert_eq!(overtaken(&known, &[]), None);
        assert_eq!(overtaken(&known, &[link(3, Some(2)), link(4, Some(3))]), None);
        assert!(overtaken(&known, &[link(3, Some(1))]).is_some());
        assert!(overtaken(&known, &[link(3, Some(1)), link(4, Some(3))]).is_some());
        // A new full set has resolved it.
        let settled = [&known[..], &[link(5, Some(2))]].concat();
        assert_eq!(overtaken(&settled, &[link(3, Some(1)), link(4, Some(3))]), None);
    }
}
