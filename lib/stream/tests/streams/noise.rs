//! Input that nobody has written on purpose, or somebody on bad purpose.

use std::io::{self, Cursor, Read};

use failure::Status;
use proptest::collection::vec;
use proptest::prelude::*;
use stream::{Begin, Input, Member, Next, StreamKind, TarReader, TarWriter};

use crate::made::{self, each, refusal};

proptest! {
    #[test]
    fn arbitrary_bytes_are_refused(noise in vec(any::<u8>(), 0..3000)) {
        for (_, read) in each() {
            prop_assert!(read(&noise).is_err());
        }
        drain(&noise);
    }

    #[test]
    fn noise_in_the_middle_of_a_stream_is_no_panic(
        at in any::<prop::sample::Index>(),
        noise in vec(any::<u8>(), 1..600),
        replace: bool,
    ) {
        for (whole, read) in each() {
            let at = at.index(whole.len());
            let end = if replace { (at + noise.len()).min(whole.len()) } else { at };
            let _ = read(&[&whole[..at], &noise, &whole[end..]].concat());
        }
    }

    #[test]
    fn a_header_of_arbitrary_bytes_with_the_right_checksum_is_no_panic(noise in vec(any::<u8>(), 512)) {
        let mut header = tar::Header::new_old();
        header.as_mut_bytes().copy_from_slice(&noise);
        header.set_cksum();
        drain(&[header.as_bytes(), &[b'9'; 1500][..]].concat());
    }

    #[test]
    fn an_extended_header_of_arbitrary_records_is_no_panic(
        records in vec((".{0,6}|path|size|mtime|uid|comment", vec(any::<u8>(), 0..40)), 0..4)
    ) {
        let mut body = Vec::new();
        for (key, value) in records {
            body.extend(format!("{} {key}=", key.len() + value.len() + 5).as_bytes());
            body.extend(value);
            body.push(b'\n');
        }
        drain(&[claiming(b'x', body.len() as u64).as_slice(), &body, &[0; 2048]].concat());
    }
}

#[test]
fn what_a_header_promises_takes_no_memory_and_what_is_too_large_no_time() {
    for (flag, why) in
        [(b'x', "more than"), (b'g', "global"), (b'L', "more than"), (b'K', "more than")]
    {
        let mut endless = Cursor::new(claiming(flag, 1 << 30)).chain(Counted(0));
        let refused = TarReader::new(&mut endless).advance().unwrap_err();
        assert!(refused.to_string().contains(why), "{refused}");
        assert_eq!(endless.get_ref().1.0, 0, "nothing of it was read");
    }
    for (size, status) in
        [(200 << 20, Status::Killed), (1 << 40, Status::Integrity), (u64::MAX, Status::Integrity)]
    {
        let begin = Begin::backup(StreamKind::Tree, made::head());
        let mut tar = TarWriter::new(Vec::new());
        tar.append(&Member::named("begin.json"), &serde_json::to_vec(&begin).unwrap()).unwrap();
        let stream = [tar.into_inner(), claiming(b'0', size)].concat();
        assert_eq!(refusal(&made::read_tree(&stream)), status, "{size}");
    }
}

#[test]
fn a_chunk_or_a_control_member_that_is_too_large_is_not_read() {
    for kind in [StreamKind::Files, StreamKind::Tree] {
        let huge = Cursor::new(claiming_named("begin.json", 1 << 27)).chain(Counted(0));
        let refused = Input::open(huge, kind).err().unwrap();
        assert_eq!(refused.status(), Status::Integrity);
    }
    let mut tar = TarWriter::new(Vec::new());
    let begin = Begin::copy(StreamKind::Files, None);
    tar.append(&Member::named("begin.json"), &serde_json::to_vec(&begin).unwrap()).unwrap();
    tar.append(&Member::named("file/1"), &vec![0; (1 << 20) + 1]).unwrap();
    assert_eq!(refusal(&made::read_files(&tar.into_inner())), Status::Integrity);
}

/// Reads a tar to its end or its first error, bodies and all.
fn drain(bytes: &[u8]) {
    let mut tar = TarReader::new(bytes);
    while let Ok(Next::Member(_)) = tar.advance() {
        let _ = io::copy(&mut tar, &mut io::sink());
    }
}

fn claiming(flag: u8, size: u64) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::new(flag));
    finished(header, "snapshot/f", size)
}

fn claiming_named(name: &str, size: u64) -> Vec<u8> {
    finished(tar::Header::new_gnu(), name, size)
}

fn finished(mut header: tar::Header, name: &str, size: u64) -> Vec<u8> {
    header.set_path(name).unwrap();
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header.set_cksum();
    header.as_bytes().to_vec()
}

/// An endless body that counts what is read of it.
struct Counted(u64);

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        buffer.fill(b'a');
        self.0 += buffer.len() as u64;
        assert!(self.0 < 2 << 20, "reads without an end");
        Ok(buffer.len())
    }
}
