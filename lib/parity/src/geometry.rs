//! The shards of a group: their size, and how many there are.

use crate::share::Share;

/// The most volumes in a group.
pub const MOST_VOLUMES: usize = 64;

/// The bytes whose checksums are combined to the checksum of a shard; the size of the smallest
/// shard.
pub(crate) const LEAF: usize = 1 << 10;
/// The size of the shards of a large group, and of the largest shard.
pub(crate) const LARGE_SHARD: usize = 512 << 10;
/// The recovery shards of a large group at most. It is a power of two.
pub(crate) const LARGE_RECOVERY: usize = 512;
/// The shards of a large group that are spooled at a time: two chunks, so that the sum is read and
/// written half as often.
pub(crate) const SPOOLED_SHARDS: usize = 2 * LARGE_RECOVERY;
/// Their bytes. A group of more bytes is a large one.
pub(crate) const SPOOLED: u64 = (LARGE_SHARD * SPOOLED_SHARDS) as u64;
/// The shards of a small group at most.
const SMALL_SHARDS: u64 = 1024;
/// The shards and recovery shards of a group together, at most: what the code has elements for.
const ELEMENTS: usize = 1 << 16;

/// How a group is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// The size of a shard in bytes, a power of two. The last shard is filled up with zeros.
    pub shard: usize,
    /// The number of shards.
    pub shards: usize,
    /// The number of recovery shards: so many shards can be rebuilt.
    pub recovery: usize,
    /// The number of shards that are transformed at a time: a power of two, and no fewer than the
    /// recovery shards. The code depends on it.
    pub chunk: usize,
}

impl Geometry {
    /// The geometry of a group of `bytes` bytes. Its last `last` bytes, those of the seal and the
    /// manifest, can be rebuilt whatever the share.
    pub(crate) fn of(bytes: u64, last: u64, share: Share) -> Geometry {
        let large = bytes > SPOOLED;
        let shard = if large { LARGE_SHARD as u64 } else { small_shard(bytes) };
        let shards = bytes.div_ceil(shard).max(1);
        let least = if last == 0 { 1 } else { last.div_ceil(shard) + 1 };
        let most = if large { LARGE_RECOVERY as u64 } else { shards.max(2) };
        let recovery = share.of(shards).max(least).max(2).min(most);
        let recovery = recovery as usize;
        // Where a group is large shows before its recovery shards can be counted.
        let chunk = if large { LARGE_RECOVERY } else { recovery.next_power_of_two() };
        Geometry { shard: shard as usize, shards: shards as usize, recovery, chunk }
    }

    /// The geometry of the chunks of a large group, before its size is known.
    pub(crate) fn of_large() -> Geometry {
        let (shards, recovery) = (most_shards() as usize, LARGE_RECOVERY);
        Geometry { shard: LARGE_SHARD, shards, recovery, chunk: LARGE_RECOVERY }
    }

    /// A geometry that somebody else tells, if it is possible.
    pub(crate) fn told([shard, shards, recovery, chunk]: [u32; 4]) -> Option<Geometry> {
        let told = Geometry {
            shard: shard as usize,
            shards: shards as usize,
            recovery: recovery as usize,
            chunk: chunk as usize,
        };
        told.is_possible().then_some(told)
    }

    fn is_possible(&self) -> bool {
        let size = self.shard.is_power_of_two() && (LEAF..=LARGE_SHARD).contains(&self.shard);
        let recovery = (1..=self.shards.max(2)).contains(&self.recovery);
        let chunk = self.chunk.is_power_of_two() && self.chunk >= self.recovery;
        // A chunk is held in a temporary file.
        let bounded = self.chunk <= self.recovery.next_power_of_two().max(LARGE_RECOVERY);
        let elements = self.shards.saturating_add(self.chunk) <= ELEMENTS;
        self.shards > 0 && size && recovery && chunk && bounded && elements
    }

    /// The bytes of all recovery shards.
    pub fn recovery_bytes(&self) -> u64 {
        self.recovery as u64 * self.shard as u64
    }

    /// The bytes of all shards, the zeros at the end too.
    pub fn bytes(&self) -> u64 {
        self.shards as u64 * self.shard as u64
    }
}

/// The bytes of a group that its recovery shards are a whole share of, at most.
pub(crate) fn most_bytes(share: Share) -> u64 {
    let shards = share.whole_of(LARGE_RECOVERY as u64).min(most_shards());
    shards * LARGE_SHARD as u64
}

/// The bytes that a group can take at all.
pub(crate) fn limit() -> u64 {
    most_shards() * LARGE_SHARD as u64
}

fn most_shards() -> u64 {
    (ELEMENTS - LARGE_RECOVERY) as u64
}

fn small_shard(bytes: u64) -> u64 {
    bytes.div_ceil(SMALL_SHARDS).next_power_of_two().max(LEAF as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_chosen_is_possible(bytes in 0..=limit(), last in 0u64..1 << 20, millionths in 1000u32..=1_000_000) {
            let share = Share::of_millionths(millionths).unwrap();
            let chosen = Geometry::of(bytes, last.min(bytes), share);
            let Geometry { shard, shards, recovery, chunk } = chosen;
            let told = Geometry::told([shard, shards, recovery, chunk].map(|n| n as u32));
            prop_assert_eq!(told, Some(chosen));
            prop_assert!(chosen.bytes() >= bytes);
            if bytes <= most_bytes(share) {
                prop_assert!(chosen.recovery as u64 >= share.of(chosen.shards as u64));
            }
        }
    }

    #[test]
    fn impossible_ones_are_refused() {
        for told in [
            [512, 1, 1, 1],
            [1000, 1, 1, 1],
            [1 << 20, 1, 1, 1],
            [1024, 0, 1, 1],
            [1024, 1, 0, 1],
            [1024, 9, 10, 16],
            [1024, 9, 5, 4],
            [1024, 9, 5, 9],
            [1024, 9, 5, 1024],
            [1024, u32::MAX, 1, 1],
            [1024, 65536, 1, 1],
            [1024, 60000, 9000, 16384],
            [1024, 9, u32::MAX, u32::MAX],
        ] {
            assert_eq!(Geometry::told(told), None, "{told:?}");
        }
    }
}
