//! What somebody who can only add files can still do: rename them aside, and add what is none. It
//! is noticed, and can be undone.

use tests::Sandbox;
use tests::raw_sftp::{Attributes, RawSftp, Request, flags};

use super::attack::close;
use super::house::{BACKUP, House};

/// Where the store's owner works.
const FOLDER: &str = "/srv/purrbackups/backups/etc";

/// Each seal against the files that it tells of, without a secret and without moobacker.
const AUDIT: &str = "cd /srv/purrbackups/backups/etc && for seal in *.seal; do
    gpg -q -d $seal 2>/dev/null | sha256sum -c --quiet --strict 2>/dev/null; done";

#[test]
fn what_an_intruder_renames_or_swaps_is_named_and_whole_under_its_old_name() {
    let sandbox = Sandbox::new();
    let Some(house) = House::new(&sandbox, true) else { return };
    house.store.sh(AUDIT).silent();
    for path in house.files().iter().filter(|path| !path.contains("/.upload-")) {
        let mut session = house.session();
        for swapped in [false, true] {
            rename(&mut session, path, "/backups/etc/.upload-4-aside");
            if swapped {
                put(&mut session, path, b"no backup");
            }
            is_found(&house, path, swapped);
            is_told_by_seals(&house, path);
            // What the store's owner does about it.
            let name = path.rsplit('/').next().unwrap();
            house.store.sh(&format!("cd {FOLDER} && mv -f .upload-4-aside {name}")).silent();
            assert_eq!(house.effects(), []);
            house.store.sh(AUDIT).silent();
        }
        house.comes_back();
    }
}

/// A restore finds the file under its new name, with the archive directory or the seal key alone,
/// and takes nothing else for it.
fn is_found(house: &House<'_>, path: &str, swapped: bool) {
    let name = path.rsplit('/').next().unwrap();
    for options in ["", "--archive-dir /root/none"] {
        let run = house.restore(options);
        assert_eq!(run.status, 0, "{path} {options}: {}", run.err());
        let run = run.stderr_has(&format!("{name}: has the name .upload-4-aside"));
        assert_eq!(run.err().lines().count(), 1 + usize::from(swapped), "{}", run.err());
        if swapped {
            run.stderr_has(&format!("{name}: not the original file of the set, ignored"));
        }
        house.laptop.sh("diff -r /srv/source /srv/out && rm -r /srv/out").silent();
    }
}

/// The seals name what is missing, and which file it is that has another name now.
fn is_told_by_seals(house: &House<'_>, path: &str) {
    let name = path.rsplit('/').next().unwrap();
    let aside = format!("cd {FOLDER} && sum=$(sha256sum <.upload-4-aside | cut -d ' ' -f 1)");
    if name.ends_with(".seal") {
        // It says itself which it is, and the next one has its hash.
        let time = name.split('.').nth(1).unwrap();
        let text = house.store.sh(&format!("cd {FOLDER} && grep '^# set' .upload-4-aside")).out();
        assert!(text.contains(time), "{text}");
        let first = house.files().iter().find(|path| path.ends_with(".seal")) == Some(&path.into());
        let next = house.store.sh(&format!("{aside}; grep -l \"^# previous $sum\" *.seal"));
        assert_eq!(!next.out().is_empty(), first);
        return;
    }
    house.store.sh(AUDIT).stdout_has(&format!("{name}: FAILED"));
    house.store.sh(&format!("{aside}; sed -n \"s/^$sum  //p\" *.seal")).stdout_is(name);
}

