//! A source in which everything changes all the time: files in each way in which one can, names
//! that come, go and turn into something else, directories that get other names. What is restored
//! of a file is what it was at one moment, or a line names it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use tests::{Duplicity, Sandbox, Snapshot, Tree, assert_same, long};

use super::blocks::version;
use super::names::{NAMED, SMALL, are_whole, move_on, turn_into};
use super::writers::{WAYS, Writer};
use crate::moo::{Moo, stored};

/// How long the long run goes on.
const LONG: Duration = Duration::from_secs(240);

/// What was found in so many restored sets.
#[derive(Default, Debug)]
struct Tally {
    sets: usize,
    files: usize,
    torn: usize,
    named: usize,
}

/// A source that lives.
struct Source {
    writers: Vec<Writer>,
    still: Snapshot,
}

impl Source {
    fn new(tree: &Tree) -> Source {
        tree.noise("still/a", 100_000);
        tree.noise("still/b", 100);
        tree.symlink("still/link", "a");
        let still = Snapshot::kept(tree.path("still"));
        for name in ["names", "moves/one"] {
            tree.folder(name);
        }
        for number in 0..3 {
            let name = format!("moves/one/{number}");
            tree.file(&name, &version(NAMED, 0, SMALL));
        }
        let writers = WAYS.into_iter().zip(0..).map(|(way, n)| Writer::new(tree.root(), way, n));
        Source { writers: writers.collect(), still }
    }

    /// Lets it live while something is done.
    fn while_it_lives<T>(&self, root: &Path, act: impl FnOnce() -> T) -> T {
        let over = AtomicBool::new(false);
        let again = |pause: u64, step: &dyn Fn(u64)| {
            for turn in 0.. {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                step(turn);
                sleep(Duration::from_micros(pause));
            }
        };
        scope(|scope| {
            for writer in &self.writers {
                let again = &again;
                scope.spawn(move || again(1500, &|_| writer.step()));
            }
            scope.spawn(|| again(3000, &|turn| turn_into(&root.join("names/it"), turn)));
            scope.spawn(|| again(5000, &|turn| move_on(&root.join("moves"), turn)));
            let done = act();
            over.store(true, Ordering::Relaxed);
            done
        })
    }

    /// Looks at what was restored of it, with the paths that the backup has named.
    fn judge(&self, out: &Path, named: &BTreeSet<String>, tally: &mut Tally) {
        assert_same(&self.still, &Snapshot::kept(out.join("still")));
        for writer in &self.writers {
            let content = fs::read(out.join(&writer.name)).unwrap_or_else(|error| {
                assert!(named.contains(&writer.name), "{}: {error}", writer.name);
                Vec::new()
            });
            let whole = content.is_empty() || writer.has_been(&content);
            let told = named.contains(&writer.name);
            assert!(whole || told, "{}: never was like that, and nobody tells", writer.name);
            tally.files += 1;
            tally.torn += usize::from(!whole);
            tally.named += usize::from(told);
        }
        for folder in ["names", "moves"] {
            are_whole(&out.join(folder));
        }
    }
}

/// A backup with a moo-scan that reads slowly. Returns the paths that it names.
fn backup(sandbox: &Sandbox, kind: &str) -> BTreeSet<String> {
    let run = sandbox.sh(&format!(
        "PATH=$PWD/.slow:$PATH; exec $commands/backup.sh {kind} --archive-dir . --name archive \
            --no-encryption --no-compression src file://$PWD/store"
    ));
    let said = run.err();
    let name = |line: &str| {
        let path = line.strip_prefix("moo backup: src/")?.split(": ").next()?;
        Some(path.to_owned())
    };
    let named: Option<BTreeSet<_>> = said.lines().map(name).collect();
    let named = named.unwrap_or_else(|| panic!("{said}"));
    assert_eq!(run.status, if named.is_empty() { 0 } else { 3 }, "{said}");
    named
}

/// A moo-scan that needs some time for each read.
fn slow(sandbox: &Sandbox) {
    let real = tests::sandbox::programs().join("moo-scan");
    let strace = "strace -f --seccomp-bpf -qqq -o /dev/null -e trace=pread64 \
        -e inject=pread64:delay_exit=2000";
    let file = sandbox.path(".slow/moo-scan");
    fs::create_dir(sandbox.path(".slow")).unwrap();
    fs::write(&file, format!("#!/bin/sh\nexec {strace} '{}' \"$@\"\n", real.display())).unwrap();
    fs::set_permissions(file, PermissionsExt::from_mode(0o755)).unwrap();
}

/// A chain of so many sets, made while the source lives, and one more when it has come to rest.
fn chain(increments: usize, tally: &mut Tally) {
    let sandbox = Sandbox::new();
    slow(&sandbox);
    let tree = Tree::empty(sandbox.path("src"));
    let source = Source::new(&tree);
    let moo = Moo::plain(&sandbox);
    let mut states = Vec::new();
    for number in 0..=increments {
        let kind = if number == 0 { "full" } else { "inc" };
        let named = source.while_it_lives(tree.root(), || backup(&sandbox, kind));
        moo.restore("").silent();
        source.judge(&sandbox.path("out"), &named, tally);
        states.push(Snapshot::kept(sandbox.path("out")));
        sandbox.remove("out");
        tally.sets += 1;
    }
    moo.backup("inc").silent();
    states.push(Snapshot::kept(tree.root()));
    let times = stored(&sandbox);
    assert_eq!(times.len(), states.len());
    for (time, state) in times.iter().zip(&states) {
        moo.brings_back(time, state);
    }
    let peers = [Duplicity::old(&sandbox), Duplicity::new(&sandbox)];
    for (number, (time, state)) in times.iter().zip(&states).enumerate().skip(1) {
        if number > 1 && !long() {
            break;
        }
        let peer = peers[number % 2].clone().plain().archive("lost");
        peer.restore_at(time, "stock").succeeds();
        assert_same(&state.clone().as_stock(), &Snapshot::by_stock(sandbox.path("stock")));
        sandbox.sh("rm -rf stock lost").silent();
    }
}

#[test]
fn of_a_source_that_changes_all_the_time_each_file_is_of_one_moment_or_named() {
    let (start, mut tally) = (Instant::now(), Tally::default());
    let increments = if long() { 5 } else { 2 };
    loop {
        chain(increments, &mut tally);
        if !long() || start.elapsed() > LONG {
            break;
        }
    }
    eprintln!("a living source: {tally:?}");
    assert!(tally.torn > 0 && tally.named >= tally.torn, "some were caught in the middle");
}
