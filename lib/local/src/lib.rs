//! The archive on this machine: a folder with the plaintext manifests and signature tars of one
//! store, laid out as duplicity's archive dir, so that an increment needs no secret key.

mod folder;
mod known;
mod lock;
mod signatures;

pub use folder::Folder;
pub use known::Known;
pub use lock::Lock;
pub use signatures::Signatures;
