//! Whose a store is: it is no part of its source, has one URL, and one line of sets.

mod forks;
mod inside;
mod second;
mod sizes;
mod urls;
