//! Calls that fail while a backup is made.

use tests::sshd::Setup;
use tests::{Sandbox, assert_same};

use super::call::{BACKUP, Failing, Process, SERVER};
use super::law::is_told;
use super::scene::Scene;
use super::{ALL, each};

/// A backup in which that call fails, and all that has to hold then. Whether it did fail.
pub(super) fn attempt(scene: &Scene<'_>, failing: &Failing) -> bool {
    scene.rewind();
    let (run, failed) = scene.failing(failing, Scene::backup);
    let status = is_told(run, failing, &failed);
    // It may be the very last step that fails.
    assert!(scene.new_sets() <= 1 && (status != 0 || scene.new_sets() == 1));
    what_is_stored_is_whole(scene, status);
    scene.backup().silent();
    scene.restore().silent();
    assert_same(&scene.new, &scene.restored());
    assert!(scene.left().is_empty(), "{:?} are left", scene.left());
    !failed.is_empty()
}

/// The last set that is stored restores, behind a run that ended with that status.
pub(in crate::faults) fn what_is_stored_is_whole(scene: &Scene<'_>, status: i32) {
    if scene.new_sets() == 0 && scene.old.is_none() {
        return;
    }
    let run = scene.restore().succeeds();
    assert!(run.err().is_empty() || run.err().contains("has no manifest"), "{}", run.err());
    let restored = scene.restored();
    let is_new = scene.new_sets() == 1 || (scene.is_naming() && restored == scene.new);
    let state = if is_new { Some(&scene.new) } else { scene.old.as_ref() };
    // What could not be read is not there, or not as it is now.
    if status != 3 {
        assert_same(state.unwrap(), &restored);
    }
}

fn of(what: &str, cases: [usize; 2], scene: &Scene<'_>, processes: &[Process]) {
    let calls = scene.calls_of_backup(processes);
    each(what, cases, &calls, |failing| attempt(scene, failing));
}

#[test]
fn whatever_call_fails_in_a_first_backup_one_line_tells_it_and_the_next_run_works() {
    let sandbox = Sandbox::new();
    let scene = Scene::empty(&sandbox, "file://$PWD/store", "");
    of("first backup", [40, ALL], &scene, &BACKUP[2..]);
}

#[test]
fn whatever_call_fails_in_an_increment_one_line_tells_it_and_the_last_set_stays() {
    let sandbox = Sandbox::new();
    let scene = Scene::changed(&sandbox, "file://$PWD/store", "");
    of("increment", [40, ALL], &scene, &BACKUP);
}

#[test]
fn whatever_call_fails_in_an_upload_by_sftp_one_line_tells_it_and_the_last_set_stays() {
    let sandbox = Sandbox::new();
    let server = Setup::new(&sandbox).start();
    let scene = Scene::changed(&sandbox, &server.url("store"), PATIENCE);
    of("upload by SFTP", [12, 1000], &scene, &[BACKUP[0], BACKUP[7]]);
}

#[test]
fn whatever_call_fails_in_an_sftp_server_one_line_tells_it_and_the_last_set_stays() {
    let sandbox = Sandbox::new();
    let script = sandbox.path(".traced/sftp-server");
    let command = format!("{} -d {}", script.display(), sandbox.path("").display());
    let server = Setup::new(&sandbox).command(&command).start();
    let scene = Scene::changed(&sandbox, &server.url("store"), PATIENCE);
    of("SFTP server", [10, 1000], &scene, &[SERVER]);
}

/// How long to wait for a store that does not answer.
const PATIENCE: &str = "--num-retries 2 --timeout 4";
