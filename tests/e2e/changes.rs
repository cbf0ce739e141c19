//! A change is always seen, and nothing is recorded as deleted by mistake.

mod deletions;
mod inodes;
mod origins;
mod systems;
