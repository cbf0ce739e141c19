//! duplicity's archive format as pure code: paths, names, times, manifests, sets and chains.
//!
//! This crate reads and writes no file; from the system it needs only the local time zone. Names
//! and manifests come from an untrusted store. So every parser returns an [`Error`] or `None` for
//! unknown input, and uses bounded memory.

mod base36;
mod chain;
mod clock;
mod collection;
mod entry;
mod error;
mod filelist;
mod fork;
mod identity;
mod line;
mod manifest;
mod name;
mod name_grammar;
mod path;
mod quote;
mod range;
mod record;
mod seal;
mod sealer;
mod set;
mod slots;
mod time;

pub use chain::{Absent, Chain, StoredSet};
pub use clock::parse_time;
pub use collection::Collection;
pub use entry::{EntryName, PIECE, Part};
pub use error::Error;
pub use filelist::{Change, filelist_header, filelist_line};
pub use fork::{Fork, Link, forks, overtaken};
pub use identity::{Identity, Origin};
pub use line::{LONGEST as LONGEST_LINE, read_line};
pub use manifest::{Manifest, ManifestParser, encode_header};
pub use name::{FileKind, FileName, Wrapping, parse_further, parse_seal, seal_name};
pub use path::TreePath;
pub use quote::{quote, unquote};
pub use range::{Place, VolumeRange};
pub use seal::{Seal, SealedFile};
pub use sealer::ManifestSealer;
pub use set::SetId;
pub use time::SetTime;
