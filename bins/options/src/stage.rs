//! The programs that a command runs.

/// A program of a command, or a script that it runs as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Scan,
    Sign,
    Delta,
    Pack,
    Encrypt,
    Parity,
    Upload,
    Commit,
    Fetch,
    /// `moo-fetch --receipts`, which lists the files of a store.
    Receipts,
    /// The same for an archive directory, which is reached by no option.
    Held,
    /// `moo-fetch --archive-in`, which names the archive directory of a store.
    ArchiveIn,
    Decrypt,
    Match,
    Patch,
    Compare,
    Replay,
    Check,
    Repair,
    List,
    Mount,
    Status,
    Prune,
    /// `moo sync`, which brings an archive directory up to date.
    MooSync,
    /// `moo list`, which chooses files.
    MooList,
}

/// All of them.
pub(crate) const ALL: [Stage; 25] = [
    Stage::Scan,
    Stage::Sign,
    Stage::Delta,
    Stage::Pack,
    Stage::Encrypt,
    Stage::Parity,
    Stage::Upload,
    Stage::Commit,
    Stage::Fetch,
    Stage::Receipts,
    Stage::Held,
    Stage::ArchiveIn,
    Stage::Decrypt,
    Stage::Match,
    Stage::Patch,
    Stage::Compare,
    Stage::Replay,
    Stage::Check,
    Stage::Repair,
    Stage::List,
    Stage::Mount,
    Stage::Status,
    Stage::Prune,
    Stage::MooSync,
    Stage::MooList,
];

impl Stage {
    /// The shell's function that runs it.
    pub(crate) fn function(self) -> &'static str {
        match self {
            Stage::MooSync => "moo_sync",
            Stage::MooList => "moo_list",
            Stage::Receipts => "receipts",
            Stage::Held => "held",
            Stage::ArchiveIn => "archive_in",
            stage => stage.program().trim_start_matches("moo-"),
        }
    }

    /// What that function runs, as the function `stage` of the scripts knows it.
    pub(crate) fn program(self) -> &'static str {
        match self {
            Stage::Scan => "moo-scan",
            Stage::Sign => "moo-sign",
            Stage::Delta => "moo-delta",
            Stage::Pack => "moo-pack",
            Stage::Encrypt => "moo-encrypt",
            Stage::Parity => "moo-parity",
            Stage::Upload => "moo-upload",
            Stage::Commit => "moo-commit",
            Stage::Fetch | Stage::ArchiveIn => "moo-fetch",
            Stage::Receipts => "moo-fetch --receipts",
            Stage::Held => "moo-fetch --receipts --of-archive",
            Stage::Decrypt => "moo-decrypt",
            Stage::Match => "moo-match",
            Stage::Patch => "moo-patch",
            Stage::Compare => "moo-compare",
            Stage::Replay => "moo-replay",
            Stage::Check => "moo-check",
            Stage::Repair => "moo-repair",
            Stage::List => "moo-list",
            Stage::Mount => "moo-mount",
            Stage::Status => "moo-status",
            Stage::Prune => "moo-prune",
            Stage::MooSync => "sync.sh",
            Stage::MooList => "list.sh",
        }
    }

    /// Whether it reads or writes the store, and so takes the options for its network.
    pub(crate) fn uses_store(self) -> bool {
        use Stage::{
            ArchiveIn, Check, Fetch, MooList, MooSync, Prune, Receipts, Repair, Status, Upload,
        };
        let reads =
            matches!(self, Fetch | Receipts | ArchiveIn | Check | Status | MooSync | MooList);
        reads || matches!(self, Upload | Repair | Prune)
    }
}
