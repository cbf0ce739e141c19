//! The end-to-end tests, one topic a file.

// A test that can't go on should stop, loudly; its helpers too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod backup;
mod bench;
mod captured;
mod changes;
mod compose;
mod consolidate;
mod costs;
mod damage;
mod defects;
mod destination;
mod encryption;
mod expired_keys;
mod failures;
mod faults;
mod forge;
mod forged;
mod golden;
mod harness;
mod hostile;
mod identity;
mod interop;
mod kept;
mod limits;
mod look;
mod manual;
mod memory;
mod merge;
mod messages;
mod moo;
mod mount;
mod movement;
mod mutations;
mod old_keys;
mod ordinary_user;
mod part;
mod passphrase_fd;
mod prune;
mod race;
mod recipe;
mod rescue;
mod restore;
mod resume;
mod seals;
mod selection;
mod sftp;
mod signals;
mod stores;
mod strangers;
mod streams;
mod surroundings;
mod verify;
