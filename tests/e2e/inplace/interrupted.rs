//! Restores that are ended in the middle, and go on.

use std::fs;
use std::path::PathBuf;

use tests::damage::find_all;
use tests::relay::{Mode, Relay, Way};
use tests::scale::scale;
use tests::sshd::Sshd;
use tests::{Sandbox, Snapshot, Tree, assert_same};

use super::{all_volumes, fetched, is_whole, restore, stored};
use crate::moo::Moo;
use crate::sftp::kit::Remote;
use crate::signals::kit::{Background, Moments, hold, until};

/// The staging folders beside `out`.
fn left(sandbox: &Sandbox) -> Vec<PathBuf> {
    let entries = fs::read_dir(sandbox.path("")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.to_string_lossy().contains("/.out.moo-")).collect()
}

#[test]
fn a_restore_that_was_interrupted_resumes_by_the_same_command_which_fetches_the_rest() {
    for signal in ["INT", "TERM", "HUP", "KILL"] {
        let mut sandbox = Sandbox::new();
        stored(&sandbox);
        hold(&mut sandbox, "moo-patch", 6_000_000);
        let run = Background::start(&sandbox, &restore(""));
        until("two files", || {
            left(&sandbox).iter().any(|folder| folder.join("tree/b/two").exists())
        });
        let ended = run.end(&sandbox, signal);
        assert_ne!(ended.status, 0);
        let folder = left(&sandbox).pop().expect("what is to be resumed from");
        if signal != "KILL" {
            let said = ended.said.join("\n");
            assert!(
                said.contains("run the same command again to resume; to give up, delete"),
                "{said}"
            );
            assert!(said.contains(&*folder.to_string_lossy()), "{said}");
        }
        assert!(!sandbox.path("out").exists());
        fs::write(sandbox.path("go"), "").unwrap();
        // Another run has left an empty one, which was not deleted where there was one to resume from.
        sandbox.sh("mkdir -m 700 .out.moo-zzzzzz").silent();
        let read = fetched(&sandbox, "");
        assert!(!read.is_empty() && read.len() < all_volumes(&sandbox), "{read:?}");
        assert!(left(&sandbox).is_empty(), "{:?}", left(&sandbox));
        is_whole(&sandbox);
    }
}

#[test]
fn a_restore_that_has_lost_its_connection_resumes_by_the_same_command() {
    let sandbox = Sandbox::new();
    stored(&sandbox);
    let sshd = Sshd::start(&sandbox);
    let relay = Relay::to(sshd.port());
    sshd.known_at(relay.port());
    let remote = Remote::new(&sandbox, &sshd.url_at(relay.port(), "store")).archive("lost");
    relay.set(Mode::Cut(Way::Down, 9_000_000));
    remote.restore("").fails_with(8).one_message();
    assert_eq!(left(&sandbox).len(), 1);
    assert!(!sandbox.path("out").exists());
    relay.set(Mode::Pass);
    let before = relay.bytes(Way::Down);
    remote.restore("").silent();
    let again = relay.bytes(Way::Down) - before;
    let all: u64 = find_all(sandbox.path("store"), ".difftar")
        .iter()
        .map(|volume| fs::metadata(volume).unwrap().len())
        .sum();
    assert!(again < all * 2 / 3, "{again} of {all} bytes");
    is_whole(&sandbox);
}

#[test]
fn a_restore_that_is_killed_again_and_again_comes_to_its_end_and_is_what_it_would_have_been() {
    let sandbox = Sandbox::new();
    let tree = Tree::every_kind(sandbox.path("src"));
    for number in 0..40 {
        tree.noise(format!("more/{number}"), 200_000);
    }
    Moo::plain(&sandbox).option("--volsize 1").days(&tree, 3);
    let start = std::time::Instant::now();
    let state = super::whole(&sandbox);
    let mut moments = Moments::new(start.elapsed());
    for (options, before) in [("", ":"), ("--merge", "cp -a src/more out && mv out/more/1 out/own")]
    {
        sandbox.sh("rm -rf out .out.moo-*; mkdir out").silent();
        sandbox.sh(before).silent();
        let kept = sandbox.path("out/own").exists();
        let command = restore(options);
        for turn in 0..scale(6, 60) {
            let run = Background::start(&sandbox, &command);
            std::thread::sleep(moments.next());
            let ended = run.end(&sandbox, ["KILL", "TERM"][turn % 2]);
            if ended.status == 0 && options.is_empty() {
                break;
            }
        }
        if options == "--merge" || fs::read_dir(sandbox.path("out")).unwrap().next().is_none() {
            sandbox.sh(&command).succeeds();
        }
        assert_eq!(sandbox.path("out/own").exists(), kept);
        let root = "touch -r whole out; rm -f out/own; touch -r whole out";
        sandbox.sh(root).silent();
        assert_same(&state, &Snapshot::kept(sandbox.path("out")));
        sandbox.sh("ls -A | grep moo-").fails_with(1);
    }
}

#[test]
fn what_somebody_has_put_into_the_folder_of_an_interrupted_restore_is_not_restored() {
    let sandbox = Sandbox::new();
    stored(&sandbox);
    let make = "mkdir -m 700 .out.moo-aB3xY9 && : >.out.moo-aB3xY9/moo-patch && cp -a src .out.moo-aB3xY9/tree";
    for change in [
        "echo forged >.out.moo-aB3xY9/tree/c/small; echo more >.out.moo-aB3xY9/tree/more",
        "rm -r .out.moo-aB3xY9/tree/b && ln -s ../../src/b .out.moo-aB3xY9/tree/b",
        "chmod 755 .out.moo-aB3xY9",
        "rm .out.moo-aB3xY9/moo-patch",
        "rm -r .out.moo-aB3xY9/tree && ln -s ../src .out.moo-aB3xY9/tree",
        "rm -r .out.moo-aB3xY9/tree/a && echo file >.out.moo-aB3xY9/tree/a; chmod 777 .out.moo-aB3xY9/tree/c",
    ] {
        sandbox.sh(&format!("rm -rf out .out.*; {make}; {change}")).silent();
        let before = Snapshot::of(sandbox.path("src"));
        sandbox.sh(&restore("")).succeeds();
        assert_same(&before, &Snapshot::of(sandbox.path("src")));
        sandbox.sh("rm -rf .out.moo-*").silent();
        is_whole(&sandbox);
    }
    sandbox.sh(&format!("rm -rf out; {make}")).silent();
    assert_eq!(fetched(&sandbox, "").len(), 0, "a folder with all of it");
    is_whole(&sandbox);
    assert!(find_all(sandbox.path(""), ".out.moo-").is_empty());
}
