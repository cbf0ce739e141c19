//! Names of owners and groups. The system is asked once for each number.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;

/// The names met so far; a machine has few.
#[derive(Default)]
pub(crate) struct Owners {
    users: HashMap<u32, Vec<u8>>,
    groups: HashMap<u32, Vec<u8>>,
}

impl Owners {
    /// The user's name; empty where it has none.
    pub(crate) fn user(&mut self, uid: u32) -> Vec<u8> {
        let ask = || uzers::get_user_by_uid(uid).map(|user| user.name().as_bytes().to_vec());
        self.users.entry(uid).or_insert_with(|| ask().unwrap_or_default()).clone()
    }

    /// The group's name; empty where it has none.
    pub(crate) fn group(&mut self, gid: u32) -> Vec<u8> {
        let ask = || uzers::get_group_by_gid(gid).map(|group| group.name().as_bytes().to_vec());
        self.groups.entry(gid).or_insert_with(|| ask().unwrap_or_default()).clone()
    }
}
