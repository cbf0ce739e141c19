//! Sources and chains of every shape, between all three programs.

use tests::{Sandbox, Snapshot, Tree, assert_same, long};

use super::programs::{Moo, New, Old, Who, all};
use crate::moo::{second, stored};

/// A full set and an increment of a source by each program, restored by all in the long form, and
/// else by us and one other.
fn travels(name: &str, source: &str, make: impl Fn(&Tree), change: impl Fn(&Tree)) {
    let writers = if long() { vec![Moo, Old, New] } else { vec![Moo, other(&name[1..])] };
    for writer in writers {
        eprintln!("{name}: by {writer:?}");
        let sandbox = Sandbox::new();
        let tree = Tree::empty(sandbox.path("src"));
        make(&tree);
        let programs = all(&sandbox, "--no-encryption");
        let by = programs.iter().find(|program| program.who == writer).unwrap();
        let mut states = vec![Snapshot::by_stock(sandbox.path(source))];
        by.full(source);
        change(&tree);
        states.push(Snapshot::by_stock(sandbox.path(source)));
        by.increment(source);
        for reader in &programs {
            if long() || reader.who == Moo || (writer == Moo && reader.who == other(name)) {
                reader.brings_back_all(&states);
            }
        }
    }
}

/// The duplicity that reads this shape in the short form.
fn other(name: &str) -> Who {
    if name.len().is_multiple_of(2) { Old } else { New }
}

#[test]
fn a_day_without_changes_travels_between_all_programs() {
    travels("no change", "src", |tree| tree.noise("f", 70_000), |_| ());
}

#[test]
fn an_empty_folder_travels_between_all_programs() {
    travels("empty", "src", |_| (), |tree| tree.mtime("", 1_700_000_777, 0));
}

#[test]
fn a_single_file_travels_between_all_programs() {
    for size in [3000, 65_536, 200_000] {
        if !long() && size == 3000 {
            continue;
        }
        let change = |tree: &Tree| {
            tree.edit("f", |content| content.insert(1000, 7));
            tree.mtime("f", 1_700_000_777, 0);
        };
        travels(&format!("a file of {size}"), "src/f", |tree| tree.noise("f", size), change);
    }
}

/// Two chains, of both duplicities and of ours.
#[test]
fn each_time_between_the_sets_of_two_chains_is_the_state_that_was_stored_last() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    let programs = all(&sandbox, "--no-encryption");
    let mut states = Vec::new();
    for (day, (writer, full)) in
        [(1, true), (0, false), (2, false), (0, true), (1, false), (2, false)].iter().enumerate()
    {
        tree.noise(format!("day {day}"), 1000);
        states.push(Snapshot::by_stock(tree.root()));
        sandbox.sh("sleep 2").silent();
        if *full { programs[*writer].full("src") } else { programs[*writer].increment("src") }
    }
    let times = stored(&sandbox);
    let readers = if long() { &programs[..] } else { &programs[..2] };
    for reader in readers {
        for (time, state) in times.iter().zip(&states) {
            let second = second(&sandbox, time);
            // In the short form stock tells what it thinks of the first one only.
            if long() || reader.who == Moo || *time == times[3] {
                reader.brings_back(&second.to_string(), state);
                reader.brings_back(&(second + 1).to_string(), state);
            }
        }
        reader.brings_back("now", states.last().unwrap());
    }
}

/// Files and folders of a store in volumes, and what is not there.
#[test]
fn one_path_of_a_store_of_each_program_comes_back_by_each_other() {
    let paths = ["a first", "b spans", "folder", "folder/deep/file", "folder/link", "z last"];
    for writer in if long() { vec![Moo, Old, New] } else { vec![Moo, New] } {
        let sandbox = Sandbox::new();
        let tree = Tree::empty(sandbox.path("src"));
        tree.noise("a first", 1000);
        tree.noise("b spans", 2_500_000);
        tree.noise("folder/deep/file", 100_000);
        tree.symlink("folder/link", "deep");
        tree.noise("z last", 1000);
        let programs = all(&sandbox, "--no-encryption --volsize 1");
        let by = programs.iter().find(|program| program.who == writer).unwrap();
        by.full("src");
        tree.edit("b spans", |content| content[1_000_000] ^= 1);
        tree.mtime("b spans", 1_700_000_001, 0);
        by.increment("src");
        for (number, path) in paths.iter().enumerate() {
            let state = Snapshot::by_stock(tree.path(path));
            let url = "file://$PWD/store out";
            sandbox.sh(&format!("moo restore --path '{path}' {url}")).silent();
            assert_same(&state, &Snapshot::by_stock(sandbox.path("out")));
            sandbox.sh("rm -r out").silent();
            for reader in &programs[1..] {
                if long() || (writer == Moo && number % 4 == usize::from(reader.who == New)) {
                    reader.duplicity().restore_path(path, "out").succeeds();
                    assert_same(&state, &Snapshot::by_stock(sandbox.path("out")));
                    sandbox.sh("rm -r out").silent();
                }
            }
        }
        sandbox.sh("moo restore --path absent file://$PWD/store out").fails_with(10).one_message();
    }
}

#[test]
fn a_chain_of_another_source_is_refused_by_both_sides() {
    for writer in [Moo, Old, New] {
        let sandbox = Sandbox::new();
        Tree::small(sandbox.path("src"));
        Tree::small(sandbox.path("other"));
        let programs = all(&sandbox, "--no-encryption");
        programs.iter().find(|program| program.who == writer).unwrap().full("src");
        let refused = programs[0].moo("inc", "other").fails_with(2).one_message();
        refused.stderr_has("--allow-source-mismatch");
        for reader in &programs[1..] {
            if writer == Moo {
                reader.duplicity().increment("other").fails_with(42);
            }
        }
    }
}

/// What duplicity keeps no better than a few sizes at which its numbers end.
#[test]
fn files_of_more_than_four_gib_travel_both_ways() {
    if !long() {
        eprintln!("files of more than 4 GiB: only in the long form");
        return;
    }
    for writer in [Moo, New] {
        let sandbox = Sandbox::new();
        let tree = Tree::empty(sandbox.path("src"));
        tree.noise("large", 1_000_000);
        sandbox.sh("truncate -s 4G src/large && echo moo >>src/large").silent();
        tree.mtime("large", 1_700_000_000, 0);
        let programs = all(&sandbox, "--no-encryption --volsize 300");
        let by = programs.iter().find(|program| program.who == writer).unwrap();
        by.full("src");
        sandbox.sh("printf cow | dd of=src/large bs=1 seek=4294967296 conv=notrunc").succeeds();
        tree.mtime("large", 1_700_000_009, 0);
        by.increment("src");
        for reader in &programs {
            reader.restore("now").succeeds();
            sandbox.sh("cmp src/large out/large && rm -r out").silent();
        }
    }
}
