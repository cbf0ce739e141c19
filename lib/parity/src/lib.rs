//! Parity for the files of a set: what makes it, its file, and what it rebuilds.
//!
//! The files of a group are taken as one row of bytes, in shards of one size. Reed-Solomon parity of
//! the crate `reed-solomon-simd` lets any shards be rebuilt, wherever they are, up to the number of
//! the recovery shards. A description in the parity file has a checksum of each shard, which tells
//! the damaged ones. moobacker-format(5) documents the file.
//!
//! Nothing here is trusted: what was rebuilt counts only if it has the size and the hash of its seal.
//! Memory does not grow with a group. Its shards go through a temporary file, as many of them at a
//! time as there may be recovery shards.

mod accumulator;
mod description;
mod geometry;
mod group;
mod healing;
mod share;
mod spool;
mod sums;
mod writer;

pub use description::{Description, Protected, hash_of_hex};
pub use geometry::{Geometry, MOST_VOLUMES};
pub use group::{Group, Kind};
pub use healing::{Healing, Rebuilt};
pub use share::{NoShare, Share};
pub use writer::{Parity, Recovery};
