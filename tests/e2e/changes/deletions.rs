//! Sources and selections that are empty by mistake.

use tests::{Sandbox, Tree};

use crate::moo::Moo;

fn many(sandbox: &Sandbox) -> Tree {
    let tree = Tree::empty(sandbox.path("src"));
    sandbox.sh("mkdir src/a src/b && cd src && seq 120 | sed s,^,a/, | xargs touch").silent();
    sandbox.sh("cd src && seq 80 | sed s,^,b/, | xargs touch").silent();
    tree
}

#[test]
fn an_empty_list_of_files_made_an_empty_backup_and_is_refused() {
    let sandbox = Sandbox::new();
    let _tree = Tree::small(sandbox.path("src"));
    sandbox.sh("printf '\\n\\n' >list && echo nowhere >other").silent();
    let moo = Moo::plain(&sandbox);
    let listed =
        |list: &str| Moo::plain(&sandbox).option(&format!("--files-from {list}")).backup("");
    listed("list").fails_with(2).one_message().stderr_has("list: lists no path");
    moo.backup("").silent();
    listed("list").fails_with(2).one_message().stderr_has("list: lists no path");
    listed("other").fails_with(2).stderr_has("src: nothing in it is selected");
    sandbox.sh("ls store | grep -c manifest").succeeds().stdout_is("1");
}

#[test]
fn a_source_that_is_empty_because_its_disk_is_not_mounted_was_recorded_as_deleted_and_is_refused() {
    let sandbox = Sandbox::new();
    let _tree = Tree::small(sandbox.path("src"));
    let moo = Moo::plain(&sandbox);
    moo.backup("").silent();
    sandbox.sh("chmod -R u+rwx src; mv src away && mkdir src").silent();
    moo.backup("").fails_with(1).one_message().stderr_has("src: is empty, but the last backup");
    sandbox.sh("ls store | grep -c manifest").succeeds().stdout_is("1");
    let moo = moo.option("--allow-deletions");
    moo.backup("").succeeds().one_message().stderr_has("contains nothing to back up");
}

#[test]
fn a_run_that_would_record_most_of_a_source_as_deleted_fails_and_is_resumed_when_that_is_meant() {
    let sandbox = Sandbox::new();
    let tree = many(&sandbox);
    let moo = Moo::plain(&sandbox).option("--volsize 1");
    moo.backup("").silent();
    tree.noise("0", 3_000_000);
    sandbox.sh("rm -r src/a").silent();
    let run = moo.backup("").fails_with(1).one_message();
    drop(run.stderr_has("src: 121 of the 203 entries").stderr_has("--allow-deletions"));
    sandbox.sh("ls store | grep -c manifest").succeeds().stdout_is("1");
    let moo = moo.option("--allow-deletions -v info");
    moo.backup("").succeeds().stderr_has("resuming after volume");
    sandbox.sh("moo restore file://$PWD/store out && diff -r src out").silent();
}

#[test]
fn a_new_exclude_that_deletes_most_of_a_source_asks_too() {
    let sandbox = Sandbox::new();
    let _tree = many(&sandbox);
    Moo::plain(&sandbox).backup("").silent();
    let moo = Moo::plain(&sandbox).option("--exclude src/a");
    moo.backup("").fails_with(1).one_message().stderr_has("are gone, or excluded now");
    moo.option("--allow-deletions").backup("").silent();
}

#[test]
fn a_dry_run_that_fails_wrote_a_tar_where_a_list_belongs_and_writes_nothing() {
    let sandbox = Sandbox::new();
    sandbox.sh("moo-scan --dry-run nowhere").fails_with(1).one_message().stdout_is("");
    sandbox.sh("moo-scan --dry-run --no-such-option src").fails_with(2).stdout_is("");
    let dry = "moo backup --no-encryption --dry-run nowhere file://$PWD/store";
    sandbox.sh(dry).fails_with(1).one_message().stdout_is("");
}
