//! A command of `moo` is one process to its caller: whoever ends it by a signal has ended all of it.

mod moments;
mod stranger;
mod supervisor;
