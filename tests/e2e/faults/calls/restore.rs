//! Calls that fail while a backup is restored.

use tests::{Sandbox, assert_same};

use super::call::{Failing, RESTORE};
use super::law::is_told;
use super::scene::Scene;
use super::{ALL, each};

/// A full set and an increment that are restored again and again.
pub(super) struct Restores<'a> {
    pub(super) scene: Scene<'a>,
}

impl<'a> Restores<'a> {
    pub(super) fn new(sandbox: &'a Sandbox) -> Restores<'a> {
        let scene = Scene::changed(sandbox, "file://$PWD/store", "");
        scene.backup().silent();
        Restores { scene }
    }

    /// All calls of a restore.
    pub(super) fn calls(&self) -> Vec<Failing> {
        let calls = self.scene.traced.census(&RESTORE, || {
            self.scene.restore().silent();
        });
        self.scene.sandbox.remove("out");
        calls
    }

    /// A restore in which that call fails, and all that has to hold then. Whether it did fail.
    pub(super) fn attempt(&self, failing: &Failing) -> bool {
        let scene = &self.scene;
        scene.sandbox.sh("rm -rf out .out.*").silent();
        let (run, failed) = scene.failing(failing, Scene::restore);
        let status = is_told(run, failing, &failed);
        let delivered = scene.sandbox.path("out").exists();
        // With 3, something could not be given back as it was. The last call of all syncs the folder
        // that what was delivered is in: if it fails, that is there, whole, and may not be on the disk.
        let unsynced = failing.call == "fsync" && status == 1;
        assert!(delivered == (status == 0 || status == 3) || delivered && unsynced);
        if status == 0 || delivered && unsynced {
            assert_same(&scene.new, &scene.restored());
        }
        scene.sandbox.sh("rm -rf out").silent();
        scene.restore().silent();
        assert_same(&scene.new, &scene.restored());
        assert!(scene.left().is_empty(), "{:?} are left", scene.left());
        !failed.is_empty()
    }
}

#[test]
fn whatever_call_fails_in_a_restore_one_line_tells_it_and_nothing_is_delivered() {
    let sandbox = Sandbox::new();
    let restores = Restores::new(&sandbox);
    each("restore", [40, ALL], &restores.calls(), |failing| restores.attempt(failing));
}
