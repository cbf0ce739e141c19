//! Tars that other programs write, in each form that there is.

use std::fs::{self, File, FileTimes};
use std::io::Read;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use stream::member::Kind;
use stream::{Member, Next, TarReader, Timestamp};

/// All members of a tar with their bodies.
fn members(tar: &[u8]) -> Vec<(Member, Vec<u8>)> {
    let mut reader = TarReader::new(tar);
    let mut members = Vec::new();
    while let Next::Member(member) = reader.advance().unwrap() {
        let mut body = Vec::new();
        reader.read_to_end(&mut body).unwrap();
        assert_eq!(body.len() as u64, member.size);
        members.push((*member, body));
    }
    members
}

/// What GNU tar makes of a folder.
fn gnu_tar(folder: &Path, options: &[&str]) -> Vec<u8> {
    let tar =
        Command::new("tar").args(options).args(["-cf", "-", "."]).current_dir(folder).output();
    let tar = tar.expect("GNU tar is there");
    assert!(tar.status.success(), "{}", String::from_utf8_lossy(&tar.stderr));
    tar.stdout
}

fn find<'a>(members: &'a [(Member, Vec<u8>)], name: &str) -> &'a (Member, Vec<u8>) {
    let wanted = |(member, _): &&(Member, Vec<u8>)| member.name == name.as_bytes();
    members.iter().find(wanted).unwrap_or_else(|| panic!("{name} is there"))
}

#[test]
fn long_names_and_links_of_gnu_tar_come_in_each_of_its_formats() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    let deep = format!("{}/{}", "d".repeat(90), "e".repeat(90));
    fs::create_dir_all(folder.join(&deep)).unwrap();
    fs::write(folder.join(&deep).join("file"), "content").unwrap();
    fs::write(folder.join("short"), vec![b's'; 1000]).unwrap();
    symlink("l".repeat(90), folder.join("link")).unwrap();
    for format in ["gnu", "oldgnu", "ustar", "pax"] {
        let members = members(&gnu_tar(folder, &["--format", format]));
        let (file, content) = find(&members, &format!("./{deep}/file"));
        assert_eq!((file.kind, content.as_slice()), (Kind::File, &b"content"[..]), "{format}");
        assert_eq!(find(&members, "./short").1.len(), 1000);
        let link = &find(&members, "./link").0;
        assert_eq!((link.kind, link.link.len()), (Kind::Symlink, 90), "{format}");
        assert_eq!(find(&members, &format!("./{deep}")).0.kind, Kind::Directory);
    }
}

#[test]
fn names_and_links_longer_than_any_header_block_come_in_gnu_and_pax_form() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    let long = "n".repeat(250);
    fs::create_dir_all(folder.join(&long).join(&long)).unwrap();
    symlink("t".repeat(3000), folder.join(&long).join(&long).join("link")).unwrap();
    for format in ["gnu", "oldgnu", "pax"] {
        let members = members(&gnu_tar(folder, &["--format", format]));
        let link = &find(&members, &format!("./{long}/{long}/link")).0;
        assert_eq!(link.link, "t".repeat(3000).as_bytes(), "{format}");
    }
}

#[test]
fn numbers_that_octal_has_no_room_for_come_in_gnu_and_pax_form() {
    let scratch = tempfile::tempdir().unwrap();
    let file = File::create(scratch.path().join("f")).unwrap();
    let owners = ["--owner=x:3000000000", "--group=y:4000000000", "--numeric-owner"];
    let late = (UNIX_EPOCH + Duration::from_secs(8_589_934_592 + 99), 8_589_934_592 + 99);
    let early = (UNIX_EPOCH - Duration::from_secs(99), -99);
    for (time, secs) in [late, early] {
        file.set_times(FileTimes::new().set_modified(time)).unwrap();
        for format in ["--format=gnu", "--format=pax"] {
            let members = members(&gnu_tar(scratch.path(), &[&[format], &owners[..]].concat()));
            let file = &find(&members, "./f").0;
            assert_eq!((file.uid, file.gid), (3_000_000_000, 4_000_000_000), "{format}");
            assert_eq!(file.mtime, Timestamp { secs, nanos: 0 }, "{format}");
        }
    }
}

#[test]
fn fractions_of_a_second_come_in_pax_form() {
    let scratch = tempfile::tempdir().unwrap();
    let file = File::create(scratch.path().join("f")).unwrap();
    for (after, nanos) in [(1_700_000_001u64, 123_456_789), (0, 500_000_000), (1, 1)] {
        let second = UNIX_EPOCH - Duration::from_secs(1) + Duration::from_secs(after);
        let time = second + Duration::from_nanos(nanos.into());
        file.set_times(FileTimes::new().set_modified(time)).unwrap();
        let members = members(&gnu_tar(scratch.path(), &["--format=pax"]));
        assert_eq!(
            find(&members, "./f").0.mtime,
            Timestamp { secs: after.cast_signed() - 1, nanos }
        );
    }
}

#[test]
fn the_tar_crates_own_long_names_and_numbers_come_too() {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_uid(1 << 40);
    header.set_gid(5);
    header.set_mtime(1 << 35);
    header.set_mode(0o640);
    header.set_size(3);
    let long = "n".repeat(300);
    builder.append_data(&mut header.clone(), &long, &b"moo"[..]).unwrap();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    builder.append_link(&mut header, "link", "t".repeat(300)).unwrap();
    let members = members(&builder.into_inner().unwrap());
    let (file, body) = find(&members, &long);
    assert_eq!((file.uid, file.gid, file.mode, body.as_slice()), (1 << 40, 5, 0o640, &b"moo"[..]));
    assert_eq!(file.mtime.secs, 1 << 35);
    assert_eq!(find(&members, "link").0.link, "t".repeat(300).as_bytes());
}

#[test]
fn sizes_that_octal_has_no_room_for_are_told_by_the_header_and_by_its_extension() {
    const SIZE: u64 = 9 << 30;
    let mut header = tar::Header::new_gnu();
    header.set_path("huge").unwrap();
    for (set, field) in [(true, SIZE), (false, 0)] {
        header.set_size(field);
        header.set_mode(0o600);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_cksum();
        let mut tar = tar::Builder::new(Vec::new());
        if !set {
            tar.append_pax_extensions([("size", SIZE.to_string().as_bytes())]).unwrap();
        }
        let mut bytes = tar.get_ref().clone();
        bytes.extend_from_slice(header.as_bytes());
        let Next::Member(member) = TarReader::new(bytes.as_slice()).advance().unwrap() else {
            panic!("a member")
        };
        assert_eq!(member.size, SIZE);
    }
}
