//! librsync: signatures, deltas and patches, as duplicity and `rdiff` make and read them.

mod block;
mod delta;
mod signature;

pub use block::block_length;
pub use delta::{Delta, patch};
pub use signature::{Hash, file_size, sign};
