//! Extended headers: the records that a member's header block has no room for.
//! Format: POSIX.1-2001, "pax Interchange Format".

use std::borrow::Cow;

use crate::attributes;
use crate::member::{Annotations, MTIME, Member, Timestamp};

/// The largest number in the octal field of an owner.
const LARGEST_ID: u64 = 0o7_777_777;
/// The largest number of seconds in the octal field of a time.
const LARGEST_TIME: i64 = 0o77_777_777_777;
/// The prefix of the keyword of an extended attribute. GNU tar restores the attribute with
/// `--xattrs`; other programs ignore it.
const XATTR: &[u8] = b"SCHILY.xattr.";
/// The largest size in the octal field.
const LARGEST_SIZE: u64 = 0o77_777_777_777;

/// The body of the extended header that `member` needs, if it needs one. `for_others` writes a time
/// before 1970 as pax has it, on which duplicity would fail.
pub(crate) fn encode(member: &Member, name: &[u8], size: u64, for_others: bool) -> Option<Vec<u8>> {
    let texts = [
        ("path", name, 100),
        ("linkpath", &member.link, 100),
        ("uname", &member.uname, 32),
        ("gname", &member.gname, 32),
    ];
    let long = texts.into_iter().filter(|(_, text, room)| !fits(text, *room));
    let numbers = [
        ("uid", member.uid, LARGEST_ID),
        ("gid", member.gid, LARGEST_ID),
        ("size", size, LARGEST_SIZE),
    ];
    let large = numbers.into_iter().filter(|(_, number, largest)| number > largest);
    let mut body = Vec::new();
    if long.clone().any(|(_, text, _)| std::str::from_utf8(text).is_err()) {
        push(&mut body, b"hdrcharset", b"BINARY");
    }
    long.for_each(|(key, text, _)| push(&mut body, key.as_bytes(), text));
    large.for_each(|(key, number, _)| {
        push(&mut body, key.as_bytes(), number.to_string().as_bytes());
    });
    let Timestamp { secs, nanos } = member.mtime;
    let mut annotations = Cow::Borrowed(&member.annotations);
    if secs < 0 && !for_others {
        annotations.to_mut().set(MTIME, member.mtime);
    } else if nanos != 0 || !(0..=LARGEST_TIME).contains(&secs) {
        push(&mut body, b"mtime", member.mtime.to_string().as_bytes());
    }
    if !annotations.is_empty() {
        push(&mut body, b"comment", annotations.encode().as_bytes());
    }
    for (name, value) in member.attributes.iter() {
        push(&mut body, &[XATTR, &attributes::keyword(name)].concat(), value);
    }
    (!body.is_empty()).then_some(body)
}

fn fits(text: &[u8], room: usize) -> bool {
    text.len() <= room && text.is_ascii()
}

/// Appends `LENGTH KEY=VALUE\n`. LENGTH includes its own digits.
fn push(body: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + digits(length) {
        length = rest + digits(length);
    }
    body.reserve(length);
    body.extend_from_slice(length.to_string().as_bytes());
    body.push(b' ');
    body.extend_from_slice(key);
    body.push(b'=');
    body.extend_from_slice(value);
    body.push(b'\n');
}

fn digits(number: usize) -> usize {
    number.checked_ilog10().unwrap_or(0) as usize + 1
}

/// Applies the records of an extended header to the member after it.
pub(crate) fn apply(body: &[u8], member: &mut Member) -> Result<(), String> {
    let mut rest = body;
    while !rest.is_empty() {
        let (key, value, behind) = split(rest).ok_or("malformed extended header")?;
        set(member, key, value)?;
        rest = behind;
    }
    if let Some(mtime) = member.annotations.parse(MTIME) {
        member.mtime = mtime;
    }
    Ok(())
}

fn split(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = records.iter().take(20).position(|b| *b == b' ')?;
    let length = usize::try_from(decimal(&records[..space])?).ok()?;
    let record = records.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|b| *b == b'=')?;
    Some((&record[..equals], &record[equals + 1..], &records[length..]))
}

fn set(member: &mut Member, key: &[u8], value: &[u8]) -> Result<(), String> {
    let text = || std::str::from_utf8(value).map_err(|_| wrong(key));
    match key {
        // In POSIX, an empty value deletes the record; other programs take it as the value.
        b"path" | b"linkpath" | b"size" | b"mtime" | b"uid" | b"gid" if value.is_empty() => {
            return Err(wrong(key));
        }
        b"path" => member.name = value.to_vec(),
        b"linkpath" => member.link = value.to_vec(),
        b"uname" => member.uname = value.to_vec(),
        b"gname" => member.gname = value.to_vec(),
        b"uid" => member.uid = decimal(value).ok_or_else(|| wrong(key))?,
        b"gid" => member.gid = decimal(value).ok_or_else(|| wrong(key))?,
        b"size" => member.size = decimal(value).ok_or_else(|| wrong(key))?,
        b"mtime" if value.starts_with(b"+") => return Err(wrong(key)),
        b"mtime" => member.mtime = text()?.parse().map_err(|_| wrong(key))?,
        // Its body is not the content: a map of the holes is in it.
        key if key.starts_with(b"GNU.sparse.") => return Err("a sparse member of GNU tar".into()),
        b"comment" => member.annotations = Annotations::decode(value),
        key => set_attribute(member, key, value)?,
    }
    Ok(())
}

fn set_attribute(member: &mut Member, key: &[u8], value: &[u8]) -> Result<(), String> {
    let Some(keyword) = key.strip_prefix(XATTR) else {
        return Ok(());
    };
    let fits = member.attributes.insert(&attributes::name(keyword), value.to_vec());
    if fits { Ok(()) } else { Err("too many extended attributes".into()) }
}

/// A number of digits alone.
fn decimal(text: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(text).ok().filter(|_| text.iter().all(u8::is_ascii_digit))?;
    digits.parse().ok()
}

fn wrong(key: &[u8]) -> String {
    format!("malformed {} in an extended header", key.escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn the_length_of_a_record_counts_its_own_digits() {
        let start = |length: usize| {
            let mut body = Vec::new();
            push(&mut body, b"path", &vec![b'x'; length]);
            String::from_utf8(body).unwrap().split('=').next().unwrap().to_owned()
        };
        assert_eq!([start(1), start(2)], ["9 path", "11 path"]);
        assert_eq!([start(90), start(91)], ["99 path", "101 path"]);
    }

    proptest! {
        #[test]
        fn whatever_an_extended_header_holds_it_is_no_panic(body: Vec<u8>) {
            let _ = apply(&body, &mut Member::default());
        }

        #[test]
        fn what_a_header_has_no_room_for_comes_back_as_it_was(
            link in proptest::collection::vec(1u8.., 101..300),
            uid in LARGEST_ID + 1..,
            secs in -1_000_000i64..1_000_000,
            nanos in 1u32..1_000_000_000,
            size: u64,
            attributes: BTreeMap<Vec<u8>, Vec<u8>>,
        ) {
            let mtime = Timestamp { secs, nanos };
            let mut member = Member { link, uid, mtime, ..Member::default() };
            member.annotations.set("size", size.to_string());
            for (name, value) in attributes {
                prop_assert!(member.attributes.insert(&name, value));
            }
            let body = encode(&member, b"name", 0, false).unwrap();
            let mut back = Member::default();
            apply(&body, &mut back).unwrap();
            back.annotations.keep(&["size"]);
            prop_assert_eq!(back, member);
        }
    }
}
