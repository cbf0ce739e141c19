//! Signatures, deltas and patches, byte for byte in the formats of librsync, as duplicity and
//! `rdiff` make and read them. The format is that of librsync's documentation, "Formats".

mod block;
mod compare;
mod delta;
mod extents;
mod patch;
mod sign;
mod strong;
mod sums;
mod weak;
mod window;

pub use block::block_length;
pub use compare::matches;
pub use delta::Delta;
pub use extents::{Extent, extents};
pub use patch::patch;
pub use sign::sign;
pub use strong::Hash;
pub use sums::file_size;
