//! The configuration, moobacker.toml(5): read from a file that is trusted, and checked.

mod calls;
mod keep;
mod old;
mod place;
mod planned;
mod read;
mod rows;
mod tables;
mod values;

use read::nearest;

pub use calls::{Caller, takes_names};
pub use keep::Keep;
pub use place::{OLD, SYSTEM, find};
pub use planned::Planned;
pub use read::{read, read_from};
pub use rows::rows;
pub use tables::{Checks, Config, List, Snapshot, Source, Store};
pub use values::{
    Age, Archive, Line, Locator, Moment, Name, Pattern, Ping, Rooted, Size, SourceIdentity, User,
};
