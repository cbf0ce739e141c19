//! The states of a backup, and the names of their folders.

use archive::{Collection, SetTime, StoredSet};

/// One state: the first sets of a chain.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// The name of its folder: its time, as RFC 3339 has it.
    pub(crate) name: String,
    pub(crate) time: SetTime,
    /// The number of its chain, and how many of the chain's sets it consists of.
    pub(crate) chain: usize,
    pub(crate) count: usize,
}

/// All states, the oldest first, and the sets of each chain.
pub(crate) struct States {
    pub(crate) all: Vec<State>,
    pub(crate) chains: Vec<Vec<StoredSet>>,
}

impl States {
    pub(crate) fn of(collection: Collection) -> States {
        let mut all: Vec<State> = Vec::new();
        for (chain, sets) in collection.chains.iter().map(|chain| &chain.sets).enumerate() {
            all.extend(sets.iter().zip(1..).map(|(set, count)| State {
                name: name(set.id.time),
                time: set.id.time,
                chain,
                count,
            }));
        }
        // Of two states of one time, that of the later chain counts, as for a restore.
        all.sort_by_key(|state| (state.time, std::cmp::Reverse(state.chain)));
        all.dedup_by_key(|state| state.time);
        States { all, chains: collection.chains.into_iter().map(|chain| chain.sets).collect() }
    }

    /// The number of the state of that name.
    pub(crate) fn named(&self, name: &[u8]) -> Option<usize> {
        self.all.iter().position(|state| state.name.as_bytes() == name)
    }
}

fn name(time: SetTime) -> String {
    jiff::Timestamp::from_second(time.seconds()).map_or(time.to_string(), |time| time.to_string())
}
