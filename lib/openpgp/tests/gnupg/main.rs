//! What is written here is read by the real GnuPG, and the other way round.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod damage;
mod home;
mod keys;
mod reading;
mod sources;
mod texts;
mod writing;
