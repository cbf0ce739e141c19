//! What somebody adds to a store, or renames in it, never stands in the way.

mod clock;
mod grid;
mod hidden;
mod lost;
mod plain;
