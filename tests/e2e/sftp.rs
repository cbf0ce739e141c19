//! Stores behind SFTP, with a real sshd on loopback.

mod faults;
mod host_keys;
mod keys;
pub(crate) mod kit;
mod life;
mod linked;
mod server;
mod ways;
