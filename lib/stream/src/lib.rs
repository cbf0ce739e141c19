//! The two streams that flow between the programs.
//!
//! Both streams are POSIX pax tars. The first member is `begin.json`, the last one `end.json` or
//! `failed.json`: see moobacker-stream(5).

mod attributes;
mod control;
mod files;
mod input;
pub mod member;
mod outlet;
mod output;
mod pax;
pub mod pipe;
mod receipts;
mod tar_reader;
mod tar_writer;
mod temporary;
mod text;
mod tree;

pub use attributes::Attributes;
pub use control::{
    Begin, End, Failed, Job, Kind, NewestSeal, Receipt, RestoreRequest, Resume, SetHeader, SetRef,
    SetType, Totals, VERSION,
};
pub use files::{FileWriter, FilesInput, Scope};
pub use input::{Input, Item};
pub use member::{Annotations, Member, Timestamp};
pub use outlet::Outlet;
pub use output::{Output, deliver};
pub use receipts::{Receipts, ReceiptsInput};
pub use tar_reader::{Next, TarError, TarReader};
pub use tar_writer::TarWriter;
pub use temporary::TemporaryFile;
pub use tree::{Content, Entry, TreeInput, write_content};
