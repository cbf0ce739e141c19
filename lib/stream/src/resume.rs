//! The data by which a run resumes an interrupted one: lines of the journals in the archive
//! directory, and a part of `begin.json`.

use archive::TreePath;
use serde::{Deserialize, Serialize};

use crate::member::{CTIME, INODE, Member, SIZE};
use crate::receipts::Receipt;
use crate::text;

/// The part of the set that is stored already.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// Its volumes, from the first on, without a gap.
    pub volumes: Vec<Receipt>,
    /// What they were encrypted with, see [`SetHead::key`](crate::SetHead::key).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// How far a set was when a volume had been packed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packed {
    /// The number of the volume, from 1.
    pub volume: u64,
    /// The path of its last entry.
    #[serde(with = "text::path")]
    pub last: TreePath,
    /// The uppermost path, at or above the last one, that the set does not make a directory:
    /// nothing can be below it.
    #[serde(default, with = "text::optional_path", skip_serializing_if = "Option::is_none")]
    pub closed: Option<TreePath>,
    /// Bytes in the signatures.
    pub signatures: u64,
    /// Bytes in the draft of the manifest, without the list of files.
    pub manifest: u64,
    /// Bytes in the list of files.
    pub files: u64,
    /// Files in that list.
    pub count: u64,
    /// Bytes of content and deltas.
    pub delta_bytes: u64,
    /// The last entry, if more of it follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Started>,
}

/// A file of which some pieces have been packed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// How many pieces.
    pub pieces: u64,
    /// The SHA-256 of their names and bodies, in hex.
    pub sha256: String,
    /// What the system said of the file.
    pub file: FileFacts,
}

/// What does not change as long as a file does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    size: String,
    mtime: String,
    ctime: String,
    inode: String,
}

impl FileFacts {
    /// The facts of a member's file, or `None` if one is missing.
    pub fn of(member: &Member) -> Option<FileFacts> {
        let fact = |key| member.facts.get(key).map(str::to_owned);
        let mtime = member.mtime.to_string();
        Some(FileFacts { size: fact(SIZE)?, mtime, ctime: fact(CTIME)?, inode: fact(INODE)? })
    }
}
