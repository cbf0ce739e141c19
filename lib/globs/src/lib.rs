//! Globs with duplicity's meaning, over names of any bytes.

mod glob;
#[cfg(test)]
mod glob_tests;
mod pattern;
mod text;

pub use self::glob::Glob;
pub use text::{Symbol, letters, symbols};
