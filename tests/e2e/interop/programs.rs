//! The three programs that share a store, called with options that all of them know.

use tests::{Duplicity, Run, Sandbox, Snapshot, assert_same, long};

use crate::moo::stored;

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Moo,
    Old,
    New,
}

pub(crate) use Who::{Moo, New, Old};

/// All of these programs in the long form; else one, another one for each test.
pub(crate) fn sample(all: &[Who], which: usize) -> Vec<Who> {
    if long() { all.to_vec() } else { vec![all[which % all.len()]] }
}

/// A program with its options and its archive folder. The store is `store`.
pub(crate) struct Program<'a> {
    pub(crate) who: Who,
    sandbox: &'a Sandbox,
    options: String,
    restore: String,
    pub(crate) archive: String,
}

/// All three, with these options.
pub(crate) fn all<'a>(sandbox: &'a Sandbox, options: &str) -> [Program<'a>; 3] {
    [Moo, Old, New].map(|who| Program::new(sandbox, who, options))
}

impl<'a> Program<'a> {
    /// That one, with options for its backups, which duplicity is given for restores too.
    pub(crate) fn new(sandbox: &'a Sandbox, who: Who, options: &str) -> Program<'a> {
        let (options, archive) = (options.to_owned(), "archive".to_owned());
        Program { who, sandbox, options, restore: String::new(), archive }
    }

    /// With options for restores by moobacker.
    pub(crate) fn restore_option(mut self, words: &str) -> Program<'a> {
        words.clone_into(&mut self.restore);
        self
    }

    /// With another archive folder; one that is not there is one that was lost.
    pub(crate) fn archive(mut self, folder: &str) -> Program<'a> {
        folder.clone_into(&mut self.archive);
        self
    }

    /// As a duplicity, with the same options and the same archive.
    pub(crate) fn duplicity(&self) -> Duplicity<'a> {
        let program = match self.who {
            Old => Duplicity::old(self.sandbox),
            _ => Duplicity::new(self.sandbox),
        };
        program.archive(&self.archive).option(&self.options)
    }

    /// A full set of that source.
    pub(crate) fn full(&self, source: &str) {
        match self.who {
            Moo => drop(self.moo("full", source).succeeds()),
            _ => drop(self.duplicity().full(source).succeeds()),
        }
    }

    /// An increment; without any message if it is one of moobacker's.
    pub(crate) fn increment(&self, source: &str) {
        match self.who {
            Moo => drop(self.moo("inc", source).succeeds()),
            _ => drop(self.duplicity().increment(source).succeeds()),
        }
    }

    /// `moo backup`, whatever program this is.
    pub(crate) fn moo(&self, kind: &str, source: &str) -> Run {
        let Program { options, archive, .. } = self;
        self.sandbox.sh(&format!(
            "moo backup {kind} --archive-dir . --name {archive} {options} {source} file://$PWD/store"
        ))
    }

    /// A restore into the folder `out`, of a state or, without a time, of the newest.
    pub(crate) fn restore(&self, time: &str) -> Run {
        if self.who != Moo {
            return self.duplicity().restore_at(time, "out");
        }
        let Program { restore, archive, .. } = self;
        self.sandbox.sh(&format!(
            "moo restore --archive-dir . --name {archive} {restore} --time {time} \
             file://$PWD/store out"
        ))
    }

    /// The state at a time is that; what moobacker says besides is a failure.
    #[track_caller]
    pub(crate) fn brings_back(&self, time: &str, state: &Snapshot) {
        let run = self.restore(time).succeeds();
        assert!(self.who != Moo || run.err().is_empty(), "{}", run.err());
        assert_same(state, &Snapshot::by_stock(self.sandbox.path("out")));
        self.sandbox.remove("out");
    }

    /// Each state of the store is the one that was kept of it.
    #[track_caller]
    pub(crate) fn brings_back_all(&self, states: &[Snapshot]) {
        let times = stored(self.sandbox);
        assert_eq!(times.len(), states.len(), "{times:?}");
        for (time, state) in times.iter().zip(states) {
            self.brings_back(time, state);
        }
    }

    /// duplicity finds the newest state equal to the source, the sets whole, nothing to remove.
    #[track_caller]
    pub(crate) fn is_content(&self, source: &str) {
        let peer = self.duplicity();
        peer.verify(source).succeeds().stdout_has(", 0 difference");
        peer.cleanup().succeeds().stdout_has("No extraneous files found");
        let whole = "No orphaned or incomplete backup sets found";
        peer.status().succeeds().stdout_has(whole);
        peer.list().succeeds();
    }
}
