//! What is removed from a store, and what stays.

mod cleanup;
mod kills;
mod planner;
mod remote;
mod rules;
mod sets;
