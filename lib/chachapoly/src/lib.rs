//! ChaCha20 and Poly1305 for libssh2, with several blocks at once where the processor can. libssh2's
//! own portable C takes half of the processor time of a transfer.
//!
//! libssh2 can also use OpenSSL's AES-GCM, without this crate. It is slower: over a loopback sshd with
//! 900 MiB it took 1.36 times as long to upload and 2.07 times as long to download, and twice the
//! processor time. Measure this anew when libssh2 changes: `tests/bench/run --sftp-only --sftp-size 900
//! --peers ''`, once as it is, and once with `aes256-gcm@openssh.com` preferred as
//! `MethodType::CryptCs` and `MethodType::CryptSc` in `lib/store/src/sftp/connection.rs`. If AES-GCM is
//! as fast, delete this crate.
//!
//! libssh2 is linked as an archive, of which a linker takes only those objects that define what is
//! still undefined. Its `chacha.o` and `poly1305.o` define four functions, all of which this
//! crate exports too, and a crate comes before those that it depends on. So the linker finds them
//! here, and leaves libssh2's alone. That this holds is not left to luck:
//!
//! - This crate depends on `libssh2-sys`, so it always comes first.
//! - Who uses libssh2 calls [`link`], which is in the same object as the four: would a linker take
//!   libssh2's all the same, it would have two definitions of each, and fail.
//! - Tests look into the programs for what only libssh2's own object has.
//! - The version of libssh2 is pinned, since these functions are no part of its interface, and a
//!   test has libssh2 encrypt and decrypt packets by way of ours.
//!
//! A libssh2 that is the system's, which is linked dynamically, would keep its own.

mod chacha;
mod exports;

// Ties the order of the two on the linker's command line.
use libssh2_sys as _;

pub use exports::link;
