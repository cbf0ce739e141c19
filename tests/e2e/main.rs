//! The end-to-end tests, one topic a file.

// A test that can't go on should stop, loudly; its helpers too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod backup;
mod harness;
mod interop;
mod moo;
mod rescue;
