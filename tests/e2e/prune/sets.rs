//! Stores of a few chains, and pruning them.

use tests::{Duplicity, Run, Sandbox, Snapshot, Tree};

use crate::moo::{Moo, stored};

/// A store of chains, each state as it was, and the archive.
pub(crate) struct Chains {
    pub(crate) sandbox: Sandbox,
    pub(crate) states: Vec<Snapshot>,
    pub(crate) times: Vec<String>,
    options: &'static str,
}

impl Chains {
    /// With sets of these kinds.
    pub(crate) fn new(kinds: &[&str]) -> Chains {
        Chains::with(Sandbox::new(), "--no-encryption", kinds)
    }

    /// With those options for `moo backup`.
    pub(crate) fn with(sandbox: Sandbox, options: &'static str, kinds: &[&str]) -> Chains {
        let tree = Tree::small(sandbox.path("src"));
        let moo = Moo::new(&sandbox, options);
        let mut states = Vec::new();
        for (day, kind) in kinds.iter().enumerate() {
            tree.noise(format!("day {day}"), 1000);
            states.push(Snapshot::kept(tree.root()));
            moo.backup(kind).silent();
        }
        let times = stored(&sandbox);
        assert_eq!(times.len(), kinds.len());
        Chains { sandbox, states, times, options }
    }

    /// The time of a set as people read it. The sandbox has UTC.
    pub(crate) fn shown(&self, index: usize) -> String {
        let time = &self.times[index];
        let [date, clock] = [&time[..8], &time[9..15]];
        let (date, clock) =
            ([&date[..4], &date[4..6], &date[6..]], [&clock[..2], &clock[2..4], &clock[4..]]);
        format!("{}T{}+00:00", date.join("-"), clock.join(":"))
    }

    pub(crate) fn moo(&self) -> Moo<'_> {
        Moo::new(&self.sandbox, self.options)
    }

    /// `moo prune OPTIONS`.
    #[must_use = "a run proves nothing until something is asserted of it"]
    pub(crate) fn prune(&self, options: &str) -> Run {
        self.sandbox.sh(&format!("moo prune {}", self.words(options)))
    }

    /// `moo cleanup OPTIONS`.
    #[must_use = "a run proves nothing until something is asserted of it"]
    pub(crate) fn cleanup(&self, options: &str) -> Run {
        self.sandbox.sh(&format!("moo cleanup {}", self.words(options)))
    }

    pub(crate) fn words(&self, options: &str) -> String {
        format!("{options} --archive-dir . --name archive file://$PWD/store")
    }

    /// Each of these states is there for us, with the archive and without, and no other set is.
    #[track_caller]
    pub(crate) fn has_only(&self, left: &[usize]) {
        let times: Vec<_> = left.iter().map(|&index| self.times[index].clone()).collect();
        assert_eq!(stored(&self.sandbox), times);
        for &index in left {
            self.comes_back(index);
        }
    }

    #[track_caller]
    pub(crate) fn comes_back(&self, index: usize) {
        let archive = if index.is_multiple_of(2) { "archive" } else { "lost" };
        self.moo().archive(archive).brings_back(&self.times[index], &self.states[index]);
    }

    /// The same for a duplicity that has no archive.
    #[track_caller]
    pub(crate) fn comes_back_by(&self, duplicity: Duplicity<'_>, index: usize) {
        let duplicity = duplicity.plain().archive("theirs");
        duplicity.restore_at(&self.times[index], "out").succeeds();
        let state = self.states[index].clone().as_stock();
        tests::assert_same(&state, &Snapshot::by_stock(self.sandbox.path("out")));
        self.sandbox.sh("rm -r out theirs").silent();
    }

    /// The files of the store and of the archive, all but the lock.
    pub(crate) fn files(&self) -> String {
        self.sandbox.sh("ls -AR store archive").out().replace("lockfile\n", "")
    }
}
