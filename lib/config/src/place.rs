//! Where the configuration is.

use std::env;
use std::path::{Path, PathBuf};

/// The configuration of the machine.
pub const SYSTEM: &str = "/etc/moobacker/moobacker.toml";
/// That of version 0.1, in its own form, moobacker-conf(5).
pub const OLD: &str = "/etc/moobacker/backup.conf";
/// Below the folder of a user's configurations.
const OF_USER: &str = "moobacker/moobacker.toml";

/// The configuration of this process: a user's own, that of the machine, or that of version 0.1;
/// `None` if there is none. For root, only the latter two count.
pub fn find() -> Option<PathBuf> {
    let own = if rustix::process::geteuid().is_root() { None } else { of_user() };
    own.into_iter().chain([SYSTEM, OLD].map(PathBuf::from)).find(|path| is_there(path))
}

/// One that can't be looked at is there, and reading it says why it can't be.
fn is_there(path: &Path) -> bool {
    !matches!(path.try_exists(), Ok(false))
}

fn of_user() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("XDG_CONFIG_HOME").filter(|folder| folder.is_absolute());
    let folder = folder.or_else(|| set("HOME").map(|home| home.join(".config")));
    folder.map(|folder| folder.join(OF_USER))
}
