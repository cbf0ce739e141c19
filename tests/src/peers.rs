//! Stock duplicity, the old one of Debian and the newest, as programs that share our archives.

use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use crate::damage::find_all;
use crate::run::Run;
use crate::sandbox::{Sandbox, workspace};

/// One of the two, with the store, the archive folder and the options that it is run with.
#[derive(Clone)]
pub struct Duplicity<'a> {
    sandbox: &'a Sandbox,
    program: String,
    new: bool,
    store: String,
    archive: String,
    options: String,
}

/// The program of the newest duplicity.
pub fn newest() -> String {
    let installed = workspace().join("target/peers/duplicity-new/bin/duplicity");
    env::var("MOO_DUPLICITY_NEW").unwrap_or_else(|_| installed.to_string_lossy().into_owned())
}

/// The folder of the newest GnuPG, 2.4: the one that `MOO_GNUPG_NEW` names, else the one that `tests/run`
/// has made.
pub fn newest_gnupg() -> PathBuf {
    let installed = workspace().join("target/peers/gnupg-new/bin");
    let folder = env::var_os("MOO_GNUPG_NEW").map_or(installed, PathBuf::from);
    assert!(folder.join("gpg").exists(), "{} is missing: tests/run makes it", folder.display());
    folder
}

impl<'a> Duplicity<'a> {
    /// Debian's, 0.8.
    pub fn old(sandbox: &'a Sandbox) -> Duplicity<'a> {
        Duplicity::with(sandbox, "/usr/bin/duplicity".to_owned(), false)
    }

    /// The newest, 3: the program that `MOO_DUPLICITY_NEW` names, else the one that `tests/run`
    /// has installed.
    pub fn new(sandbox: &'a Sandbox) -> Duplicity<'a> {
        Duplicity::with(sandbox, newest(), true)
    }

    fn with(sandbox: &'a Sandbox, program: String, new: bool) -> Duplicity<'a> {
        assert!(Path::new(&program).exists(), "{program} is missing: tests/run installs it");
        let (store, archive) = ("store".to_owned(), "archive".to_owned());
        Duplicity { sandbox, program, new, store, archive, options: String::new() }
    }

    /// Uses that folder of the sandbox as store; else it is `store`.
    #[must_use]
    pub fn store(mut self, folder: &str) -> Self {
        folder.clone_into(&mut self.store);
        self
    }

    /// Uses that folder of the sandbox as archive (`--archive-dir . --name FOLDER`); else it is
    /// `archive`. One that does not exist is an archive that was lost.
    #[must_use]
    pub fn archive(mut self, folder: &str) -> Self {
        folder.clone_into(&mut self.archive);
        self
    }

    /// Adds options, as words of the shell.
    #[must_use]
    pub fn option(mut self, words: &str) -> Self {
        self.options = format!("{} {words}", self.options);
        self
    }

    /// Encrypts to a key.
    #[must_use]
    pub fn encrypt_to(self, key: &crate::Key) -> Self {
        self.option(&format!("--encrypt-key {key}"))
    }

    /// Does not encrypt.
    #[must_use]
    pub fn plain(self) -> Self {
        self.option("--no-encryption")
    }

    /// A full backup.
    pub fn full(&self, source: &str) -> Run {
        // Unlike an increment, it does not wait for a second that no set bears yet.
        sleep(Duration::from_millis(1100));
        self.run("full", &format!("{source} {}", self.url()))
    }

    /// An increment.
    pub fn increment(&self, source: &str) -> Run {
        self.run("incremental", &format!("{source} {}", self.url()))
    }

    /// The newest state, into a folder that does not exist.
    pub fn restore(&self, into: &str) -> Run {
        self.run("restore", &format!("{} {into}", self.url()))
    }

    /// The state at a time.
    pub fn restore_at(&self, time: &str, into: &str) -> Run {
        self.run("restore", &format!("--time {time} {} {into}", self.url()))
    }

    /// One file or folder of the newest state.
    pub fn restore_path(&self, path: &str, into: &str) -> Run {
        let option = if self.new { "--path-to-restore" } else { "--file-to-restore" };
        self.run("restore", &format!("{option} '{path}' {} {into}", self.url()))
    }

    /// Compares the newest state with a tree, contents and all.
    pub fn verify(&self, source: &str) -> Run {
        self.run("verify", &format!("--compare-data {} {source}", self.url()))
    }

    /// The chains and sets.
    pub fn status(&self) -> Run {
        self.run("collection-status", &self.url())
    }

    /// The files of the newest state.
    pub fn list(&self) -> Run {
        self.run("list-current-files", &self.url())
    }

    /// Removes what it finds to clean up.
    pub fn cleanup(&self) -> Run {
        self.run("cleanup", &format!("--force {}", self.url()))
    }

    /// Any action with its words.
    pub fn run(&self, action: &str, words: &str) -> Run {
        self.sandbox.sh(&self.script(action, words))
    }

    /// The snippet of the shell for an action with its words.
    pub fn script(&self, action: &str, words: &str) -> String {
        let Duplicity { program, archive, options, .. } = self;
        let common = format!("--archive-dir . --name {archive} {options}");
        // It asks for a passphrase even where none is needed, unless the variable is set.
        let program = format!("PASSPHRASE=\"${{PASSPHRASE-}}\" {program}");
        format!("mkdir -p {}; {program} {action} {common} {words}", self.store)
    }

    fn url(&self) -> String {
        self.sandbox.url(&self.store)
    }
}

/// The times of a store's sets as the names of their manifests have them, oldest first; a temporary
/// file is none.
pub fn times(store: impl AsRef<Path>) -> Vec<String> {
    let manifests = find_all(store, ".manifest");
    let names = manifests.iter().filter_map(|path| path.file_name()?.to_str());
    let names = names.filter(|name| !name.starts_with('.'));
    let times: BTreeSet<_> = names.filter_map(|name| name.split(".manifest").next()).collect();
    let mut times: Vec<_> =
        times.iter().filter_map(|name| name.rsplit('.').next()).map(str::to_owned).collect();
    times.sort();
    times
}
