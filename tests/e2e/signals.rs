//! A command of `moo` is one process to its caller: whoever ends it by a signal has ended all of it.

mod children;
pub(crate) mod kit;
mod moments;
mod restores;
mod resumes;
mod stranger;
mod supervisor;
mod terminal;
