//! What goes wrong from outside while a backup runs.

mod calls;
mod changing;
mod interrupted;
mod kills;
pub(crate) mod process;
mod two_runs;
mod unreadable;
