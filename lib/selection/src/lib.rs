//! Which entries of a tree are meant: duplicity's rules, for a backup and for a restore alike. The
//! first option that matches an entry decides; what none matches is included. An include reaches up:
//! a directory that could hold what it matches is entered, and kept if something in it is.

mod build;
pub mod filelist;
mod part;
mod pattern;
mod reach;
mod rule;
mod rules;
mod spelling;
mod table;
mod word;

pub use build::Builder;
pub use part::{Choice, Part};
pub use pattern::Pattern;
pub use reach::Reach;
pub use rule::Subject;
pub use rules::{Rules, Verdict};
pub use spelling::Spelling;
pub use word::{PathOptions, Sign, Word, in_order, place};

/// The option that leaves other file systems out.
pub const OTHER_FILESYSTEMS: &str = "--exclude-other-filesystems";
