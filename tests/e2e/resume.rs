//! Backups that are interrupted, and gone on with from the last volume that was stored.

mod changed;
mod kills;
mod kit;
mod lost;
mod remote;
