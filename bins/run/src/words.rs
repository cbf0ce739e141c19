//! What the user reads after an interruption.

use cli::note::Note;

/// The command as the user typed it.
pub(crate) fn shown(name: &str) -> String {
    if name.ends_with(".sh") { name.to_owned() } else { format!("moo {name}") }
}

/// What stands after a command was interrupted, which left that note.
pub(crate) fn interrupted(name: &str, note: Option<&Note>) -> String {
    let stands = match (name, note) {
        ("backup", Some(Note::Volume(0))) => "nothing was stored; the next run starts anew",
        ("backup", Some(Note::Volume(number))) => {
            return format!("the next run resumes after volume {number}");
        }
        ("backup", Some(Note::Complete)) => "the set is complete",
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
