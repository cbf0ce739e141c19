//! Deflate and inflate by ISA-L's igzip, the fastest of both.
//!
//! ISA-L is a library in C and assembler: this crate holds the `unsafe` code that calls it.

mod deflate;
mod inflate;

pub use deflate::Igzip;
pub use inflate::Inflate;
