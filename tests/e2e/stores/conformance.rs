//! Each promise of the trait `store::Store`, kept by each kind of store.

use std::io::{Read, Write};

use clap::Parser;
use failure::{Failure, OrFail, Status};
use store::{Options, Store};
use tests::s3::S3;
use tests::sshd::Sshd;
use tests::{Sandbox, scale};

const ONE: &str = "duplicity-full.20261122T201500Z.vol1.difftar.gpg";
const TWO: &str = "duplicity-full.20261122T201500Z.vol2.difftar.gpg";
const LAST: &str = "duplicity-full.20261122T201500Z.manifest.gpg";

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    options: Options,
}

/// A kind of store, of which any number of folders can be had.
struct Kind<'a> {
    url: &'a dyn Fn(&str) -> String,
    options: &'a [String],
    /// Whether it can rename a file.
    renames: bool,
    promises: usize,
}

impl Kind<'_> {
    fn open(&self, folder: &str) -> Box<dyn Store> {
        let words = ["test".to_owned(), "--num-retries=1".to_owned()];
        let words = words.into_iter().chain(self.options.iter().cloned());
        let Arguments { options } = Arguments::parse_from(words);
        store::open(&(self.url)(folder), &options).unwrap()
    }

    /// A folder that is there, and empty.
    fn empty(&self, folder: &str) -> Box<dyn Store> {
        let mut store = self.open(folder);
        store.make_folder().unwrap();
        store
    }

    /// Goes through so many promises: a call of rclone takes its time.
    fn keeps_its_promises(&mut self, count: usize) {
        let promises: &[fn(&Kind)] = &[
            a_whole_file_is_there_under_its_new_name,
            a_name_that_is_taken_stays_what_it_is,
            what_is_not_there_is_absent,
            files_of_any_size_come_back_as_they_went,
            what_is_discarded_goes,
            what_is_dropped_half_way_is_no_whole_file,
            what_is_removed_is_gone,
            another_connection_sees_the_same_store,
            a_folder_is_made_and_may_be_there,
        ];
        for promise in promises.iter().take(count) {
            promise(self);
            self.promises += 1;
        }
    }
}

fn create(store: &mut dyn Store, name: &str, content: &[u8]) -> Result<(), Failure> {
    let mut sink = store.create(name, Some(content.len() as u64))?;
    content
        .chunks(100_000)
        .try_for_each(|chunk| sink.write_all(chunk))
        .or_fail(Status::Failed, "test")?;
    sink.finish()
}

fn put(store: &mut dyn Store, name: &str, content: &[u8]) {
    create(store, name, content).unwrap();
    store.sync().unwrap();
}

fn read(store: &mut dyn Store, name: &str) -> Vec<u8> {
    let mut content = Vec::new();
    store.open(name).unwrap().read_to_end(&mut content).unwrap();
    content
}

/// Names and sizes, sorted.
fn list(store: &mut dyn Store) -> Vec<(String, u64)> {
    let files = store.list().unwrap().into_iter().map(|file| (file.name, file.size));
    let mut files: Vec<_> = files.collect();
    files.sort();
    files
}

fn a_folder_is_made_and_may_be_there(kind: &Kind) {
    // On this machine a folder below one that is missing would hide that a disk is not mounted.
    drop(kind.empty("new"));
    let mut store = kind.open("new/folder");
    if kind.renames {
        assert_eq!(store.list().unwrap_err().status(), Status::Absent);
    }
    store.make_folder().unwrap();
    store.make_folder().unwrap();
    assert!(store.list().unwrap().is_empty());
}

fn a_whole_file_is_there_under_its_new_name(kind: &Kind) {
    let mut store = kind.empty("renamed");
    assert_eq!(store.limits().unwrap().renames, kind.renames);
    put(store.as_mut(), ".upload-1-x", b"one");
    assert_eq!(list(kind.open("renamed").as_mut()), [(".upload-1-x".to_owned(), 3)]);
    store.rename(".upload-1-x", ONE).unwrap();
    store.sync().unwrap();
    for store in [store.as_mut(), kind.open("renamed").as_mut()] {
        assert_eq!(list(store), [(ONE.to_owned(), 3)]);
        assert_eq!(read(store, ONE), b"one");
    }
}

fn a_name_that_is_taken_stays_what_it_is(kind: &Kind) {
    let mut store = kind.empty("taken");
    put(store.as_mut(), LAST, b"old");
    let mut late = kind.open("taken");
    let created = create(late.as_mut(), LAST, b"new").and_then(|()| late.sync());
    assert_eq!(created.unwrap_err().status(), Status::Refused);
    put(store.as_mut(), ONE, b"other");
    let mut late = kind.open("taken");
    let renamed = late.rename(ONE, LAST).and_then(|()| late.sync());
    assert_eq!(renamed.unwrap_err().status(), Status::Refused);
    assert_eq!(read(store.as_mut(), LAST), b"old");
}

