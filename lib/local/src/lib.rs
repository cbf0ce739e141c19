//! The archive on this machine: a folder with the plaintext manifests and signature tars of one
//! store, laid out as duplicity's archive dir, so that an increment needs no secret key.

mod clock;
mod folder;
mod interrupted;
mod journal;
mod known;
mod lock;
mod origin;
mod place;
mod said;
mod seen;
mod signatures;

pub use clock::{PATIENCE, now, now_after};
pub use folder::{Folder, can_read};
pub use interrupted::Interrupted;
pub use journal::{ARRIVED, Journal, PACKED, read as read_journal};
pub use known::{InodeBeside, Known};
pub use lock::Lock;
pub use origin::{host, source_name};
pub use place::{Place, store_folder};
pub use said::Said;
pub use seen::{SeenBefore, SeenNow};
pub use signatures::Signatures;
