//! The two streams that flow between the programs, and the receipts.
//!
//! Both streams are POSIX pax tars. The first member is `begin.json`, the last one `end.json` or
//! `failed.json`: see moobacker-stream(5).
//!
//! The words of the code: a *set* is one full backup or one increment, a *chain* a full set and its
//! increments. A set is stored as *volumes*, a *manifest* and a *signature file* (a tar, `sigtar` in file
//! names), and sealed by its *seal*. A [`Member`] is a member of a tar, with [`Annotations`] for what tar
//! has no field for; an [`Entry`] is an entry of the source tree, which is one member or several *pieces*.
//! [`Begin`], [`End`] and [`Failed`] are the control messages of a stream, and a [`SetHeader`] or a
//! [`RestoreRequest`] is the part of [`Begin`] that says what the run does.

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
    Begin, End, Failed, Job, NewestSeal, Receipt, RestoreRequest, Resume, SetHeader, SetRef,
    SetType, StreamKind, Totals, VERSION,
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
