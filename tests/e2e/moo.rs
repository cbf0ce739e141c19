//! The pipelines as a test calls them: `moo backup` and `moo restore` with a store, an archive
//! and keys.

use tests::peers::times;
use tests::{Key, Run, Sandbox, Snapshot, Tree, assert_same};

/// How this test calls the pipelines. The store is the folder `store`, the archive `archive`.
pub(crate) struct Moo<'a> {
    sandbox: &'a Sandbox,
    backup: String,
    restore: String,
    archive: &'a str,
}

impl<'a> Moo<'a> {
    /// With those options for `moo backup`.
    pub(crate) fn new(sandbox: &'a Sandbox, backup: &str) -> Moo<'a> {
        Moo { sandbox, backup: backup.to_owned(), restore: String::new(), archive: "archive" }
    }

    /// Without encryption.
    pub(crate) fn plain(sandbox: &'a Sandbox) -> Moo<'a> {
        Moo::new(sandbox, "--no-encryption")
    }

    /// Encrypted to a key of the sandbox's keyring.
    pub(crate) fn encrypted(sandbox: &'a Sandbox, key: &Key) -> Moo<'a> {
        Moo::new(sandbox, &format!("--encrypt-key {key}"))
    }

    /// With more options for `moo backup`.
    pub(crate) fn option(mut self, words: &str) -> Moo<'a> {
        self.backup = format!("{} {words}", self.backup);
        self
    }

    /// With more options for `moo restore`.
    pub(crate) fn restore_option(mut self, words: &str) -> Moo<'a> {
        self.restore = format!("{} {words}", self.restore);
        self
    }

    /// With another archive folder; one that is not there is one that was lost.
    pub(crate) fn archive(mut self, folder: &'a str) -> Moo<'a> {
        self.archive = folder;
        self
    }

    /// `moo backup TYPE src`, with `full`, `inc` or nothing for TYPE.
    #[must_use = "a run proves nothing until something is asserted of it"]
    pub(crate) fn backup(&self, kind: &str) -> Run {
        let (archive, options) = (self.archive, &self.backup);
        self.sandbox.sh(&format!(
            "moo backup {kind} --archive-dir . --name {archive} {options} src file://$PWD/store"
        ))
    }

    /// `moo restore OPTIONS` into the folder `out`.
    #[must_use = "a run proves nothing until something is asserted of it"]
    pub(crate) fn restore(&self, options: &str) -> Run {
        let (archive, more) = (self.archive, &self.restore);
        self.sandbox.sh(&format!(
            "moo restore --archive-dir . --name {archive} {more} {options} file://$PWD/store out"
        ))
    }

    /// Restores a state and compares it, then removes it.
    pub(crate) fn brings_back(&self, time: &str, state: &Snapshot) {
        self.restore(&format!("--time {time}")).silent();
        assert_same(state, &Snapshot::kept(self.sandbox.path("out")));
        self.sandbox.remove("out");
    }

    /// A full set and an increment for each further day of the tree in `src`; each state as it
    /// was.
    pub(crate) fn days(&self, tree: &Tree, days: u32) -> Vec<Snapshot> {
        let mut states = Vec::new();
        for day in 0..=days {
            if day > 0 {
                tree.day(day);
            }
            states.push(Snapshot::kept(tree.root()));
            self.backup("").silent();
        }
        states
    }
}

/// The second since 1970 of a time as the names of sets have it.
pub(crate) fn second(sandbox: &Sandbox, time: &str) -> i64 {
    let (day, hour) = time.split_once('T').unwrap();
    let hour = format!("{}:{}:{}", &hour[..2], &hour[2..4], &hour[4..6]);
    let second = sandbox.sh(&format!("date -u -d '{day} {hour}' +%s")).succeeds().out();
    second.trim().parse().unwrap()
}

/// The times of the sets in the folder `store`, the oldest first.
pub(crate) fn stored(sandbox: &Sandbox) -> Vec<String> {
    times(sandbox.path("store"))
}
