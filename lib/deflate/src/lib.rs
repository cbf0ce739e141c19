//! Compression on all cores, as OpenPGP's ZLIB packets and gzip have it.
//!
//! Content is cut into chunks, which threads deflate each on its own, and what comes of them is
//! joined into one stream (RFC 1950, 1951, 1952). What can't be compressed is noticed and stored:
//! pictures, films and archives take the longest to deflate, and only grow by it.

mod check;
mod chunk;
mod probe;
mod workers;
mod writer;

pub use check::Format;
pub use writer::{Deflate, Effort};
