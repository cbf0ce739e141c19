//! Small file systems of their own, for what happens when one is full or read-only.

use rustix::process::geteuid;
use tests::Sandbox;

/// A file system in memory, mounted on a folder of the sandbox until dropped.
pub(crate) struct Mount<'a> {
    sandbox: &'a Sandbox,
    folder: &'static str,
}

impl<'a> Mount<'a> {
    /// One of that size; none, which is said, where nothing may be mounted.
    pub(crate) fn new(sandbox: &'a Sandbox, folder: &'static str, size: &str) -> Option<Mount<'a>> {
        let mount = format!("mkdir {folder} && mount -t tmpfs -o size={size} none {folder}");
        let mounted = sandbox.sh(&mount);
        if mounted.status != 0 {
            eprintln!(
                "no file system can be mounted here, the test is left out: {}",
                mounted.err()
            );
            assert!(!geteuid().is_root() || std::env::var_os("container").is_some());
            return None;
        }
        Some(Mount { sandbox, folder })
    }

    /// Lets nobody write any more, or everybody again.
    pub(crate) fn read_only(&self, yes: bool) {
        let how = if yes { "ro" } else { "rw" };
        self.sandbox.sh(&format!("mount -o remount,{how} {}", self.folder)).silent();
    }
}

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        let _ = self.sandbox.sh(&format!("umount -l {}", self.folder));
    }
}
