//! The pipelines with a store behind SFTP.

use std::fs;

use tests::sshd::Sshd;
use tests::{Run, Sandbox, Snapshot, assert_same};

/// How this test reaches a store. The archive is the folder `archive`, nothing is encrypted, and
/// nothing is tried twice.
#[derive(Clone)]
pub(crate) struct Remote<'a> {
    sandbox: &'a Sandbox,
    url: String,
    options: String,
    archive: &'a str,
}

impl<'a> Remote<'a> {
    /// The store at that URL.
    pub(crate) fn new(sandbox: &'a Sandbox, url: &str) -> Remote<'a> {
        let options = "--num-retries 1 --timeout 20".to_owned();
        Remote { sandbox, url: url.to_owned(), options, archive: "archive" }
    }

    /// The folder `store` of a server.
    pub(crate) fn at(sandbox: &'a Sandbox, sshd: &Sshd) -> Remote<'a> {
        Remote::new(sandbox, &sshd.url("store"))
    }

    /// With more options for all that reach the store.
    pub(crate) fn option(mut self, words: &str) -> Remote<'a> {
        self.options = format!("{} {words}", self.options);
        self
    }

    /// With that many tries, and that many seconds for each answer.
    pub(crate) fn tries(mut self, tries: u32, seconds: u32) -> Remote<'a> {
        self.options = format!("--num-retries {tries} --timeout {seconds}");
        self
    }

    /// With another archive folder; one that is not there is one that was lost.
    pub(crate) fn archive(mut self, folder: &'a str) -> Remote<'a> {
        self.archive = folder;
        self
    }

    /// Lists the store: the least that needs a login.
    #[must_use = "a run proves nothing until something is asserted of it"]
    pub(crate) fn look(&self) -> Run {
        let Remote { url, options, .. } = self;
        self.sandbox.sh(&format!("moo-fetch {options} --receipts '{url}'"))
    }

    /// `moo backup TYPE src`, with `full`, `inc` or nothing for TYPE.
    #[must_use = "a run proves nothing until something is asserted of it"]
    pub(crate) fn backup(&self, kind: &str) -> Run {
        self.backup_with(kind, "--no-encryption")
    }

    /// The same with other options of `moo backup`.
    #[must_use = "a run proves nothing until something is asserted of it"]
    pub(crate) fn backup_with(&self, kind: &str, words: &str) -> Run {
        let Remote { url, options, archive, .. } = self;
        let options = format!("--archive-dir . --name {archive} {options} {words}");
        self.sandbox.sh(&format!("moo backup {kind} {options} src '{url}'"))
    }

    /// `moo restore OPTIONS` into the folder `out`.
    #[must_use = "a run proves nothing until something is asserted of it"]
    pub(crate) fn restore(&self, words: &str) -> Run {
        let Remote { url, options, archive, .. } = self;
        let options = format!("--archive-dir . --name {archive} {options} {words}");
        self.sandbox.sh(&format!("moo restore {options} '{url}' out"))
    }

    /// Restores a state and compares it, then removes it.
    #[track_caller]
    pub(crate) fn brings_back(&self, words: &str, state: &Snapshot) {
        self.restore(words).silent();
        assert_same(state, &Snapshot::kept(self.sandbox.path("out")));
        self.sandbox.remove("out");
    }
}

/// The names of temporary files in a folder.
pub(crate) fn temporary(folder: impl AsRef<std::path::Path>) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with('.')).collect()
}
