//! What has to hold after a kill in a backup.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use serde_json::Value;
use tests::damage::find_all;
use tests::{Duplicity, Run, Snapshot, assert_same};

use crate::faults::calls::backup::what_is_stored_is_whole;
use crate::faults::calls::scene::Scene;

/// Behind a run that ended with that status the last good set restores; the next run needs no hand,
/// sends nothing again that had arrived, stores nothing twice, leaves nothing about; and what it
/// makes restores, by duplicity too if asked.
pub(super) fn holds(scene: &Scene<'_>, status: i32, peer: Option<Duplicity<'_>>) {
    assert!(scene.new_sets() <= 1 && (status != 0 || scene.new_sets() == 1));
    what_is_stored_is_whole(scene, status);
    let arrived = if can_go_on(scene) { arrived(scene) } else { Vec::new() };
    let ended_late = status != 0 && scene.new_sets() == 1;
    let next = scene.backup();
    if !(ended_late && is_forgotten(&next)) {
        next.silent();
    }
    scene.restore().silent();
    assert_same(&scene.new, &scene.restored());
    for (name, inode) in arrived {
        let now = fs::metadata(scene.sandbox.path("store").join(&name));
        assert!(now.is_ok_and(|now| now.ino() == inode), "{name} was sent again");
    }
    assert!(scene.left().is_empty(), "{:?} are left", scene.left());
    nothing_is_stored_twice(scene);
    if let Some(peer) = peer {
        agrees(scene, &peer);
    }
}

/// Whether the archive can't tell the last set from one of another run, so that the next one is a full set:
/// moo-commit was killed before it recorded a volume of a resumed run, and moo-upload had sent all receipts.
fn is_forgotten(next: &Run) -> bool {
    let said = next.err();
    next.status == 0
        && said.lines().count() == 1
        && said.contains("which the archive directory does not know, so this backup is a full one")
}

/// Whether there is a set to go on with: not one that is there, nor one of which more than volumes
/// has got its name, so that no other can be made under it.
fn can_go_on(scene: &Scene<'_>) -> bool {
    let all = |part| find_all(scene.sandbox.path("store"), part).into_iter();
    let hidden = |file: &PathBuf| file.to_string_lossy().contains("/.upload-");
    let named = |part| all(part).filter(|file| !hidden(file)).count();
    let begun = scene.sandbox.path("store").exists();
    begun
        && scene.new_sets() == 0
        && [".seal", "sigtar"].iter().all(|part| named(part) == named(".manifest"))
}

/// The volumes that the archive knows to be in the store, with their inodes there.
fn arrived(scene: &Scene<'_>) -> Vec<(String, u64)> {
    let (store, archive) = (scene.sandbox.path("store"), scene.sandbox.path("archive"));
    if !archive.exists() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for journal in find_all(archive, ".arrived") {
        let text = fs::read_to_string(journal).unwrap();
        for receipt in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            let [stored, temporary] = ["stored", "temporary"].map(|key| receipt[key].as_str());
            let Some(stored) = stored else { continue };
            let mut names = [temporary, Some(stored)].into_iter().flatten();
            let there = names.find_map(|name| fs::metadata(store.join(name)).ok());
            found.push((stored.to_owned(), there.expect("what has arrived").ino()));
        }
    }
    found
}

/// No two files have the same content, those aside that have none: tars without any entry.
fn nothing_is_stored_twice(scene: &Scene<'_>) {
    let mut known: HashMap<Vec<u8>, PathBuf> = HashMap::new();
    for file in find_all(scene.sandbox.path("store"), "") {
        let content = fs::read(&file).unwrap();
        if content.iter().all(|byte| *byte == 0) {
            continue;
        }
        if let Some(other) = known.insert(content, file.clone()) {
            panic!("{} is {}", file.display(), other.display());
        }
    }
}

fn agrees(scene: &Scene<'_>, peer: &Duplicity<'_>) {
    peer.restore("stock").succeeds();
    let restored = Snapshot::by_stock(scene.sandbox.path("stock"));
    assert_same(&scene.new.clone().as_stock(), &restored);
    scene.sandbox.sh("rm -rf stock lost").silent();
}
