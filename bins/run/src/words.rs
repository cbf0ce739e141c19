//! What the user reads after an interruption.

use std::ffi::OsString;

use cli::note::Note;

/// The option of a backup of what a command or standard input writes, which no run can resume.
const DUMP: &[u8] = b"--stdin-name";

/// The command as the user typed it.
pub(crate) fn shown(name: &str) -> String {
    if name.ends_with(".sh") { name.to_owned() } else { format!("moo {name}") }
}

/// What stands after a command with these arguments was interrupted, which left that note. The stages of
/// another user leave none.
pub(crate) fn interrupted(name: &str, note: Option<&Note>, arguments: &[OsString]) -> String {
    let is_dump = || arguments.iter().any(|word| word.as_encoded_bytes().starts_with(DUMP));
    let stands = match (name, note) {
        ("backup", Some(Note::Volume(0))) => "nothing was stored; the next run starts anew",
        ("backup", Some(Note::Volume(number))) => {
            return format!("the next run resumes after volume {number}");
        }
        ("backup", Some(Note::Complete)) => "the set is complete",
        ("backup", _) if is_dump() => {
            "the set is complete, or nothing was stored and the next run starts anew"
        }
        ("backup", _) => "the next run resumes after the last stored volume",
        ("restore", Some(Note::Output)) => "the output is incomplete; throw it away",
        ("restore", Some(Note::Complete)) => "the destination is complete",
        ("restore", Some(Note::Resumable(folder))) => {
            let folder = failure::shown(folder);
            return format!("run the same command again to resume; to give up, delete {folder}");
        }
        ("restore", _) => "the destination is unchanged or complete",
        ("mount", _) => "the file system is unmounted",
        ("consolidate", _) => "the chain is unchanged; run it again",
        ("replicate" | "rekey", _) => "the next run copies the sets that are missing",
        ("prune" | "cleanup", _) => "the next run removes the rest",
        ("sync", _) => "run it again",
        _ => "nothing was changed",
    };
    stands.to_owned()
}
