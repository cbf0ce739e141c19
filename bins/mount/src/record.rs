//! What all sets of a chain record of one path, as bytes of the index.

use std::io::{self, Read, Write};

use archive::TreePath;
use stream::member::{Kind, LINK, SHA256, SIZE, XATTRS};
use stream::{Member, Timestamp};

/// The annotations that a mount needs.
const KEPT: [&str; 4] = [SIZE, LINK, XATTRS, SHA256];
/// The longest text of a record, in bytes: a hostile archive has long ones too.
const LONGEST: usize = 1 << 20;

/// A path, and what each set of a chain that mentions it records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) path: TreePath,
    /// The number of the set in the chain, and the entry; `None` if it is deleted.
    pub(crate) versions: Vec<(usize, Option<Member>)>,
}

impl Record {
    /// What the state of the first `count` sets has at the path: the set that records it, and the entry.
    pub(crate) fn in_state(&self, count: usize) -> Option<(usize, &Member)> {
        let at = self.versions.partition_point(|(set, _)| *set < count).checked_sub(1)?;
        let (set, member) = &self.versions[at];
        Some((*set, member.as_ref()?))
    }

    /// The sets that record the content of the file that a state has at the path, the oldest first. What
    /// was there before it was deleted or was another object counts no more.
    pub(crate) fn contents(&self, count: usize) -> Vec<usize> {
        let is_file = |member: &Option<Member>| {
            member.as_ref().is_some_and(|member| member.kind == Kind::File)
        };
        let known = self.versions.iter().rev().skip_while(|(set, _)| *set >= count);
        let files = known.take_while(|(_, member)| is_file(member));
        let mut sets: Vec<usize> = files.map(|(set, _)| *set).collect();
        sets.reverse();
        sets
    }

    /// Writes it.
    pub(crate) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        write_bytes(to, self.path.as_bytes())?;
        write_number(to, self.versions.len() as u64)?;
        for (set, member) in &self.versions {
            write_number(to, *set as u64)?;
            write_number(to, member.is_some().into())?;
            if let Some(member) = member {
                write_member(to, member)?;
            }
        }
        Ok(())
    }

    /// Reads what [`Record::write`] has written.
    pub(crate) fn read(from: &mut impl Read) -> io::Result<Record> {
        let path = read_path(from)?;
        let count = read_number(from)?;
        let mut versions = Vec::new();
        for _ in 0..count {
            let set = read_number(from)? as usize;
            let is_there = read_number(from)? != 0;
            versions.push((set, is_there.then(|| read_member(from)).transpose()?));
        }
        Ok(Record { path, versions })
    }
}

/// Reads the path of a record only.
pub(crate) fn read_path(from: &mut impl Read) -> io::Result<TreePath> {
    TreePath::parse(&read_bytes(from)?).map_err(|_| malformed())
}

fn write_member(to: &mut impl Write, member: &Member) -> io::Result<()> {
    let Timestamp { secs, nanos } = member.mtime;
    let (major, minor) = member.device;
    let kind = kind_number(member.kind);
    for number in [kind, u64::from(member.mode), member.uid, member.gid, secs.cast_unsigned()] {
        write_number(to, number)?;
    }
    for number in [nanos, major, minor] {
        write_number(to, number.into())?;
    }
    for text in [&member.uname, &member.gname, &member.link] {
        write_bytes(to, text)?;
    }
    for value in member.annotations.pick(KEPT) {
        write_number(to, value.is_some().into())?;
        write_bytes(to, value.unwrap_or_default().as_bytes())?;
    }
    Ok(())
}

fn read_member(from: &mut impl Read) -> io::Result<Member> {
    let mut numbers = [0; 8];
    for number in &mut numbers {
        *number = read_number(from)?;
    }
    let [kind, mode, uid, gid, secs, nanos, major, minor] = numbers;
    let mut member = Member {
        kind: number_kind(kind),
        mode: mode as u32,
        uid,
        gid,
        mtime: Timestamp { secs: secs.cast_signed(), nanos: nanos as u32 },
        device: (major as u32, minor as u32),
        ..Member::default()
    };
    for text in [&mut member.uname, &mut member.gname, &mut member.link] {
        *text = read_bytes(from)?;
    }
    for key in KEPT {
        let is_there = read_number(from)? != 0;
        let value = String::from_utf8(read_bytes(from)?).map_err(|_| malformed())?;
        if is_there {
            member.annotations.set(key, value);
        }
    }
    Ok(member)
}

