//! What our writer writes, our reader and another one read.

use proptest::collection::vec;
use proptest::prelude::*;
use stream::member::Kind;
use stream::{Annotations, Attributes, Member, Next, TarReader, TarWriter, Timestamp};

fn kinds() -> impl Strategy<Value = Kind> {
    prop::sample::select(vec![
        Kind::File,
        Kind::Symlink,
        Kind::CharDevice,
        Kind::BlockDevice,
        Kind::Directory,
        Kind::Fifo,
    ])
}

/// Any bytes but NUL, shorter or longer than the field of a header block.
fn words(most: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "[a-z/]{1,20}".prop_map(String::into_bytes),
        "[a-z]{95,105}".prop_map(String::into_bytes),
        vec(1u8.., 1..most),
    ]
}

fn annotations() -> impl Strategy<Value = Annotations> {
    vec(("[a-z]{1,8}", "[a-z0-9.]{0,70}"), 0..3).prop_map(|pairs| {
        let mut annotations = Annotations::default();
        // A time of that name has its own meaning.
        pairs
            .into_iter()
            .filter(|(key, _)| key != "mtime")
            .for_each(|(key, value)| annotations.set(&key, value));
        annotations
    })
}

fn attributes() -> impl Strategy<Value = Attributes> {
    vec((words(20), vec(any::<u8>(), 0..100)), 0..3).prop_map(|pairs| {
        let mut attributes = Attributes::default();
        for (name, value) in pairs {
            assert!(attributes.insert(&name, value));
        }
        attributes
    })
}

prop_compose! {
    fn members()(
        kind in kinds(),
        name in words(300),
        link in words(300),
        (uname, gname) in (words(40), words(40)),
        (mode, uid, gid) in (0u32..0o10000, prop_oneof![0u64..3_000_000, any::<u64>()], 0u64..1 << 33),
        secs in prop_oneof![-1i64 << 34..1 << 34, 0..2_000_000_000i64],
        nanos in prop_oneof![Just(0), 0u32..1_000_000_000],
        device in (0u32..4096, 0u32..1 << 20),
        annotations in annotations(),
        attributes in attributes(),
    ) -> Member {
        let is_file = kind == Kind::File;
        // A slash at its end makes a name that of a directory.
        let name = if is_file { [name.as_slice(), b"x"].concat() } else { name };
        Member {
            name, kind, size: 0, mode, uid, gid, uname, gname,
            mtime: Timestamp { secs, nanos },
            link: if kind == Kind::Symlink { link } else { Vec::new() },
            device: if kind.is_device() { device } else { (0, 0) },
            attributes,
            annotations: if is_file { annotations } else { Annotations::default() },
        }
    }
}

fn body_of(member: &Member, length: usize) -> Vec<u8> {
    if member.kind == Kind::File { vec![b'c'; length] } else { Vec::new() }
}

fn written(member: &Member, body: &[u8]) -> Vec<u8> {
    let mut tar = TarWriter::new(Vec::new());
    tar.append(member, body).unwrap();
    assert_eq!(tar.written(), TarWriter::<Vec<u8>>::room(member, body.len()));
    tar.append(&Member::named("next"), b"next").unwrap();
    tar.end(true).unwrap();
    assert!(tar.written().is_multiple_of(10_240));
    tar.into_inner()
}

proptest! {
    #[test]
    fn a_member_comes_back_as_it_was(member in members(), length in 0usize..2000) {
        let body = body_of(&member, length);
        let tar = written(&member, &body);
        let mut reader = TarReader::new(tar.as_slice());
        let Next::Member(back) = reader.advance().unwrap() else { panic!("a member") };
        prop_assert_eq!(reader.body(2000).unwrap(), &body[..]);
        let mut annotations = member.annotations.clone();
        if member.mtime.secs < 0 {
            annotations.set("mtime", member.mtime.to_string());
        }
        let mut name = member.name.clone();
        while name.len() > 1 && name.ends_with(b"/") {
            name.pop();
        }
        prop_assert_eq!(*back, Member { name, annotations, size: body.len() as u64, ..member });
        let Next::Member(next) = reader.advance().unwrap() else { panic!("a member") };
        prop_assert_eq!(next.name, b"next");
        prop_assert!(matches!(reader.advance().unwrap(), Next::Zeros));
    }

    #[test]
    fn the_tar_crate_reads_the_same(mut member in members(), length in 0usize..2000) {
        // It takes a new line in a record for its end.
        for text in [&mut member.name, &mut member.link, &mut member.uname, &mut member.gname] {
            text.retain(|byte| *byte != b'\n');
        }
        member.attributes = Attributes::default();
        let body = body_of(&member, length);
        let tar = written(&member, &body);
        let mut archive = tar::Archive::new(tar.as_slice());
        let mut entries = archive.entries().unwrap();
        let mut entry = entries.next().unwrap().unwrap();
        let mut name = member.name.clone();
        if member.kind == Kind::Directory && !name.ends_with(b"/") {
            name.push(b'/');
        }
        prop_assert_eq!(entry.path_bytes().into_owned(), name);
        prop_assert_eq!(entry.link_name_bytes().unwrap_or_default().into_owned(), member.link);
        prop_assert_eq!(entry.header().mode().unwrap(), member.mode);
        let mut content = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut content).unwrap();
        prop_assert_eq!(content, body);
        let records = entry.pax_extensions().unwrap();
        for record in records.into_iter().flatten() {
            let record = record.unwrap();
            if record.key() == Ok("uname") {
                prop_assert_eq!(record.value_bytes(), member.uname.as_slice());
            }
        }
        let next = entries.next().unwrap().unwrap();
        prop_assert_eq!(next.path_bytes().into_owned(), b"next");
        prop_assert!(entries.next().is_none());
    }
}
