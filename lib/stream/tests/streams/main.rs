//! What the streams promise: whatever becomes of one on its way, it is never taken for another.

// A test that can't go on should stop, loudly; its helpers too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod content;
mod cuts;
mod failures;
mod flips;
mod made;
mod noise;
mod order;
mod peers;
mod refused;
mod tars;
