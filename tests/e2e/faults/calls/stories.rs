//! Calls whose failure was once not told, or told wrongly.

use tests::{Key, Sandbox, Tree};

use super::call::{BACKUP, Failing, INTERRUPTED, only};
use super::restore::Restores;
use super::scene::Scene;
use super::traced::Traced;
use super::{ALL, backup, each};
use crate::moo::Moo;

/// The last calls of that name in each process.
fn last(calls: &[Failing], call: &str, error: &str) -> Vec<Failing> {
    let mut of_that: Vec<Failing> = Vec::new();
    for failing in calls.iter().filter(|failing| (failing.call, failing.error) == (call, error)) {
        if of_that.last().is_some_and(|last| last.process == failing.process) {
            of_that.pop();
        }
        of_that.push(*failing);
    }
    of_that
}

#[test]
fn the_last_write_of_a_stage_that_fails_is_not_done_behind_the_back_of_its_message() {
    let sandbox = Sandbox::new();
    let scene = Scene::empty(&sandbox, "file://$PWD/store", "");
    let calls = scene.calls_of_backup(&BACKUP[2..]);
    // A header and its body go out together.
    let writes = ["write", "writev"].map(|call| last(&calls, call, "EIO")).concat();
    assert!(writes.len() >= 6, "each stage but the last one writes");
    each("last writes", [ALL; 2], &writes, |failing| backup::attempt(&scene, failing));
}

#[test]
fn a_thread_that_cannot_be_started_is_no_panic() {
    let sandbox = Sandbox::new();
    let restores = Restores::new(&sandbox);
    let threads = last(&restores.calls(), "clone3", "EAGAIN");
    assert!(!threads.is_empty(), "moo-decrypt reads ahead in a thread");
    each("threads", [ALL; 2], &threads, |failing| restores.attempt(failing));
}

#[test]
fn where_no_thread_can_be_started_to_talk_with_gpg_one_line_says_so_or_it_is_done_without() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    Tree::small(sandbox.path("src"));
    Moo::encrypted(&sandbox, &key).backup("").silent();
    let traced = Traced::new(&sandbox);
    let restore = "rm -rf out; moo-fetch file://$PWD/store | moo-decrypt | moo-patch out";
    let decrypt = [only("moo-decrypt")];
    let calls = traced.census(&decrypt, || drop(traced.sh(restore).silent()));
    let (mut threads, mut without) = (0, 0);
    for failing in calls.iter().filter(|failing| failing.call == "clone3") {
        traced.fail(failing);
        let run = traced.sh(restore);
        traced.calm(&decrypt);
        if run.status == 0 {
            // gpg was asked again when it was time; or one thread decrypted and inflated.
            run.silent();
            sandbox.sh("diff -r src out").silent();
            without += 1;
            continue;
        }
        let run = run.fails_with(1).one_message();
        threads +=
            u32::from(run.stderr_has("moo-decrypt: ").err().contains("moo-decrypt: thread: "));
        assert!(!sandbox.path("out").exists());
    }
    assert!(threads >= 3, "one reads ahead, and two talk with gpg: {threads}");
    assert!(without >= 1, "one decrypts for another that inflates: {without}");
}

#[test]
fn where_no_thread_can_be_started_to_read_the_last_state_it_is_read_without() {
    let sandbox = Sandbox::new();
    let scene = Scene::changed(&sandbox, "file://$PWD/store", "");
    let calls = scene.calls_of_backup(&[only("moo-scan")]);
    let threads: Vec<_> = calls.into_iter().filter(|failing| failing.call == "clone3").collect();
    assert_eq!(threads.len(), 1);
    each("threads of moo-scan", [ALL; 2], &threads, |failing| {
        let hit = backup::attempt(&scene, failing);
        assert!(hit && scene.new_sets() == 2, "as if it had been started");
        hit
    });
}

#[test]
fn with_one_job_no_stage_starts_the_threads_that_it_starts_with_two() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    // Enough for more than one piece of a volume, and of the signatures.
    (0..600).for_each(|number| tree.file(number.to_string(), b"moo"));
    let traced = Traced::new(&sandbox);
    let processes = ["moo-scan", "moo-encrypt", "moo-commit"].map(only);
    for (jobs, starts) in [(2, true), (1, false)] {
        let backup = format!(
            "$commands/backup.sh --archive-dir . --name archive --no-encryption --jobs {jobs} src \
             file://$PWD/store"
        );
        let script = format!("rm -rf store archive; {backup} && sleep 1.1 && {backup}");
        let calls = traced.census(&processes, || drop(traced.sh(&script).silent()));
        for process in processes {
            let mut own = calls.iter().filter(|failing| failing.process == process);
            assert_eq!(own.any(|failing| failing.call == "clone3"), starts, "{process:?} {jobs}");
        }
    }
}

#[test]
fn where_no_thread_can_be_started_to_compress_it_is_done_without() {
    let sandbox = Sandbox::new();
    Tree::empty(sandbox.path("src")).file("text", &b"moo purr ".repeat(400_000));
    let traced = Traced::new(&sandbox);
    let script = "rm -rf store; moo-scan src | moo-sign | moo-delta | moo-pack |
        moo-encrypt --no-encryption --jobs 2 | moo-upload file://$PWD/store >/dev/null";
    let encrypt = [only("moo-encrypt")];
    let calls = traced.census(&encrypt, || drop(traced.sh(script).silent()));
    let threads: Vec<_> = calls.iter().filter(|failing| failing.call == "clone3").collect();
    assert!(!threads.is_empty());
    for failing in threads {
        traced.fail(failing);
        traced.sh(script).silent();
        assert!(!traced.failed().is_empty());
        traced.calm(&encrypt);
        sandbox.sh("rm -rf out && moo restore file://$PWD/store out && diff -r src out").silent();
    }
}

#[test]
fn the_old_file_of_a_delta_is_read_again_if_interrupted_and_told_of_with_the_reason() {
    let sandbox = Sandbox::new();
    let restores = Restores::new(&sandbox);
    let calls = restores.calls();
    let mut reads: Vec<_> = calls.iter().filter(|call| call.call == "read").copied().collect();
    reads.retain(|read| read.process.program == "moo-patch");
    // The last of them read the old file.
    let last = reads.iter().map(|read| read.number).max().unwrap_or(0);
    reads.retain(|read| read.number + 6 > last);
    assert!(reads.iter().any(|read| read.error == INTERRUPTED));
    each("old file", [ALL; 2], &reads, |failing| {
        restores.scene.sandbox.sh("rm -rf out").silent();
        let (run, _) = restores.scene.failing(failing, Scene::restore);
        assert!(!run.err().contains("librsync"), "{}", run.err());
        restores.attempt(failing)
    });
}
