//! Whose the restored objects are: by name where this machine knows it, else by number.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use stream::Member;

/// The names looked up so far; an archive has few.
pub(crate) struct Owners {
    way: Way,
    users: HashMap<Vec<u8>, Option<u32>>,
    groups: HashMap<Vec<u8>, Option<u32>>,
}

/// Longer names than any system takes are nobody's.
const LONGEST: usize = 256;
/// More names than any machine has, so that an archive cannot fill the memory with them.
const MOST: usize = 100_000;

/// How objects get their owners.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    ByName,
    ByNumber,
    /// They are what they are.
    Left,
}

impl Owners {
    /// By name where this machine knows it, else by number.
    pub(crate) fn by_name() -> Owners {
        Owners { way: Way::ByName, users: HashMap::new(), groups: HashMap::new() }
    }

    /// By number.
    pub(crate) fn by_number() -> Owners {
        Owners { way: Way::ByNumber, ..Owners::by_name() }
    }

    /// Not at all.
    pub(crate) fn left() -> Owners {
        Owners { way: Way::Left, ..Owners::by_name() }
    }

    /// Whether objects are given their owners.
    pub(crate) fn are_given(&self) -> bool {
        self.way != Way::Left
    }

    /// The numbers of owner and group; none where they are out of range.
    pub(crate) fn of(&mut self, member: &Member) -> Option<(u32, u32)> {
        if self.users.len() + self.groups.len() > MOST {
            self.users.clear();
            self.groups.clear();
        }
        let user =
            |name: &[u8]| uzers::get_user_by_name(OsStr::from_bytes(name)).map(|user| user.uid());
        let group = |name: &[u8]| {
            uzers::get_group_by_name(OsStr::from_bytes(name)).map(|group| group.gid())
        };
        let (uname, gname) = match self.way {
            Way::ByNumber => (&[][..], &[][..]),
            _ => (member.uname.as_slice(), member.gname.as_slice()),
        };
        let uid = number(&mut self.users, uname, member.uid, user)?;
        let gid = number(&mut self.groups, gname, member.gid, group)?;
        Some((uid, gid))
    }
}

fn number(
    known: &mut HashMap<Vec<u8>, Option<u32>>,
    name: &[u8],
    number: u64,
    ask: impl Fn(&[u8]) -> Option<u32>,
) -> Option<u32> {
    let named = match known.get(name) {
        Some(named) => *named,
        None if name.is_empty() || name.len() > LONGEST => None,
        None => *known.entry(name.to_vec()).or_insert_with(|| ask(name)),
    };
    // The largest number means "as it is" to the system, and is nobody's.
    named.or_else(|| u32::try_from(number).ok().filter(|number| *number != u32::MAX))
}
