//! Kills while a backup is made: of a first set, of an increment, of a run that goes on with one
//! that was killed before; into a folder, and by SFTP.

use tests::sshd::{Setup, Sshd};
use tests::{Duplicity, Sandbox, long};

use super::point::{Point, Victim, points};
use super::{each, law};
use crate::faults::calls::call::{BACKUP, Process};
use crate::faults::calls::scene::Scene;

const LOCAL: &str = "file://$PWD/store";

/// How long to wait for a store that does not answer.
const PATIENCE: &str = "--num-retries 2 --timeout 4";

const ALL: [Victim; 3] = [Victim::Stage, Victim::Group, Victim::Shell];

/// A backup that is killed there, and all that has to hold then. Whether it was.
fn attempt(scene: &Scene<'_>, point: &Point, peer: Option<Duplicity<'_>>) -> bool {
    scene.rewind();
    let (run, killed) = scene.killed(point, Scene::backup);
    assert!(!run.err().contains("panicked"), "a panic");
    law::holds(scene, run.status, peer);
    killed
}

/// Kills at those processes' calls; each so many-th chain is given to one duplicity or the other,
/// in a short run the last one.
fn at_any_call(what: &str, cases: [usize; 2], scene: &Scene<'_>, processes: &[Process]) {
    let calls = scene.calls_of_backup(processes);
    let every = if long() { 25 } else { cases[0] };
    each(what, cases, &calls, &ALL, |point, turn| {
        let peers = [Duplicity::old, Duplicity::new].map(|peer| peer(scene.sandbox));
        let peer = peers.into_iter().nth(turn % 2).filter(|_| turn % every == every - 1);
        attempt(scene, point, peer.map(|peer| peer.plain().archive("lost")))
    });
}

/// A scene that starts behind a run that was killed when most of its volumes had arrived, which
/// that call sends. The stages before may be far ahead.
fn interrupted<'a>(scene: Scene<'a>, sends: &str) -> Scene<'a> {
    let calls = scene.calls_of_backup(&[BACKUP[7]]);
    let mut sent = points(&calls, usize::MAX);
    sent.retain(|point| point.is_of(sends));
    let (run, killed) = scene.killed(&sent[sent.len() * 8 / 10], Scene::backup);
    assert!(killed && run.status != 0);
    assert_eq!(scene.new_sets(), 0);
    assert!(scene.left().len() >= 4, "{:?}", scene.left());
    scene.starts_here();
    scene
}

fn by_sftp(sandbox: &Sandbox) -> (Sshd<'_>, Scene<'_>) {
    let server = Setup::new(sandbox).start();
    let scene = Scene::plain(sandbox, &server.url("store"), PATIENCE);
    (server, scene)
}

#[test]
fn a_first_backup_may_be_killed_at_any_call_and_the_next_one_needs_no_hand() {
    let sandbox = Sandbox::new();
    let scene = Scene::plain(&sandbox, LOCAL, "");
    at_any_call("first backup", [12, 450], &scene, &BACKUP[2..]);
}

#[test]
fn an_increment_may_be_killed_at_any_call_and_the_last_set_stays() {
    let sandbox = Sandbox::new();
    let scene = Scene::plain(&sandbox, LOCAL, "").with_a_set();
    at_any_call("increment", [16, 500], &scene, &BACKUP);
}

#[test]
fn a_run_that_goes_on_with_a_killed_one_may_be_killed_at_any_call_too() {
    let sandbox = Sandbox::new();
    let scene = interrupted(Scene::plain(&sandbox, LOCAL, "").with_a_set(), "write");
    at_any_call("resumed increment", [12, 450], &scene, &BACKUP);
}

#[test]
fn a_first_backup_by_sftp_may_be_killed_at_any_call_and_the_next_one_needs_no_hand() {
    let sandbox = Sandbox::new();
    let (_server, scene) = by_sftp(&sandbox);
    at_any_call("first backup by SFTP", [5, 200], &scene, &BACKUP[2..]);
}

#[test]
fn an_increment_by_sftp_may_be_killed_at_any_call_and_the_last_set_stays() {
    let sandbox = Sandbox::new();
    let (_server, scene) = by_sftp(&sandbox);
    let scene = scene.with_a_set();
    at_any_call("increment by SFTP", [5, 200], &scene, &BACKUP);
}

#[test]
fn a_run_by_sftp_that_goes_on_with_a_killed_one_may_be_killed_at_any_call_too() {
    let sandbox = Sandbox::new();
    let (_server, scene) = by_sftp(&sandbox);
    let scene = interrupted(scene.with_a_set(), "sendto");
    at_any_call("resumed increment by SFTP", [5, 200], &scene, &BACKUP);
}
