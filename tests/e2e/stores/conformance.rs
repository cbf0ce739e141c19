//! Each promise of the trait `store::Store`, kept by each kind of store.

use std::collections::BTreeSet;
use std::io::{Read, Write};

use clap::Parser;
use failure::Status;
use store::{Options, Store, final_name};
use tests::s3::S3;
use tests::sshd::Sshd;
use tests::{Sandbox, scale};

const ONE: &str = "duplicity-full.20261122T201500Z.vol1.difftar.gpg";
const TWO: &str = "duplicity-full.20261122T201500Z.vol2.difftar.gpg";
const SEAL: &str = "moobacker.20261122T201500Z.seal";
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
    /// Whether it has temporary names.
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
        store.prepare().unwrap();
        store
    }

    /// Goes through so many promises: a call of rclone takes its time.
    fn keeps_its_promises(&mut self, count: usize) {
        let promises: &[fn(&Kind)] = &[
            what_is_received_has_its_name_when_it_is_published,
            nothing_is_published_that_was_not_received,
            a_name_that_is_taken_stays_what_it_is,
            what_is_not_there_is_absent,
            files_of_any_size_come_back_as_they_went,
            what_an_earlier_run_has_brought_is_adopted,
            what_is_discarded_goes_and_what_is_kept_stays,
            what_is_dropped_half_way_gets_no_name,
            what_is_removed_is_gone,
            a_folder_is_made_and_may_be_there,
        ];
        for promise in promises.iter().take(count) {
            promise(self);
            self.promises += 1;
        }
    }
}

fn receive(store: &mut dyn Store, name: &str, content: &[u8]) {
    let mut sink = store.receive(name).unwrap();
    content.chunks(100_000).for_each(|chunk| sink.write_all(chunk).unwrap());
    sink.finish().unwrap();
}

fn put(store: &mut dyn Store, name: &str, content: &[u8]) {
    receive(store, name, content);
    store.arrive().unwrap();
    store.publish(name).unwrap();
    store.settle().unwrap();
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
    store.prepare().unwrap();
    store.prepare().unwrap();
    assert!(store.list().unwrap().is_empty());
}

fn what_is_received_has_its_name_when_it_is_published(kind: &Kind) {
    let mut store = kind.empty("published");
    let files = [(ONE, &b"one"[..]), (TWO, b"two"), (SEAL, b"a seal"), (LAST, b"last")];
    for (name, content) in files {
        receive(store.as_mut(), name, content);
    }
    store.arrive().unwrap();
    for (name, _) in files {
        let temporary = store.arrived(name).unwrap();
        let own = final_name(&temporary).unwrap_or(&temporary);
        assert_eq!(own, name);
        assert_eq!(kind.renames, temporary != name);
    }
    let named = |files: Vec<(String, u64)>| -> Vec<String> {
        files.into_iter().map(|file| file.0).filter(|name| !name.starts_with('.')).collect()
    };
    let volumes: &[&str] = if kind.renames { &[] } else { &[ONE, TWO] };
    assert_eq!(named(list(kind.open("published").as_mut())), volumes);
    for names in [&[ONE, TWO, SEAL][..], &[LAST]] {
        names.iter().for_each(|name| store.publish(name).unwrap());
        store.settle().unwrap();
        let there = named(list(kind.open("published").as_mut()));
        assert_eq!(there.contains(&LAST.to_owned()), names.contains(&LAST), "the last comes last");
    }
    let mut sizes = files.map(|(name, content)| (name.to_owned(), content.len() as u64));
    sizes.sort();
    assert_eq!(list(store.as_mut()), sizes);
    for (name, content) in files {
        assert_eq!(read(store.as_mut(), name), content);
    }
}

fn nothing_is_published_that_was_not_received(kind: &Kind) {
    let mut store = kind.empty("unreceived");
    assert_eq!(store.publish(ONE).unwrap_err().status(), Status::Failed);
    assert!(store.arrived(ONE).is_none());
    assert!(list(store.as_mut()).is_empty());
}

fn a_name_that_is_taken_stays_what_it_is(kind: &Kind) {
    let mut store = kind.empty("taken");
    put(store.as_mut(), LAST, b"old");
    let mut late = kind.open("taken");
    let sink = late.receive(LAST).and_then(|mut sink| {
        sink.write_all(b"new").unwrap();
        sink.finish()
    });
    let refused = sink
        .and_then(|()| late.arrive())
        .and_then(|()| late.publish(LAST))
        .and_then(|()| late.settle());
    assert_eq!(refused.unwrap_err().status(), Status::Refused);
    assert_eq!(read(store.as_mut(), LAST), b"old");
}

fn files_of_any_size_come_back_as_they_went(kind: &Kind) {
    let mut store = kind.empty("sizes");
    let noise: Vec<u8> =
        (0..3_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let name = |size: usize| format!("duplicity-full.20261122T201500Z.vol{}.difftar.gpg", size + 1);
    let sizes = [0, 65_537, 3_000_000];
    sizes.iter().for_each(|size| receive(store.as_mut(), &name(*size), &noise[..*size]));
    store.arrive().unwrap();
    sizes.iter().for_each(|size| store.publish(&name(*size)).unwrap());
    store.settle().unwrap();
    for size in sizes {
        assert!(read(store.as_mut(), &name(size)) == noise[..size], "{size}");
    }
    // Who has read enough stops.
    let mut first = [0; 10];
    store.open(&name(3_000_000)).unwrap().read_exact(&mut first).unwrap();
    assert_eq!(first, noise[..10]);
}

fn what_an_earlier_run_has_brought_is_adopted(kind: &Kind) {
    let mut earlier = kind.empty("adopted");
    receive(earlier.as_mut(), ONE, b"one");
    earlier.arrive().unwrap();
    let temporary = earlier.arrived(ONE).unwrap();
    drop(earlier);
    let mut store = kind.open("adopted");
    assert!(list(store.as_mut()).contains(&(temporary.clone(), 3)));
    store.adopt(ONE, &temporary);
    assert_eq!(store.arrived(ONE), Some(temporary));
    store.arrive().unwrap();
    store.publish(ONE).unwrap();
    store.settle().unwrap();
    assert_eq!(list(store.as_mut()), [(ONE.to_owned(), 3)]);
}

fn what_is_discarded_goes_and_what_is_kept_stays(kind: &Kind) {
    let mut store = kind.empty("discarded");
    receive(store.as_mut(), ONE, b"one");
    receive(store.as_mut(), TWO, b"two");
    receive(store.as_mut(), SEAL, b"seal");
    store.arrive().unwrap();
    let kept = store.arrived(ONE).unwrap();
    store.discard(&BTreeSet::from([ONE.to_owned()]));
    assert_eq!(list(store.as_mut()), [(kept, 3)]);
}

fn what_is_dropped_half_way_gets_no_name(kind: &Kind) {
    let mut store = kind.empty("dropped");
    let mut sink = store.receive(ONE).unwrap();
    sink.write_all(b"half").unwrap();
    drop(sink);
    store.discard(&BTreeSet::new());
    assert!(list(store.as_mut()).is_empty());
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
    tried_in_part(name, url, options, renames, 10);
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
    eprintln!("{name}: {} of 10 promises", kind.promises);
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
    tried_in_part("rclone, sftp", &url, &[], true, scale(4, 10));
}

#[test]
fn rclone_keeps_all_promises_of_a_store_of_objects() {
    let server = S3::start();
    let url = |folder: &str| format!("rclone:{}", server.remote(&format!("bucket/{folder}")));
    tried("rclone, S3", &url, &[], false);
}
