//! `moo replicate`, `moo rekey` and `moo sync`: what is stored, brought elsewhere.

mod kills;
mod kit;
mod rekey;
mod remote;
mod replicate;
mod sync;
