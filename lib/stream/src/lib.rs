//! The two streams that flow between the programs.
//!
//! Both streams are POSIX pax tars. The first member is `begin.json`, the last one `end.json` or
//! `failed.json`: see moobacker-stream(5).

mod attributes;
mod ends;
mod files;
mod input;
pub mod member;
mod outlet;
mod output;
mod pax;
pub mod pipe;
mod receipts;
mod resume;
mod tar_reader;
mod tar_writer;
mod temporary;
mod text;
mod tree;

pub use attributes::Attributes;
pub use ends::{
    Begin, End, Failed, Job, Kind, NewestSeal, SetHead, SetType, Totals, VERSION, Wanted, WantedSet,
};
pub use files::{FileWriter, FilesInput, Scope};
pub use input::{Input, Item};
pub use member::{Facts, Member, Stamp};
pub use outlet::Outlet;
pub use output::{Output, deliver};
pub use receipts::{Receipt, Receipts, ReceiptsInput};
pub use resume::{FileFacts, Packed, Resume, Started};
pub use tar_reader::{Next, TarError, TarReader};
pub use tar_writer::TarWriter;
pub use temporary::TemporaryFile;
pub use text::escape;
pub use tree::{Content, Entry, TreeInput, write_content};
