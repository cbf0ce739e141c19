//! What the new set holds.

use rustix::process::geteuid;
use tests::peers::times;
use tests::{Duplicity, Key, Sandbox, Snapshot, Tree, assert_same};

use super::{consolidate, fulls};
use crate::moo::{Moo, second};

/// What `moo list` tells of the newest state.
fn listed(sandbox: &Sandbox) -> String {
    let list = "moo list --json --archive-dir . --name archive file://$PWD/store";
    sandbox.sh(list).succeeds().out()
}

#[test]
fn a_state_with_every_kind_of_entry_is_the_same_in_one_set_and_is_built_on_by_all() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let options = format!("--encrypt-key {key} --seal-key {key} --volsize 1");
    let moo = Moo::new(&sandbox, &options);
    let tree = Tree::every_kind(sandbox.path("src"));
    tree.hard_link("same file/as well", "hard link");
    sandbox.sh("truncate -s 3M src/holes && echo moo >>src/holes").silent();
    let states = moo.days(&tree, 2);
    let before = (listed(&sandbox), times(sandbox.path("store")));
    consolidate(&sandbox, &options).silent();
    let sets = times(sandbox.path("store"));
    assert_eq!((&sets[..3], sets.len()), (&before.1[..], 4));
    assert_eq!(second(&sandbox, &sets[3]), second(&sandbox, &sets[2]) + 1);
    assert_eq!(fulls(&sandbox), [&sets[0][..], &sets[3]]);
    assert_eq!(listed(&sandbox), before.0);
    for options in ["", "src", "--quick --sample 100%"] {
        let verify =
            format!("moo verify --archive-dir . --name archive file://$PWD/store {options}");
        sandbox.sh(&verify).silent();
    }
    for (time, state) in sets.iter().zip(states.iter().chain(states.last())) {
        moo.brings_back(time, state);
    }
    is_built_on(&sandbox, &moo, &tree);
    stock_reads(&sandbox, &key, &sets[3], states.last().unwrap());
}

/// The next backup has what has changed since, and no more.
fn is_built_on(sandbox: &Sandbox, moo: &Moo, tree: &Tree) {
    let changes = "moo backup --archive-dir . --name archive --dry-run src file://$PWD/store";
    let socket = "socket   special/socket";
    sandbox.sh(changes).succeeds().stderr_is("").stdout_is(socket);
    tree.noise("order/new", 10);
    let changed = format!("changed  order\nnew      order/new\n{socket}");
    sandbox.sh(changes).succeeds().stdout_is(&changed);
    moo.backup("").silent();
    assert_eq!(fulls(sandbox).len(), 2, "an increment");
    moo.brings_back("now", &Snapshot::kept(tree.root()));
}

/// Both duplicities restore the set, list it and make increments on it, which we restore.
fn stock_reads(sandbox: &Sandbox, key: &Key, time: &str, state: &Snapshot) {
    let state = state.clone().as_stock();
    for stock in [Duplicity::old(sandbox), Duplicity::new(sandbox)] {
        let stock = stock.encrypt_to(key);
        stock.clone().archive("lost").restore_at(time, "out").succeeds();
        assert_same(&state, &Snapshot::of(sandbox.path("out")).as_stock());
        stock.list().succeeds().stdout_has(" names/space after");
        stock.status().succeeds().stdout_has("No orphaned or incomplete backup sets found");
        stock.increment("src").succeeds();
        stock.verify("src").succeeds().stdout_has(", 0 difference");
        sandbox.sh("rm -r out lost").silent();
    }
    assert_eq!(fulls(sandbox).len(), 2, "increments");
    Moo::encrypted(sandbox, key).restore("").silent();
    let newest = Snapshot::by_stock(sandbox.path("src"));
    assert_same(&newest, &Snapshot::by_stock(sandbox.path("out")));
}

#[test]
fn what_could_not_be_read_is_kept_as_it_was_last_read() {
    if !geteuid().is_root() {
        tests::not_tried("not root: what another user may not read");
        return;
    }
    let sandbox = Sandbox::for_everybody();
    let tree = Tree::small(sandbox.path("src"));
    tree.noise("closed/file", 1000);
    tree.noise("secret", 1000);
    sandbox.sh("chown -R nobody . && chmod 755 .").silent();
    let backup = "setpriv --reuid nobody --regid nogroup --clear-groups \
        moo backup --archive-dir . --name archive --no-encryption src file://$PWD/store";
    sandbox.sh(backup).silent();
    let moo = Moo::plain(&sandbox);
    sandbox
        .sh("chown -R root src/closed src/secret && chmod 700 src/closed && chmod 600 src/secret")
        .silent();
    sandbox.sh(backup).fails_with(3);
    moo.restore("").silent();
    let state = Snapshot::of(sandbox.path("out"));
    sandbox.remove("out");
    consolidate(&sandbox, "--no-encryption").silent();
    assert_eq!(fulls(&sandbox).len(), 2);
    moo.brings_back("now", &state);
}

#[test]
fn who_is_not_root_makes_a_set_that_gives_all_to_root() {
    let sandbox = Sandbox::for_everybody();
    let tree = Tree::every_kind(sandbox.path("src"));
    let moo = Moo::plain(&sandbox);
    moo.backup("").silent();
    tree.noise("new", 10);
    moo.backup("").silent();
    let state = Snapshot::kept(tree.root());
    let whole = super::script("--no-encryption");
    if geteuid().is_root() {
        sandbox.sh("mkdir tmp && chown -R nobody store archive tmp && chmod 755 .").silent();
        let user = "setpriv --reuid nobody --regid nogroup --clear-groups";
        std::fs::write(sandbox.path("run"), whole).unwrap();
        sandbox.sh(&format!("HOME=$PWD/tmp {user} sh run")).silent();
    } else {
        sandbox.sh(&whole).silent();
    }
    assert_eq!(fulls(&sandbox).len(), 2);
    moo.brings_back("now", &state);
}

#[test]
fn a_single_file_is_consolidated_too() {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.path("src"), [7; 100_000]).unwrap();
    let moo = Moo::plain(&sandbox);
    moo.backup("").silent();
    std::fs::write(sandbox.path("src"), [8; 70_000]).unwrap();
    moo.backup("").silent();
    consolidate(&sandbox, "--no-encryption").silent();
    moo.brings_back("now", &Snapshot::kept(sandbox.path("src")));
}
