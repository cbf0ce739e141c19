//! Stages that are killed, one at a time or all at once, at many moments: what is stored stays
//! whole, and the next run needs no hand.

use std::cell::RefCell;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tests::damage::find_all;
use tests::{Duplicity, Sandbox, Snapshot, Tree, assert_same};

use super::process::{Running, signal};
use crate::captured::Pipe;
use crate::moo::{Moo, stored};

/// A source, its backups, and the last state that is known to be stored.
struct Subject<'a> {
    sandbox: &'a Sandbox,
    moo: Moo<'a>,
    tree: Tree,
    /// How long an undisturbed run takes.
    usual: Duration,
    last: RefCell<(String, Snapshot)>,
}

impl<'a> Subject<'a> {
    fn new(sandbox: &'a Sandbox) -> Subject<'a> {
        let tree = Tree::small(sandbox.path("src"));
        tree.noise("changes", 6_000_000);
        let moo = Moo::plain(sandbox).option("--volsize 1");
        let start = Instant::now();
        moo.backup("full").silent();
        let last = RefCell::new((newest(sandbox), Snapshot::kept(tree.root())));
        Subject { sandbox, moo, tree, usual: start.elapsed(), last }
    }

    /// A run of that kind on a tree that has changed, and that is disturbed.
    fn disturbed(&self, kind: &str, number: u32, disturb: impl FnOnce(&mut Running)) {
        let change = number.to_le_bytes();
        self.tree.edit("changes", |content| {
            content.rotate_left(1_234_567);
            content[..4].copy_from_slice(&change);
        });
        self.tree.mtime("changes", 1_700_000_000 + i64::from(number), 5);
        let before = stored(self.sandbox);
        let options = "--archive-dir . --name archive --no-encryption --volsize 1";
        let script = format!("exec moo backup {kind} {options} src file://$PWD/store");
        let mut running = Running::start(self.sandbox, &script);
        disturb(&mut running);
        let succeeded = running.wait().success();
        let more = stored(self.sandbox).len() - before.len();
        assert!(more == usize::from(succeeded) || (more == 1 && !succeeded));
        self.last_state_is_there();
        if more == 1 {
            // Its manifest is there, so all of it is.
            self.moo.brings_back(&newest(self.sandbox), &Snapshot::kept(self.tree.root()));
        }
    }

    fn last_state_is_there(&self) {
        let (time, state) = &*self.last.borrow();
        self.moo.restore(&format!("--time {time}")).silent();
        assert_same(state, &Snapshot::kept(self.sandbox.path("out")));
        self.sandbox.remove("out");
    }

    fn duplicity_agrees(&self) {
        let (time, state) = &*self.last.borrow();
        let duplicity = Duplicity::old(self.sandbox).plain().archive("lost");
        duplicity.restore_at(time, "out").succeeds();
        assert_same(&state.clone().as_stock(), &Snapshot::by_stock(self.sandbox.path("out")));
        self.sandbox.sh("rm -r out lost").silent();
    }

    /// The next run is a good one, and goes on with the chain that is there, or with the set of
    /// that kind that was begun.
    fn goes_on(&self, begun: &str) {
        let before = fulls(self.sandbox);
        self.moo.backup("").silent();
        let state = Snapshot::kept(self.tree.root());
        self.moo.brings_back("now", &state);
        let more = fulls(self.sandbox) - before;
        assert!(more <= usize::from(begun == "full"), "an increment");
        assert!(find_all(self.sandbox.path("store"), ".upload-").is_empty(), "nothing is left");
        assert!(find_all(self.sandbox.path("archive"), ".part").is_empty());
        self.last.replace((newest(self.sandbox), state));
    }
}

/// How many full sets there are, the temporary files of others aside.
fn fulls(sandbox: &Sandbox) -> usize {
    let all = find_all(sandbox.path("store"), "-full.").into_iter();
    let manifests = all.filter(|file| file.extension().is_some_and(|end| end == "manifest"));
    manifests.filter(|file| !file.to_string_lossy().contains(".upload-")).count()
}

fn newest(sandbox: &Sandbox) -> String {
    stored(sandbox).pop().unwrap()
}

/// Kills one stage at so many moments of its usual time.
fn killed(stage: &str, moments: u32) {
    let sandbox = Sandbox::new();
    let subject = Subject::new(&sandbox);
    for moment in 0..moments {
        let kind = if moment % 3 == 2 { "full" } else { "inc" };
        subject.disturbed(kind, moment, |running| {
            let Some(process) = running.find(stage) else { return };
            sleep(subject.usual * moment / moments);
            signal(process, Signal::KILL);
        });
        if moment + 1 == moments {
            subject.duplicity_agrees();
        }
        subject.goes_on(kind);
    }
}

#[test]
fn moo_scan_may_be_killed_at_any_moment() {
    killed("moo-scan", 5);
}

#[test]
fn moo_sign_may_be_killed_at_any_moment() {
    killed("moo-sign", 4);
}

#[test]
fn moo_delta_may_be_killed_at_any_moment() {
    killed("moo-delta", 4);
}

#[test]
fn moo_pack_may_be_killed_at_any_moment() {
    killed("moo-pack", 5);
}

#[test]
fn moo_encrypt_may_be_killed_at_any_moment() {
    killed("moo-encrypt", 5);
}

#[test]
fn moo_upload_may_be_killed_at_any_moment() {
    killed("moo-upload", 8);
}

#[test]
fn moo_commit_may_be_killed_at_any_moment() {
    killed("moo-commit", 8);
}

#[test]
fn all_stages_may_be_killed_at_once_at_any_moment() {
    let sandbox = Sandbox::new();
    let subject = Subject::new(&sandbox);
    for moment in 0..16 {
        let kind = if moment % 3 == 2 { "full" } else { "inc" };
        subject.disturbed(kind, moment, |running| {
            sleep(subject.usual * moment / 14);
            running.kill();
        });
        if moment % 8 == 7 {
            subject.duplicity_agrees();
        }
        subject.goes_on(kind);
    }
}

#[test]
fn a_restore_that_is_killed_leaves_a_whole_destination_or_none_and_the_next_one_works() {
    let sandbox = Sandbox::new();
    let subject = Subject::new(&sandbox);
    let script = Pipe::restore().script();
    for name in Pipe::restore().names() {
        for moment in 0..4 {
            let mut running = Running::start(&sandbox, &script);
            if let Some(process) = running.find(name) {
                sleep(subject.usual * moment / 8);
                signal(process, Signal::KILL);
            }
            let succeeded = running.wait().success();
            // It may have had its name already when it was killed, and then it is whole.
            if sandbox.path("out").exists() {
                assert_same(&subject.last.borrow().1, &Snapshot::kept(sandbox.path("out")));
                sandbox.remove("out");
            } else {
                assert!(!succeeded);
            }
            subject.last_state_is_there();
            let left = find_all(sandbox.path(""), ".out.moo-");
            assert!(left.is_empty(), "{left:?}");
        }
    }
}