fn files_of_any_size_come_back_as_they_went(kind: &Kind) {
    let mut store = kind.empty("sizes");
    let noise: Vec<u8> =
        (0..3_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let name = |size: usize| format!("duplicity-full.20261122T201500Z.vol{}.difftar.gpg", size + 1);
    let sizes = [0, 65_537, 3_000_000];
    sizes.iter().for_each(|size| put(store.as_mut(), &name(*size), &noise[..*size]));
    for size in sizes {
        assert!(read(store.as_mut(), &name(size)) == noise[..size], "{size}");
    }
    // Who has read enough stops.
    let mut first = [0; 10];
    store.open(&name(3_000_000)).unwrap().read_exact(&mut first).unwrap();
    assert_eq!(first, noise[..10]);
}

fn what_is_discarded_goes(kind: &Kind) {
    let mut store = kind.empty("discarded");
    put(store.as_mut(), ONE, b"one");
    put(store.as_mut(), TWO, b"two");
    store.discard(ONE).unwrap();
    assert_eq!(list(store.as_mut()), [(TWO.to_owned(), 3)]);
}

fn what_is_dropped_half_way_is_no_whole_file(kind: &Kind) {
    let mut store = kind.empty("dropped");
    let mut sink = store.create(ONE, Some(8)).unwrap();
    sink.write_all(b"half").unwrap();
    drop(sink);
    let files = list(store.as_mut());
    assert!(files.iter().all(|(name, size)| name == ONE && *size < 8), "{files:?}");
}

fn another_connection_sees_the_same_store(kind: &Kind) {
    let mut store = kind.empty("another");
    let mut other = store.another();
    put(other.as_mut(), ONE, b"one");
    store.keep_alive();
    other.keep_alive();
    assert_eq!(list(store.as_mut()), [(ONE.to_owned(), 3)]);
}

fn what_is_removed_is_gone(kind: &Kind) {
    let mut store = kind.empty("removed");
    put(store.as_mut(), ONE, b"one");
    put(store.as_mut(), TWO, b"two");
    store.remove(ONE).unwrap();
    assert_eq!(list(store.as_mut()), [(TWO.to_owned(), 3)]);
    put(store.as_mut(), ONE, b"again");
    assert_eq!(read(store.as_mut(), ONE), b"again");
}

fn what_is_not_there_is_absent(kind: &Kind) {
    let mut store = kind.empty("absent");
    let opened = store.open(ONE).map(|mut file| file.read_to_end(&mut Vec::new()));
    assert_eq!(opened.map(drop).unwrap_err().status(), Status::Absent);
    assert_eq!(store.remove(ONE).unwrap_err().status(), Status::Absent);
}

fn tried(name: &str, url: &dyn Fn(&str) -> String, options: &[String], renames: bool) {
    tried_in_part(name, url, options, renames, 9);
}

fn tried_in_part(
    name: &str,
    url: &dyn Fn(&str) -> String,
    options: &[String],
    renames: bool,
    count: usize,
) {
    let mut kind = Kind { url, options, renames, promises: 0 };
    kind.keeps_its_promises(count);
    eprintln!("{name}: {} of 9 promises", kind.promises);
}

#[test]
fn a_folder_of_this_machine_keeps_all_promises_of_a_store() {
    let sandbox = Sandbox::new();
    tried("file", &|folder| sandbox.url(folder), &[], true);
}

#[test]
fn a_folder_behind_sftp_keeps_all_promises_of_a_store() {
    let sandbox = Sandbox::new();
    let sshd = Sshd::start(&sandbox);
    let home = sandbox.path(".home/.ssh");
    let options = [
        format!("--ssh-option=IdentityFile={}", home.join("id_ed25519").display()),
        format!("--ssh-option=UserKnownHostsFile={}", home.join("known_hosts").display()),
    ];
    tried("sftp", &|folder| sshd.url(folder), &options, true);
}

#[test]
fn rclone_keeps_all_promises_of_a_store_on_a_disk() {
    let sandbox = Sandbox::new();
    let url = |folder: &str| format!("rclone::local:{}", sandbox.path(folder).display());
    tried("rclone, local", &url, &[], true);
}

#[test]
fn rclone_keeps_all_promises_of_a_store_behind_sftp() {
    let sandbox = Sandbox::new();
    let sshd = Sshd::start(&sandbox);
    let key = sandbox.path(".home/.ssh/id_ed25519");
    let (key, user, port) = (key.display(), sshd.user(), sshd.port());
    let remote = format!(":sftp,host=127.0.0.1,port={port},user={user},key_file=\"{key}\"");
    let shell = "shell_type=none,set_modtime=false";
    let url = |folder: &str| format!("rclone:{remote},{shell}:{}", sandbox.path(folder).display());
    tried_in_part("rclone, sftp", &url, &[], true, scale(3, 9));
}

#[test]
fn rclone_keeps_all_promises_of_a_store_of_objects() {
    let server = S3::start();
    let url = |folder: &str| format!("rclone:{}", server.remote(&format!("bucket/{folder}")));
    tried("rclone, S3", &url, &[], false);
}