/// The kinds that a mount shows have numbers from 1 on; all others have 0.
const KINDS: [Kind; 6] =
    [Kind::File, Kind::Directory, Kind::Symlink, Kind::Fifo, Kind::CharDevice, Kind::BlockDevice];

fn kind_number(kind: Kind) -> u64 {
    KINDS.iter().position(|known| *known == kind).map_or(0, |at| at as u64 + 1)
}

fn number_kind(number: u64) -> Kind {
    let at = (number as usize).checked_sub(1);
    at.and_then(|at| KINDS.get(at)).copied().unwrap_or(Kind::Other(0))
}

/// Seven bits a byte, the lowest first.
fn write_number(to: &mut impl Write, mut number: u64) -> io::Result<()> {
    while number >= 0x80 {
        to.write_all(&[number as u8 | 0x80])?;
        number >>= 7;
    }
    to.write_all(&[number as u8])
}

fn read_number(from: &mut impl Read) -> io::Result<u64> {
    let (mut number, mut byte) = (0, [0]);
    for shift in (0..64).step_by(7) {
        from.read_exact(&mut byte)?;
        number |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] < 0x80 {
            return Ok(number);
        }
    }
    Err(malformed())
}

fn write_bytes(to: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    write_number(to, bytes.len() as u64)?;
    to.write_all(bytes)
}

fn read_bytes(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let length = read_number(from)? as usize;
    if length > LONGEST {
        return Err(malformed());
    }
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "malformed index")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    prop_compose! {
        fn members()(
            kind in prop::sample::select(KINDS.to_vec()),
            numbers: (u32, u64, u64, i64, u32),
            texts: (Vec<u8>, Vec<u8>, Vec<u8>),
            size: Option<u64>,
            first: Option<Vec<u8>>,
        ) -> Member {
            let (mode, uid, gid, secs, nanos) = numbers;
            let (uname, gname, link) = texts;
            let mtime = Timestamp { secs, nanos };
            let device = (mode, nanos);
            let mut member =
                Member { kind, mode, uid, gid, mtime, uname, gname, link, device, ..Member::default() };
            if let Some(size) = size {
                member.annotations.set(SIZE, size);
            }
            if let Some(first) = first {
                member.annotations.set_bytes(LINK, &first);
            }
            member
        }
    }

    proptest! {
        #[test]
        fn a_record_comes_back_as_it_was_written(
            path in "[a-z]{1,3}(/[a-z]{1,3}){0,3}",
            versions in vec((0usize..500, proptest::option::of(members())), 0..4),
        ) {
            let record = Record { path: TreePath::parse(path.as_bytes()).unwrap(), versions };
            let mut bytes = Vec::new();
            record.write(&mut bytes).unwrap();
            prop_assert_eq!(read_path(&mut &bytes[..]).unwrap(), record.path.clone());
            prop_assert_eq!(Record::read(&mut &bytes[..]).unwrap(), record);
        }
    }

    #[test]
    fn a_state_has_what_the_newest_of_its_sets_records() {
        let of = |kind| Some(Member { kind, ..Member::default() });
        let versions = vec![
            (0, of(Kind::File)),
            (2, None),
            (3, of(Kind::File)),
            (5, of(Kind::File)),
            (6, of(Kind::Directory)),
        ];
        let record = Record { path: TreePath::root(), versions };
        let sets: Vec<_> = (0..8).map(|count| record.in_state(count).map(|(set, _)| set)).collect();
        let some = [None, Some(0), Some(0), None, Some(3), Some(3), Some(5), Some(6)];
        assert_eq!(sets, some);
        assert_eq!(
            [1, 3, 4, 6, 7].map(|count| record.contents(count)),
            [vec![0], vec![], vec![3], vec![3, 5], vec![]]
        );
    }
}
