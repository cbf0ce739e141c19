//! In what two states of an entry differ.

use failure::Failure;
use local::{EntryRecord, Signatures};
use stream::member::{Kind, SHA256};

/// Magic, block length and strong length: only signatures that agree in them can be compared.
const HEADER: usize = 12;

/// What differs, apart from the type, which must be the same.
pub(crate) fn fields(
    old: &mut Signatures,
    new: &mut Signatures,
) -> Result<Vec<&'static str>, Failure> {
    let Some((was, is)) = old.peek().cloned().zip(new.peek().cloned()) else {
        return Ok(Vec::new());
    };
    let mut fields = Vec::new();
    if was.member.kind == Kind::File && content_differs(&was, &is, old, new)? {
        fields.push("content");
    }
    fields.extend(of_metadata(&was, &is));
    Ok(fields)
}

/// Whether the contents differ. Where none of the sets has told its hash, the signatures tell.
fn content_differs(
    was: &EntryRecord,
    is: &EntryRecord,
    old: &mut Signatures,
    new: &mut Signatures,
) -> Result<bool, Failure> {
    let hash = |known: &EntryRecord| known.member.annotations.get(SHA256).map(str::to_owned);
    if let Some((was, is)) = hash(was).zip(hash(is)) {
        return Ok(was != is);
    }
    if was.size().zip(is.size()).is_some_and(|(was, is)| was != is) {
        return Ok(true);
    }
    let (was_sums, is_sums) = (old.signature()?, new.signature()?);
    if was_sums.get(..HEADER) != is_sums.get(..HEADER) {
        return Ok(!same_time(was, is));
    }
    Ok(was_sums != is_sums)
}

fn of_metadata(was: &EntryRecord, is: &EntryRecord) -> Vec<&'static str> {
    let (old, new) = (&was.member, &is.member);
    let all = [
        ("mode", old.mode != new.mode),
        ("owner", (old.uid, &old.uname) != (new.uid, &new.uname)),
        ("group", (old.gid, &old.gname) != (new.gid, &new.gname)),
        ("mtime", !same_time(was, is)),
        ("target", old.link != new.link),
        ("device", old.device != new.device),
        ("attributes", !was.same_attributes(new)),
    ];
    all.into_iter().filter_map(|(field, differs)| differs.then_some(field)).collect()
}

/// Whether the times are the same, as far as both of them are known.
fn same_time(was: &EntryRecord, is: &EntryRecord) -> bool {
    was.same_time(is.member.mtime) || is.same_time(was.member.mtime)
}

/// Whether two states of a path are the same, as far as their headers tell.
pub(crate) fn looks_same(was: &EntryRecord, is: &EntryRecord) -> bool {
    let facts = |known: &EntryRecord| {
        (known.size(), known.member.annotations.get(SHA256).map(str::to_owned))
    };
    was.member.kind == is.member.kind && facts(was) == facts(is) && of_metadata(was, is).is_empty()
}
