//! duplicity's archive format as pure code: paths, names, times, manifests, sets and chains.
//!
//! This crate reads and writes no file; from the system it needs only the local time zone. Names
//! and manifests come from an untrusted store. So every parser returns an [`Error`] or `None` for
//! unknown input, and uses bounded memory.

mod chain;
mod checkpoints;
mod classify;
mod clock;
mod collection;
mod entry;
mod error;
mod fork;
mod identity;
mod labels;
mod manifest;
mod manifest_hashes;
mod name;
mod name_grammar;
mod path;
mod prefixes;
mod quote;
mod range;
mod record;
mod seal;
mod set;
mod text;
mod time;

pub use chain::{Absent, Chain, StoredSet};
pub use checkpoints::{CHECKPOINT, CheckpointHasher, read_checkpoints};
pub use clock::{parse_age, parse_time};
pub use collection::Collection;
pub use entry::{EntryName, PIECE, Part};
pub use error::Error;
pub use fork::{Fork, Link, forks, overtaken};
pub use identity::{Identity, Origin};
pub use labels::Labels;
pub use manifest::{
    Change, Manifest, ManifestParser, encode_header, filelist_header, filelist_line,
};
pub use manifest_hashes::{volume_hashes, write_hashes};
pub use name::{
    FileKind, FileName, Wrapping, parity_name, parse_further, parse_parity, parse_repaired,
    parse_seal, repaired_name, seal_name, set_time,
};
pub use path::TreePath;
pub use prefixes::{Prefixes, WrongPrefix};
pub use quote::{quote, unquote};
pub use range::{EntryPosition, VolumeRange, hash_named};
pub use record::{LONGEST_LINE, read_line};
pub use seal::{Seal, SealedFile};
pub use set::SetId;
pub use text::{escape, unescape};
pub use time::SetTime;
