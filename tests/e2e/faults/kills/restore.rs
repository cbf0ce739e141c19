//! Kills while a backup is restored.

use tests::{Sandbox, assert_same};

use super::each;
use super::point::{Point, Victim};
use crate::faults::calls::call::RESTORE;
use crate::faults::calls::scene::Scene;

/// A restore that is killed there, and all that has to hold then. Whether it was.
fn attempt(scene: &Scene<'_>, point: &Point) -> bool {
    let (run, killed) = scene.killed(point, Scene::restore);
    assert!(!run.err().contains("panicked"), "a panic");
    // It may have had its name already when it was killed.
    if scene.sandbox.path("out").exists() {
        assert_same(&scene.new, &scene.restored());
    } else {
        assert_ne!(run.status, 0);
    }
    scene.restore().silent();
    assert_same(&scene.new, &scene.restored());
    assert!(scene.left().is_empty(), "{:?} are left", scene.left());
    killed
}

fn at_any_call(what: &str, cases: [usize; 2], scene: &Scene<'_>) {
    let calls = scene.traced.census(&RESTORE, || {
        scene.restore().silent();
    });
    scene.sandbox.remove("out");
    let all = [Victim::Stage, Victim::Group, Victim::Shell];
    each(what, cases, &calls, &all, |point, _| attempt(scene, point));
}

#[test]
fn a_restore_may_be_killed_at_any_call_and_delivers_all_or_nothing() {
    let sandbox = Sandbox::new();
    let scene = Scene::plain(&sandbox, "file://$PWD/store", "").with_a_set();
    scene.backup().silent();
    at_any_call("restore", [12, 400], &scene);
}

#[test]
fn a_restore_of_encrypted_sets_may_be_killed_at_any_call_and_delivers_all_or_nothing() {
    let sandbox = Sandbox::new();
    let scene = Scene::changed(&sandbox, "file://$PWD/store", "");
    scene.backup().silent();
    at_any_call("encrypted restore", [6, 200], &scene);
}
