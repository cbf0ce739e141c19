//! What the user reads after an interruption.

/// The command as the user typed it.
pub(crate) fn shown(name: &str) -> String {
    if name.ends_with(".sh") { name.to_owned() } else { format!("moo {name}") }
}

/// What stands after a command was interrupted at any moment.
pub(crate) fn interrupted(name: &str) -> &'static str {
    match name {
        "backup" => "the next run resumes after the last stored volume",
        "restore" => "the destination is unchanged, or complete",
        "consolidate" => "the chain is unchanged; run it again",
        "replicate" | "rekey" => "the next run copies the sets that are missing",
        "prune" | "cleanup" => "the next run removes the rest",
        "sync" => "run it again",
        _ => "nothing was changed",
    }
}
