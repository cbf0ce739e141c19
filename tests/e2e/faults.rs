//! What goes wrong from outside while a backup runs.

mod changing;
mod interrupted;
mod kills;
mod process;
mod two_runs;
mod unreadable;
