//! What a set or a file system can't hold costs nothing else: it is named, and all else comes.

mod systems;

use tests::{Sandbox, Tree};

use crate::moo::Moo;

/// Makes `COUNT` directories of a name below one another, in `FOLDER`, without a path.
const NEST: &str = r#"
import os, sys
at = os.open(sys.argv[1], os.O_RDONLY)
for _ in range(int(sys.argv[3])):
    os.mkdir(sys.argv[2], dir_fd=at)
    below = os.open(sys.argv[2], os.O_RDONLY, dir_fd=at)
    os.close(at)
    at = below
"#;

fn nest(sandbox: &Sandbox, folder: &str, name: &str, count: u32) {
    std::fs::write(sandbox.path("nest.py"), NEST).unwrap();
    let made = format!("mkdir -p '{folder}' && python3 nest.py '{folder}' '{name}' {count}");
    sandbox.sh(&made).silent();
}

/// Backs up what a path of that shape spoils, three times, and restores all else.
fn a_subtree_costs_nothing_else(name: &str, count: u32, inner: &str) {
    let sandbox = Sandbox::new();
    Tree::small(sandbox.path("src"));
    sandbox.sh("mkdir src/bob && echo one >src/bob/file").silent();
    nest(&sandbox, &format!("src/{inner}"), name, count);
    let moo = Moo::plain(&sandbox);
    for state in ["one", "two"] {
        sandbox.sh(&format!("echo {state} >src/bob/file")).silent();
        let run = moo.backup("").fails_with(3).one_message();
        run.stderr_has("1 entry in it not backed up: paths of more than 4000 bytes");
        moo.restore("").silent();
        sandbox.sh("cmp src/bob/file out/bob/file").silent();
        sandbox.remove("out");
    }
    sandbox.sh(&format!("rm -rf 'src/{inner}'")).silent();
    // Most of the source is gone.
    let moo = moo.option("--allow-deletions");
    for _ in 0..2 {
        moo.backup("").silent();
        moo.restore("").silent();
        sandbox.sh("diff -r --no-dereference src out").silent();
        sandbox.remove("out");
    }
}

#[test]
fn thousands_of_nested_folders_of_a_user_are_named_and_all_else_is_backed_up_and_restored() {
    a_subtree_costs_nothing_else("d", 4100, "alice");
}

#[test]
fn a_path_of_many_kilobytes_spoils_no_backup_where_it_comes_first() {
    a_subtree_costs_nothing_else(&" ".repeat(250), 1100, "!");
}

#[test]
fn a_path_of_many_kilobytes_spoils_no_backup_where_it_comes_last() {
    a_subtree_costs_nothing_else(&" ".repeat(250), 1100, "~");
}
