//! The temporary names of files before they are published. duplicity ignores them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

const PREFIX: &str = ".upload-";

/// A new temporary name for a file. All such names differ, because an append-only store may keep
/// the leftovers of an interrupted run.
pub fn temporary_name(name: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
    let process = std::process::id();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{PREFIX}{now:x}.{process:x}.{count:x}-{name}")
}

/// The name that a file was going to get, if its name is a temporary one.
pub fn final_name(temporary: &str) -> Option<&str> {
    let (token, name) = temporary.strip_prefix(PREFIX)?.split_once('-')?;
    let plain = token.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'.');
    (plain && !name.is_empty()).then_some(name)
}

/// A temporary name of a file, for another final name of it.
pub(crate) fn named_for(temporary: &str, meant: &str, name: &str) -> String {
    format!("{}{name}", temporary.strip_suffix(meant).unwrap_or_default())
}

/// What messages call a file: by the name that it is going to get.
pub(crate) fn shown(name: &str) -> &str {
    final_name(name).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_name_tells_the_final_one_and_is_never_given_twice() {
        let (one, two) =
            (temporary_name("moobacker.x-y.seal"), temporary_name("moobacker.x-y.seal"));
        assert_ne!(one, two);
        assert_eq!(final_name(&one), Some("moobacker.x-y.seal"));
        assert_eq!(final_name("duplicity-full.20261122T201500Z.manifest"), None);
        assert_eq!(final_name(".upload-"), None);
        assert_eq!(final_name(".upload-hello-x"), None);
    }
}
