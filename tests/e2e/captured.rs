//! What really flows through each pipe of an increment and of its restore, caught in files, so
//! that a stage can be fed with it again: whole, cut, or as the input of another stage.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use failure::Failure;
use stream::{FilesInput, ReceiptsInput, TreeInput};
use tests::{Run, Sandbox, Tree};

use crate::moo::Moo;

/// What a stage reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Tree,
    Files,
    Receipts,
    Nothing,
}

/// A stage of the pipe as these tests call it.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) name: &'static str,
    arguments: &'static str,
    pub(crate) reads: Flow,
    pub(crate) writes: Flow,
}

/// The stages that read a stream, the names of the streams being those of their readers.
pub(crate) const STAGES: [Stage; 8] = [
    stage("moo-sign", "", Flow::Tree, Flow::Tree),
    stage("moo-delta", "--archive archive", Flow::Tree, Flow::Tree),
    stage("moo-pack", "--archive archive", Flow::Tree, Flow::Files),
    stage("moo-encrypt", "--no-encryption", Flow::Files, Flow::Files),
    stage("moo-upload", "file://$PWD/store", Flow::Files, Flow::Receipts),
    stage("moo-commit", "--archive archive", Flow::Receipts, Flow::Nothing),
    stage("moo-decrypt", "", Flow::Files, Flow::Files),
    stage("moo-patch", "out", Flow::Files, Flow::Nothing),
];

const fn stage(name: &'static str, arguments: &'static str, reads: Flow, writes: Flow) -> Stage {
    Stage { name, arguments, reads, writes }
}

/// A sandbox with a full set in `store` and `archive`, and each stream of an increment on it that
/// has not come to either.
pub(crate) struct Captured {
    pub(crate) sandbox: Sandbox,
}

impl Captured {
    /// The streams of a tree of a few KiB.
    pub(crate) fn small() -> Captured {
        let sandbox = Sandbox::new();
        let tree = Tree::empty(sandbox.path("src"));
        tree.noise("changes", 3000);
        tree.noise("goes", 100);
        Moo::plain(&sandbox).backup("full").silent();
        tree.edit("changes", |content| content[1000] ^= 1);
        tree.mtime("changes", 1_700_000_001, 5);
        tree.remove("goes");
        tree.noise("folder/new", 2000);
        tree.symlink("link", "new");
        Captured::of(sandbox)
    }

    /// The streams of some MiB in a few files.
    pub(crate) fn large() -> Captured {
        let sandbox = Sandbox::new();
        let tree = Tree::empty(sandbox.path("src"));
        tree.noise("changes", 3_000_000);
        Moo::plain(&sandbox).backup("full").silent();
        tree.edit("changes", |content| content[1000] ^= 1);
        tree.mtime("changes", 1_700_000_001, 5);
        tree.noise("new", 2_000_000);
        (0..50).for_each(|number| tree.noise(format!("folder/{number}"), 20_000));
        Captured::of(sandbox)
    }

    /// The streams of all kinds of objects and of changes.
    pub(crate) fn every_kind() -> Captured {
        let sandbox = Sandbox::new();
        let tree = Tree::every_kind(sandbox.path("src"));
        Moo::plain(&sandbox).backup("full").silent();
        tree.day(1);
        Captured::of(sandbox)
    }

    fn of(sandbox: Sandbox) -> Captured {
        sandbox
            .sh("mkdir flow && cp -a store other &&
                moo-scan --archive archive src | tee flow/moo-sign |
                moo-sign | tee flow/moo-delta |
                moo-delta --archive archive | tee flow/moo-pack |
                moo-pack --archive archive | tee flow/moo-encrypt |
                moo-encrypt --no-encryption | tee flow/moo-upload |
                moo-upload file://$PWD/other >flow/moo-commit &&
                moo-fetch file://$PWD/other | tee flow/moo-decrypt |
                moo-decrypt >flow/moo-patch")
            .silent();
        Captured { sandbox }
    }

    /// What flows into a stage.
    pub(crate) fn input_of(&self, stage: &Stage) -> Vec<u8> {
        fs::read(self.sandbox.path("flow").join(stage.name)).unwrap()
    }

    /// Runs a stage on that input.
    pub(crate) fn feed(&self, stage: &Stage, input: &[u8]) -> Run {
        fs::write(self.sandbox.path("input"), input).unwrap();
        self.sandbox.sh(&format!("exec {} {} <input", stage.name, stage.arguments))
    }

    /// The names of all files that anybody could take for finished, and of all temporary ones but
    /// those with which the next run goes on, or which it clears away: the unfinished parts in the
    /// archive, and volumes that have arrived at the store.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names = list(&self.sandbox.path(""), "");
        let arrived = |name: &str| name.starts_with("store/.upload-") && name.contains(".vol");
        names.retain(|name| !name.starts_with("archive/.") && !name.starts_with(".home"));
        names.retain(|name| !arrived(name));
        names.sort();
        names
    }
}

fn list(folder: &Path, above: &str) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{above}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            names.extend(list(&entry.path(), &format!("{name}/")));
        }
        names.push(name);
    }
    names
}

/// How a stream ends: as its reader finds it.
pub(crate) fn ending(flow: Flow, stream: &[u8]) -> Result<(), Failure> {
    match flow {
        Flow::Tree => {
            let mut input = TreeInput::open(stream)?;
            while input.advance()?.is_some() {}
        }
        Flow::Files => {
            let mut input = FilesInput::open(stream)?;
            while input.next_file()?.is_some() {}
        }
        Flow::Receipts => {
            let mut input = ReceiptsInput::open(stream)?;
            while input.advance()?.is_some() {}
        }
        Flow::Nothing => assert!(stream.is_empty(), "prints nothing"),
    }
    Ok(())
}

/// A pipe of commands by their names, so that a test can replace one of them.
pub(crate) struct Pipe(BTreeMap<usize, (&'static str, String)>);

impl Pipe {
    /// The pipe of a backup of `src` with `archive` and `store`.
    pub(crate) fn backup() -> Pipe {
        Pipe::of(&[
            ("moo-scan", "--archive archive src"),
            ("moo-sign", ""),
            ("moo-delta", "--archive archive"),
            ("moo-pack", "--archive archive"),
            ("moo-encrypt", "--no-encryption"),
            ("moo-upload", "file://$PWD/store"),
            ("moo-commit", "--archive archive"),
        ])
    }

    /// The pipe of a restore of `store` to `out`.
    pub(crate) fn restore() -> Pipe {
        Pipe::of(&[("moo-fetch", "file://$PWD/store"), ("moo-decrypt", ""), ("moo-patch", "out")])
    }

    fn of(stages: &[(&'static str, &str)]) -> Pipe {
        let commands = stages.iter().map(|(name, words)| (*name, format!("{name} {words}")));
        Pipe(commands.enumerate().collect())
    }

    /// The names of its stages, from the first to the last.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.0.values().map(|(name, _)| *name).collect()
    }

    /// With another command in place of a stage.
    pub(crate) fn with(mut self, stage: &str, command: &str) -> Pipe {
        let found = self.0.values_mut().find(|(name, _)| *name == stage);
        command.clone_into(&mut found.expect("a stage of this pipe").1);
        self
    }

    /// As the shell takes it.
    pub(crate) fn script(&self) -> String {
        self.0.values().map(|(_, command)| command.as_str()).collect::<Vec<_>>().join(" | ")
    }
}
