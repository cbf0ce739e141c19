//! What a set or a file system can't hold costs nothing else: it is named, and all else comes.

use tests::{Sandbox, Tree};

use crate::moo::Moo;
use crate::mount::Disk;

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

#[test]
fn names_that_a_file_system_takes_for_one_cost_no_file_in_silence() {
    let sandbox = Sandbox::new();
    let Some(disk) = Disk::exfat(&sandbox) else { return };
    let moo = Moo::plain(&sandbox);
    sandbox
        .sh("mkdir -p src/Dir src/dir && echo upper >src/README && echo lower >src/readme && \
            echo 1 >src/Dir/x && echo 2 >src/dir/x && head -c 100000 /dev/zero >src/dir/big")
        .silent();
    moo.backup("").silent();
    sandbox
        .sh("echo more >>src/readme && echo more >>src/dir/big && echo more >>src/Dir/x")
        .silent();
    moo.backup("").silent();
    for (option, out) in [("", "out"), ("--keep-going", "again")] {
        let run = sandbox.sh(&format!("moo restore {option} file://$PWD/store disk/{out}"));
        let run = run.fails_with(3);
        let run = run.stderr_has("readme: not restored").stderr_has("dir: not restored");
        assert_eq!(run.err().lines().filter(|line| line.contains("not restored")).count(), 2);
        sandbox
            .sh(&format!("cmp src/README disk/{out}/README && cmp src/Dir/x disk/{out}/Dir/x"))
            .silent();
        sandbox.sh(&format!("ls disk/{out}; ls disk/{out}/Dir")).stdout_is("Dir\nREADME\nx\n");
    }
    drop(disk);
}

#[test]
fn what_a_file_system_has_no_objects_for_is_named_and_all_else_is_restored_to_it() {
    let sandbox = Sandbox::new();
    let Some(disk) = Disk::exfat(&sandbox) else { return };
    let moo = Moo::plain(&sandbox);
    sandbox
        .sh("mkdir src && echo a >src/a && ln -s a src/link && mkfifo src/fifo && ln src/a src/hard && \
            echo z >src/z && chmod 600 src/z && truncate -s 5M src/sparse && echo n >src/link2")
        .silent();
    moo.backup("").silent();
    // Later sets make of one what can be restored, and the other way round.
    sandbox.sh("rm src/fifo src/link2 && echo file >src/fifo && ln -s a src/link2").silent();
    moo.backup("").silent();
    for (option, out) in [("", "out"), ("--keep-going", "again")] {
        let run = sandbox.sh(&format!("moo restore {option} file://$PWD/store disk/{out}"));
        let run = run.fails_with(3).stderr_has("link: not restored").stderr_has("a symbolic link");
        let run = run.stderr_has("link2: not restored").stderr_has("not restored: ");
        assert!(!run.err().contains("fifo"), "{}", run.err());
        let same =
            format!("for f in a hard z sparse fifo; do cmp src/$f disk/{out}/$f || exit; done");
        sandbox.sh(&same).silent();
        sandbox.sh(&format!("ls disk/{out}")).stdout_is("a\nfifo\nhard\nsparse\nz\n");
    }
    drop(disk);
}
