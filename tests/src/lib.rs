//! The harness of the end-to-end tests: a sandbox to run shell snippets in, trees of files with
//! every kind of object, snapshots that compare two trees, and the peers (GnuPG, duplicity).
//!
//! Everything here fails by panicking with all that is known, since only tests call it.

// A test that can't go on should stop, loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod compare;
mod content;
pub mod damage;
mod days;
pub mod gpg;
mod kinds;
pub mod log;
pub mod machine;
pub mod peers;
pub mod raw_sftp;
pub mod relay;
pub mod run;
pub mod s3;
pub mod sandbox;
pub mod scale;
mod schema;
pub mod sshd;
pub mod tree;

pub use compare::{Snapshot, assert_same};
pub use gpg::{Algorithm, Key};
pub use log::not_tried;
pub use peers::Duplicity;
pub use run::{Run, until};
pub use sandbox::Sandbox;
pub use scale::{long, scale, spread};
pub use schema::assert_by_schema;
pub use tree::Tree;
