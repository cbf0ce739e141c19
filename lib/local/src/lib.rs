//! The archive on this machine: a folder with the plaintext manifests and signature tars of one
//! store, laid out as duplicity's archive dir, so that an increment needs no secret key. And what several
//! programs have to know of this machine: its mounts, and the names of snapshots.

mod entry_record;
mod folder;
mod history;
mod journal;
mod lock;
mod mounts;
mod naming;
mod place;
mod seen;
mod shared;
mod signatures;
mod snapshot_name;
mod source_size;

pub use entry_record::{EntryInSet, EntryRecord, InodeBeside};
pub use folder::{Folder, can_read};
pub use history::{History, Recorded};
pub use journal::{
    ARRIVED, FileState, Interrupted, Journal, PACKED, PackedVolume, StartedFile, read_journal,
};
pub use lock::Lock;
pub use mounts::{Mount, path_of};
pub use naming::{PATIENCE, host, now, now_after, source_name};
pub use place::{Place, store_folder};
pub use seen::{SeenBefore, SeenNow};
pub use shared::{share, shared_with};
pub use signatures::Signatures;
pub use snapshot_name::{SNAPSHOTS, is_snapshot_name, new_snapshot_name};
pub use source_size::SourceSize;
