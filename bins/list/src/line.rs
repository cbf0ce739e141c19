//! An entry as a line for people, in the way of `tar tv`.

use cli::legible;
use jiff::tz::TimeZone;
use local::EntryRecord;
use stream::Member;
use stream::member::Kind;

use cli::shown;

/// Makes lines whose columns fit under each other, as far as one can know before the end.
pub(crate) struct Lines {
    zone: TimeZone,
    /// How wide owner and size have been so far.
    width: usize,
}

impl Default for Lines {
    fn default() -> Lines {
        Lines { zone: TimeZone::system(), width: 19 }
    }
}

impl Lines {
    /// What an entry is, and its path.
    pub(crate) fn entry(&mut self, known: &EntryRecord) -> String {
        format!("{} {}", self.facts(known), named(known))
    }

    /// What an entry is: type and mode, owner and group, size, time.
    pub(crate) fn facts(&mut self, known: &EntryRecord) -> String {
        let member = &known.member;
        let owner =
            format!("{}/{}", owner(&member.uname, member.uid), owner(&member.gname, member.gid));
        let size = size(known);
        let taken = owner.chars().count() + size.chars().count();
        self.width = self.width.max(taken + 1);
        let gap = " ".repeat(self.width - taken);
        format!("{} {owner}{gap}{size} {}", mode(member), shown::stamp(member.mtime, &self.zone))
    }
}

/// The path, and where a symbolic link points to.
pub(crate) fn named(known: &EntryRecord) -> String {
    let path = legible::path(&known.path);
    match known.member.kind {
        Kind::Symlink => format!("{path} -> {}", legible::name(&known.member.link)),
        _ => path,
    }
}

fn owner(name: &[u8], number: u64) -> String {
    if name.is_empty() { number.to_string() } else { legible::name(name) }
}

/// The size of a file; the numbers of a device.
fn size(known: &EntryRecord) -> String {
    let member = &known.member;
    match known.size() {
        Some(size) if member.kind == Kind::File => size.to_string(),
        _ if member.kind.is_device() => format!("{},{}", member.device.0, member.device.1),
        _ => "-".to_owned(),
    }
}

/// Type and permissions, as `ls -l` has them.
fn mode(member: &Member) -> String {
    let bit = |bit: u32, letter: char| if member.mode & bit != 0 { letter } else { '-' };
    let run =
        |run: u32, special: u32, letter: char| match (member.mode & run, member.mode & special) {
            (0, 0) => '-',
            (_, 0) => 'x',
            (0, _) => letter.to_ascii_uppercase(),
            _ => letter,
        };
    let letters = [
        letter(member.kind),
        bit(0o400, 'r'),
        bit(0o200, 'w'),
        run(0o100, 0o4000, 's'),
        bit(0o040, 'r'),
        bit(0o020, 'w'),
        run(0o010, 0o2000, 's'),
        bit(0o004, 'r'),
        bit(0o002, 'w'),
        run(0o001, 0o1000, 't'),
    ];
    letters.iter().collect()
}

fn letter(kind: Kind) -> char {
    match kind {
        Kind::File => '-',
        Kind::HardLink => 'h',
        Kind::Symlink => 'l',
        Kind::CharDevice => 'c',
        Kind::BlockDevice => 'b',
        Kind::Directory => 'd',
        Kind::Fifo => 'p',
        Kind::Other(_) => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_look_as_those_of_ls() {
        let of = |kind, bits| mode(&Member { kind, mode: bits, ..Member::default() });
        assert_eq!(of(Kind::Directory, 0o1777), "drwxrwxrwt");
        assert_eq!(of(Kind::File, 0o7644), "-rwSr-Sr-T");
        assert_eq!(of(Kind::File, 0o6755), "-rwsr-sr-x");
        assert_eq!(of(Kind::Symlink, 0), "l---------");
    }
}