#[test]
fn what_an_intruder_adds_is_no_backup_and_keeps_none_from_coming_back() {
    let sandbox = Sandbox::new();
    let Some(house) = House::new(&sandbox, true) else { return };
    let files = house.files();
    let newest = files.iter().find(|path| path.ends_with("manifest.gpg") && path.contains("-inc"));
    let newest = newest.unwrap().split('.').nth(3).unwrap();
    let now = house.laptop.sh("sleep 1.1; date -u +%Y%m%dT%H%M%SZ").out();
    let mut session = house.session();
    // A set that goes on from ours has no seal, and the one before it is still there.
    for end in ["vol1.difftar.gpg", "manifest.gpg"] {
        let name = format!("/backups/etc/duplicity-inc.{newest}.to.{}.{end}", now.trim());
        put(&mut session, &name, b"no backup");
    }
    let words = "has no seal of the seal key, and does not count";
    for options in ["", "--archive-dir /root/none"] {
        house.restore(options).fails_with(3).one_message().stderr_has(words);
        house.laptop.sh("diff -r /srv/source /srv/out && rm -r /srv/out").silent();
    }
    // The next backup tells of it, and builds on none of it.
    let next = house.laptop.sh(&format!("sleep 1.1; {BACKUP}")).succeeds();
    next.one_message()
        .stderr_has("which the archive directory does not know, so this backup is a full one");
    house.comes_back();
    // One of a time to come keeps no later one out.
    let future = "/backups/etc/duplicity-full.20991231T000000Z.manifest.gpg";
    put(&mut session, future, b"no backup");
    house.restore("").fails_with(3).one_message().stderr_has("20991231T000000Z");
    house.laptop.sh("rm -r /srv/out").silent();
    let next = house.laptop.sh(&format!("sleep 1.1; {BACKUP}")).succeeds().one_message();
    next.stderr_has("20991231T000000Z, which the archive directory does not know");
    house.restore("").fails_with(3).one_message().stderr_has("20991231T000000Z");
    house.laptop.sh("diff -r /srv/source /srv/out && rm -r /srv/out").silent();
}

#[test]
fn a_file_is_its_makers_while_it_is_open_and_nobodys_from_then_on() {
    let sandbox = Sandbox::new();
    let Some(house) = House::new(&sandbox, true) else { return };
    let (mut maker, mut other) = (house.session(), house.session());
    let (early, late) = (
        "/backups/etc/.upload-5-x",
        "/backups/etc/duplicity-full.20991231T000000Z.vol1.difftar.gpg",
    );
    let create = flags::WRITE | flags::CREAT | flags::EXCL;
    let handle = maker.handle(&Request::open(early, create, &Attributes::mode(0o666))).unwrap();
    assert!(maker.grants(&write(&handle, b"one")));
    can_only_rename(&mut other, early);
    // Who keeps a file open can go on writing when it has its name. Ours closes it before.
    rename(&mut other, early, late);
    assert!(maker.grants(&write(&handle, b"two")));
    can_only_rename(&mut other, late);
    assert!(!maker.grants(&Request::of(FSETSTAT).text(&handle).attributes(&Attributes::size(0))));
    close(&mut maker, &handle);
    assert!(!maker.grants(&write(&handle, b"six")));
    can_only_rename(&mut maker, late);
    house.store.sh(&format!("cat /srv/purrbackups{late}")).stdout_is("two");
    // One that is closed by the end of its session is closed as well.
    let handle = maker.handle(&Request::open(early, create, &Attributes::none())).unwrap();
    assert!(maker.grants(&write(&handle, b"one")));
    drop(maker);
    can_only_rename(&mut other, early);
    house.store.sh(&format!("cat /srv/purrbackups{early}")).stdout_is("one");
}

/// No request changes that file but `rename`.
fn can_only_rename(session: &mut RawSftp, path: &str) {
    for flags in 0..64 {
        let handle = session.handle(&Request::open(path, flags, &Attributes::none()));
        if let Some(handle) = handle {
            assert!(!session.grants(&write(&handle, b"six")), "flags {flags}");
            close(session, &handle);
        }
    }
    for request in [
        Request::of(SETSTAT).text(path).attributes(&Attributes::mode(0o600)),
        Request::of(SETSTAT).text(path).attributes(&Attributes::size(0)),
        Request::of(REMOVE).text(path),
        Request::extended("hardlink@openssh.com").text(path).text("/backups/etc/link"),
    ] {
        assert!(!session.grants(&request));
    }
}

fn write(handle: &[u8], content: &[u8]) -> Request {
    Request::of(WRITE).text(handle).long(0).text(content)
}

fn rename(session: &mut RawSftp, from: &str, to: &str) {
    assert!(session.grants(&Request::of(RENAME).text(from).text(to)), "{from} -> {to}");
}

/// Adds a file, which is always granted.
fn put(session: &mut RawSftp, path: &str, content: &[u8]) {
    let create = flags::WRITE | flags::CREAT | flags::EXCL;
    let handle = session.handle(&Request::open(path, create, &Attributes::none())).unwrap();
    assert!(session.grants(&write(&handle, content)));
    close(session, &handle);
}

/// SSH_FXP_WRITE, _SETSTAT, _FSETSTAT, _REMOVE, _RENAME
const WRITE: u8 = 6;
const SETSTAT: u8 = 9;
const FSETSTAT: u8 = 10;
const REMOVE: u8 = 13;
const RENAME: u8 = 18;
