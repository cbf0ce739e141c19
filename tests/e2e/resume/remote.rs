//! A store behind SFTP: the connection is lost for good, and another day the next run goes on.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;

use tests::damage::find_all;
use tests::relay::{Mode, Relay, Way};
use tests::sshd::Sshd;
use tests::{Duplicity, Sandbox, Snapshot, Tree, assert_same};

use crate::sftp::kit::Remote;

/// Inodes of the volumes at the store, by what their names end in.
fn volumes(sandbox: &Sandbox) -> BTreeMap<String, u64> {
    let files = find_all(sandbox.path("store"), ".difftar").into_iter();
    let number = |file: &std::path::Path| {
        let name = file.to_string_lossy().into_owned();
        name[name.find("-duplicity").or(name.find("/duplicity")).unwrap() + 1..].to_owned()
    };
    files.map(|file| (number(&file), file.metadata().unwrap().ino())).collect()
}

#[test]
fn what_had_arrived_before_the_connection_was_lost_is_not_sent_again() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    sandbox.sh("mkdir store").silent();
    let sshd = Sshd::start(&sandbox);
    let relay = Relay::to(sshd.port());
    sshd.known_at(relay.port());
    let remote = Remote::new(&sandbox, &sshd.url_at(relay.port(), "store"));
    let options = "--no-encryption --no-compression --volsize 1";
    let mut saved = 0;
    for (day, after) in [2_500_000, 4_200_000, 3_300_000].into_iter().enumerate() {
        tree.noise("small", 1000 + day);
        tree.noise(format!("large {day}"), 6_000_000);
        // The first connection asks what is there, the second sends.
        relay.first(2, Mode::Cut(Way::Up, after));
        let broken = remote.backup_with("", options);
        assert_ne!(broken.status, 0);
        relay.set(Mode::Pass);
        let before = volumes(&sandbox);
        remote.backup_with("", options).silent();
        let now = volumes(&sandbox);
        let again = before.iter().filter(|(name, inode)| now.get(*name) != Some(*inode)).count();
        assert!(again <= 2, "{again} of {before:?}, {now:?}");
        saved += before.len() - again;
        remote.brings_back("", &Snapshot::kept(tree.root()));
        assert!(find_all(sandbox.path("store"), ".upload-").is_empty());
    }
    let state = Snapshot::by_stock(tree.root());
    for peer in [Duplicity::old(&sandbox), Duplicity::new(&sandbox)] {
        peer.plain().archive("lost").restore("stock").succeeds();
        assert_same(&state, &Snapshot::by_stock(sandbox.path("stock")));
        sandbox.sh("rm -rf stock lost").silent();
    }
    eprintln!("3 lost connections, {saved} volumes not sent again");
    assert!(saved >= 3);
}
