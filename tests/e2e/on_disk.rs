//! What a restore that has ended has on the disk.

use tests::Sandbox;

use crate::moo::Moo;

/// Two states of a source, and a restore whose calls of these kinds are in `trace`.
fn traced(sandbox: &Sandbox, inject: &str, path: &str, destination: &str) -> tests::Run {
    let calls = "strace -f -o trace -e trace=syncfs,fsync,rename,renameat,renameat2";
    let patch = format!("{calls} {inject} moo-patch {destination}");
    sandbox.sh(&format!("moo-fetch {path} file://$PWD/store | moo-decrypt | {patch}"))
}

/// The names of the calls, in their order.
fn calls(sandbox: &Sandbox) -> String {
    let names = "sed -n 's/^[0-9]* *\\([a-z]*\\)[0-9]*(.*/\\1/p' trace | sed s/renameat/rename/ | tr '\\n' ' '";
    sandbox.sh(names).out().trim().to_owned()
}

fn stored() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir -p src/dir && echo a >src/a && echo b >src/dir/b").silent();
    Moo::plain(&sandbox).backup("").silent();
    sandbox
}

#[test]
fn a_restored_tree_was_lost_by_a_crash_after_status_0_and_is_on_the_disk_before_it_gets_its_name() {
    let sandbox = stored();
    traced(&sandbox, "", "", "out").silent();
    assert_eq!(calls(&sandbox), "syncfs rename fsync");
    sandbox.sh("diff -r src out && mkdir empty").silent();
    traced(&sandbox, "", "", "empty").silent();
    assert_eq!(calls(&sandbox), "syncfs rename fsync");
    // Objects that are moved into a directory one by one are on the disk before, their names after.
    traced(&sandbox, "", "", "--merge out").silent();
    let merged = calls(&sandbox);
    assert!(merged.starts_with("syncfs rename") && merged.ends_with("rename syncfs"), "{merged}");
    assert_eq!(merged.matches("syncfs").count(), 2);
}

#[test]
fn one_restored_file_is_on_the_disk_and_the_rest_of_the_file_system_may_wait() {
    let sandbox = stored();
    for destination in ["file", "--merge file", "directory"] {
        sandbox.sh("mkdir -p directory").silent();
        traced(&sandbox, "", "--path dir/b", destination).silent();
        assert_eq!(calls(&sandbox), "fsync rename fsync", "{destination}");
    }
    sandbox.sh("cmp src/dir/b file && cmp src/dir/b directory/b").silent();
}

#[test]
fn what_the_disk_did_not_take_is_not_delivered() {
    let sandbox = stored();
    for (call, path) in [("syncfs", ""), ("fsync", "--path dir/b")] {
        let inject = format!("-e inject={call}:error=EIO");
        let run = traced(&sandbox, &inject, path, "out");
        drop(run.fails_with(1).one_message().stderr_has("out: write to the disk: "));
        sandbox.sh("ls -A | grep -c out").fails_with(1).stdout_is("0");
    }
    // A file system that knows no such request is no failure.
    traced(&sandbox, "-e inject=syncfs,fsync:error=ENOSYS", "", "out").silent();
    sandbox.sh("diff -r src out").silent();
}
