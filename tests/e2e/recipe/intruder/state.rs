//! What lies below the chroot, and what an attack has done to it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tests::machine::Machine;

/// The chroot on the store.
const CHROOT: &str = "/srv/purrbackups";

/// What is read no more, in bytes.
const LARGE: u64 = 16 << 20;

/// One file or folder.
#[derive(Clone, PartialEq, Eq)]
struct Entry {
    /// Kind, mode, owner, group, number of names, and for all but folders the time of change.
    attributes: (u32, u32, u32, u64, i128),
    /// The hash of a file, the target of a link; a folder has none.
    content: Vec<u8>,
    inode: u64,
}

/// All of it, by path as a session sees it.
#[derive(Clone)]
pub(crate) struct State(BTreeMap<String, Entry>);

/// What happened to an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It is new.
    Added(String),
    /// It has another name, and else is what it was.
    Aside(String, String),
    /// Its content is another one.
    Changed(String),
    /// It has other attributes.
    Attributes(String),
    /// It is nowhere any more.
    Lost(String),
}

impl State {
    /// As it is now.
    pub(crate) fn of(store: &Machine) -> State {
        let mut entries = BTreeMap::new();
        gather(&store.path(CHROOT), "/", &mut entries);
        State(entries)
    }

    /// The paths of all files.
    pub(crate) fn files(&self) -> Vec<String> {
        let files = self.0.iter().filter(|(_, entry)| !entry.content.is_empty());
        files.map(|(path, _)| path.clone()).collect()
    }

    /// What has become another one in `after`.
    pub(crate) fn effects(&self, after: &State) -> Vec<Effect> {
        let mut effects = Vec::new();
        let mut explained = Vec::new();
        for (path, entry) in &self.0 {
            let Some(now) = after.0.get(path).filter(|now| !self.is_taken(path, now)) else {
                let aside = after.0.iter().find(|(_, now)| *now == entry);
                explained.extend(aside.map(|(new, _)| new.clone()));
                effects.push(aside.map_or_else(
                    || Effect::Lost(path.clone()),
                    |(new, _)| Effect::Aside(path.clone(), new.clone()),
                ));
                continue;
            };
            if now.content != entry.content {
                effects.push(Effect::Changed(path.clone()));
            } else if now.attributes != entry.attributes {
                effects.push(Effect::Attributes(path.clone()));
            }
        }
        let new = after.0.iter().filter(|(path, now)| match self.0.get(*path) {
            Some(_) => self.is_taken(path, now),
            None => !explained.contains(path),
        });
        effects.extend(new.map(|(path, _)| Effect::Added(path.clone())));
        effects
    }

    /// Takes up the inodes of a copy.
    pub(crate) fn is_copied_to(&mut self, copy: State) {
        assert_eq!(self.0.len(), copy.0.len());
        for (old, new) in self.0.iter().zip(&copy.0) {
            let same = old.0 == new.0 && old.1.content == new.1.content;
            assert!(same && old.1.attributes == new.1.attributes, "{}", old.0);
        }
        *self = copy;
    }

    /// Another object has the name.
    fn is_taken(&self, path: &str, now: &Entry) -> bool {
        self.0.get(path).is_some_and(|entry| entry.inode != now.inode && *entry != *now)
    }
}

fn gather(file: &Path, path: &str, entries: &mut BTreeMap<String, Entry>) {
    let Ok(facts) = fs::symlink_metadata(file) else { return };
    let time = i128::from(facts.mtime()) * 1_000_000_000 + i128::from(facts.mtime_nsec());
    let (links, time) = if facts.is_dir() { (0, 0) } else { (facts.nlink(), time) };
    let content = match facts.file_type() {
        kind if kind.is_symlink() => {
            fs::read_link(file).unwrap().into_os_string().into_encoded_bytes()
        }
        // Nothing so large was stored, so it is another content whatever it is.
        kind if kind.is_file() && facts.len() > LARGE => facts.len().to_be_bytes().to_vec(),
        kind if kind.is_file() => Sha256::digest(fs::read(file).unwrap()).to_vec(),
        _ => Vec::new(),
    };
    let attributes = (facts.mode(), facts.uid(), facts.gid(), links, time);
    entries.insert(path.to_owned(), Entry { attributes, content, inode: facts.ino() });
    if facts.is_dir() {
        for name in fs::read_dir(file).unwrap().map(|entry| entry.unwrap().file_name()) {
            let below = format!("{}/{}", path.trim_end_matches('/'), name.to_string_lossy());
            gather(&file.join(&name), &below, entries);
        }
    }
}

impl Effect {
    /// It is below a folder that belongs to the account.
    pub(crate) fn is_inside(&self) -> bool {
        let inside = |path: &String| {
            ["/backups/etc/", "/backups/home/"].iter().any(|folder| path.starts_with(folder))
        };
        match self {
            Effect::Aside(from, to) => inside(from) && inside(to),
            Effect::Added(path) | Effect::Changed(path) | Effect::Lost(path) => inside(path),
            // The folders themselves are the account's too.
            Effect::Attributes(path) => inside(&format!("{path}/")),
        }
    }

    /// Nothing that was stored is spoiled by it.
    pub(crate) fn is_harmless(&self) -> bool {
        matches!(self, Effect::Added(_) | Effect::Aside(..))
    }

    /// Takes away what was added, and gives the old name back.
    pub(crate) fn undo(&self, store: &Machine) {
        let at = |path: &str| -> PathBuf { store.path(format!("{CHROOT}{path}")) };
        match self {
            Effect::Added(path) => fs::remove_file(at(path)).unwrap(),
            Effect::Aside(old, new) => fs::rename(at(new), at(old)).unwrap(),
            other => panic!("{other:?}: can't be undone"),
        }
    }
}
