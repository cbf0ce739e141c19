//! Copies that are killed, and what the next run makes of what they have left.

use std::thread::sleep;
use std::time::Duration;

use tests::{Sandbox, scale, spread};

use super::kit::{Barn, with_keys};
use crate::faults::process::Running;

/// Runs a copy whose upload is killed right before it has renamed so many files. Tells whether it
/// was.
fn killed(barn: &Barn, command: &str, renames: usize) -> bool {
    let inject = format!("-e inject=renameat2:signal=KILL:when={}", renames + 1);
    let strace = format!("exec strace -f -qq -o /dev/null -e trace=renameat2 {inject}");
    let run = barn.shimmed(
        "moo-upload",
        &format!("{strace} \"$REAL\" \"$@\""),
        command,
        &barn.sandbox.url("copy"),
    );
    run.status != 0
}

/// Kills it at many of the renames; then the same command finishes.
fn at_any_rename(barn: &Barn, command: &str, restore: &str) {
    let all = barn.files("store").len();
    let moments = spread(scale(4, all), all);
    for (count, moment) in moments.iter().enumerate() {
        assert!(killed(barn, command, *moment), "at {moment} of {all}");
        for set in 0..3 {
            let (named, due) = (barn.named("copy", set), barn.named("store", set));
            let whole = named.iter().any(|name| name.contains(".manifest"));
            assert!(!whole || named.len() == due.len(), "{named:?}");
        }
        barn.copy(command).silent();
        if count + 1 == moments.len() {
            barn.is_in("copy", restore);
        }
        barn.sandbox.remove("copy");
    }
    eprintln!("killed before {} of {all} renames", moments.len());
}

#[test]
fn a_replicate_that_is_killed_while_it_names_files_is_finished_by_the_next() {
    at_any_rename(&Barn::new(Sandbox::new(), "--no-encryption"), "replicate", "");
}

#[test]
fn a_rekey_that_is_killed_while_it_names_files_leaves_none_of_its_bytes_to_the_next() {
    let (sandbox, _, new) = with_keys();
    let barn = Barn::new(sandbox, "--no-encryption");
    at_any_rename(&barn, &format!("rekey --encrypt-key {new}"), "");
}

#[test]
fn a_copy_that_is_killed_has_the_sets_that_had_arrived_and_does_not_send_them_again() {
    let barn = Barn::chain(Sandbox::new(), "--no-encryption");
    let first = barn.named("store", 0);
    assert!(killed(&barn, "replicate", first.len() + 1));
    let files = barn.files("copy");
    assert_eq!(barn.named("copy", 0), barn.named("store", 0));
    barn.copy("replicate").silent();
    let now = barn.files("copy");
    let kept = files.iter().filter(|file| first.contains(&file.0) && now.contains(file)).count();
    assert_eq!(kept, first.len(), "the first set stays");
    barn.is_in("copy", "");
}

#[test]
fn what_a_rekey_has_left_in_part_does_not_get_into_a_replica() {
    let (sandbox, _, new) = with_keys();
    let barn = Barn::chain(sandbox, "--no-encryption");
    assert!(killed(&barn, &format!("rekey --encrypt-key {new}"), 1));
    assert_eq!(barn.named("copy", 0).len(), 1);
    barn.copy("replicate").silent();
    barn.sandbox.sh("diff -r store copy").silent();
}

#[test]
fn copies_that_are_killed_at_any_time_are_finished_by_the_next() {
    let (sandbox, _, new) = with_keys();
    let barn = Barn::chain(sandbox, "--no-encryption");
    let rekey = format!("rekey --encrypt-key {new}");
    let moments = scale(3, 30);
    for (turn, command) in (0..moments).flat_map(|n| [(n, "replicate"), (n, rekey.as_str())]) {
        let script = format!("exec {}", barn.script(command, "file://$PWD/copy"));
        let running = Running::start(&barn.sandbox, &script);
        sleep(Duration::from_millis(40 + 200 * turn as u64 / moments as u64));
        running.kill();
        running.wait();
        barn.copy(command).silent();
        if turn + 1 == moments {
            barn.is_in("copy", "");
        }
        barn.sandbox.remove("copy");
    }
    eprintln!("killed at {moments} moments, each");
}
