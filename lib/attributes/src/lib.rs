//! Extended attributes of files, among them access control lists and capabilities: reading them
//! from an object, and giving an object those that it had. See xattr(7).

mod give;
mod object;
mod read;

pub use give::give;
pub use object::{Object, can_reach};
pub use read::{Trouble, digest, read};

/// The attribute that holds a file's capabilities, see capabilities(7).
pub const CAPABILITY: &[u8] = b"security.capability";

/// Whether an attribute is one that a backup keeps. Others belong to the file system, or, as EVM's
/// sum over the inode, to the very inode.
pub fn counts(name: &[u8]) -> bool {
    let spaces: [&[u8]; 3] = [b"user.", b"trusted.", b"security."];
    let kept = spaces.iter().any(|space| name.starts_with(space)) && name != b"security.evm";
    kept || is_acl(name)
}

/// Whether it is an access control list, see acl(5).
fn is_acl(name: &[u8]) -> bool {
    matches!(name, b"system.posix_acl_access" | b"system.posix_acl_default")
}
