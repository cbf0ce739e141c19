//! The control messages of the streams, in JSON: the header (`begin.json`), the trailer (`end.json`) or
//! the failure (`failed.json`), and the receipts of stored files.

use archive::{Identity, Labels, Origin, SetId, SetTime};
use failure::{Failure, OrFail, Reason, Status};
use serde::{Deserialize, Serialize};

use crate::text;

/// The version of the streams that this build speaks.
pub const VERSION: u32 = 2;

/// The kinds of streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StreamKind {
    /// Entries of a source tree.
    Tree,
    /// Named files of a store.
    Files,
    /// What became of the files.
    Receipts,
}

impl std::fmt::Display for StreamKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            StreamKind::Tree => "tree stream",
            StreamKind::Files => "file stream",
            StreamKind::Receipts => "stream of receipts",
        })
    }
}

/// `begin.json`: what the run does, as decided by the first stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begin {
    /// Which stream it is.
    pub stream: StreamKind,
    /// Its version; a reader refuses any but its own.
    pub version: u32,
    /// What the run does.
    #[serde(flatten)]
    pub job: Job,
}

/// What a run does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Job {
    /// Makes a set.
    Backup(Box<SetHeader>),
    /// Brings back a state.
    Restore(RestoreRequest),
    /// Copies whole sets, or lists a whole store.
    Copy {
        /// The newest seal of the store that a copy goes to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        newest_seal: Option<NewestSeal>,
    },
}

impl Begin {
    /// The start of a backup.
    pub fn backup(stream: StreamKind, set: SetHeader) -> Begin {
        Begin { stream, version: VERSION, job: Job::Backup(Box::new(set)) }
    }

    /// The start of a restore.
    pub fn restore(wanted: RestoreRequest) -> Begin {
        Begin { stream: StreamKind::Files, version: VERSION, job: Job::Restore(wanted) }
    }

    /// The start of a copy to a store with that newest seal, or of the list of a whole store.
    pub fn copy(stream: StreamKind, newest_seal: Option<NewestSeal>) -> Begin {
        Begin { stream, version: VERSION, job: Job::Copy { newest_seal } }
    }

    /// The set that a backup makes, or `None` for another run.
    pub fn set(&self) -> Option<&SetHeader> {
        match &self.job {
            Job::Backup(set) => Some(set),
            _ => None,
        }
    }

    /// The set that a backup makes.
    ///
    /// # Errors
    /// The run is no backup.
    pub fn made_set(&self) -> Result<&SetHeader, Failure> {
        self.set().ok_or_else(|| Failure::of(Status::Integrity, "standard input", "is no backup"))
    }

    /// The state that a restore requests, or `None` for another run.
    pub fn request(&self) -> Option<&RestoreRequest> {
        match &self.job {
            Job::Restore(wanted) => Some(wanted),
            _ => None,
        }
    }

    /// Reads the start of a stream. It is an error if `kind` is another kind of stream.
    pub(crate) fn parse(json: &[u8], kind: StreamKind) -> Result<Begin, String> {
        let malformed = |error| format!("malformed begin.json: {error}");
        // Another version may have other words for everything else.
        let Version { version } = serde_json::from_slice(json).map_err(malformed)?;
        if version != VERSION {
            let why = format!("version {version} of the stream is unknown here");
            return Err(format!("{why} (are the stages of one release?)"));
        }
        let begin: Begin = serde_json::from_slice(json).map_err(malformed)?;
        if begin.stream != kind {
            return Err(format!("a {}, where a {kind} is expected", begin.stream));
        }
        Ok(begin)
    }

    /// The same run in the stream of the next stage.
    pub fn onward(&self, stream: StreamKind) -> Begin {
        Begin { stream, ..self.clone() }
    }
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// The set that a backup makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetHeader {
    /// `full` or `inc`.
    #[serde(rename = "type")]
    pub set_type: SetType,
    /// The set's time, `YYYYMMDDTHHMMSSZ`.
    pub time: SetTime,
    /// The time of the set that an increment builds on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<SetTime>,
    /// The host as the manifest names it.
    #[serde(with = "text::bytes")]
    pub host: Vec<u8>,
    /// The source as the manifest names it.
    #[serde(with = "text::bytes")]
    pub source: Vec<u8>,
    /// The identity of the backup that the set belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// The tags and the note that go into the seal.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// The name of the run that has locked the archive directory, or `None` without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// The SHA-256 of the seal of the set before, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_seal: Option<String>,
    /// What tells whether a passphrase is that of the set that an increment builds on, from its seal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<String>,
    /// The SHA-256 of the options of the run. Only a run with an equal value may resume the set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<String>,
    /// The mark of the recipients: a salted digest of the certificates and passphrases that the set
    /// is encrypted to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What an interrupted run has stored of the set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<Resume>,
}

/// Full or increment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SetType {
    /// Stands alone.
    Full,
    /// Builds on the set at `base`.
    Inc,
}

impl SetHeader {
    /// The set as file names tell it.
    pub fn id(&self) -> SetId {
        SetId { base: self.base, time: self.time }
    }

    /// Identity and origin, as the set's seal names them.
    pub fn belongs(&self) -> Option<(Identity, Origin)> {
        let identity = self.identity?;
        Some((identity, identity.origin(&self.host, &self.source)))
    }

    /// The volumes that are stored already.
    pub fn stored(&self) -> &[Receipt] {
        self.resume.as_ref().map_or(&[], |resume| &resume.volumes)
    }
}

/// The state that a restore asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreRequest {
    /// The sets that make up the state, the full one first.
    pub sets: Vec<SetRef>,
    /// Later incomplete sets. Their files exist, so no other set may have their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unfinished: Vec<SetRef>,
    /// The identity that all sets must have, or `None` if it is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// The tags and the note of the newest set, which a full set made of the state keeps.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// The only requested path, relative to the source, or `None` for all.
    #[serde(default, with = "text::optional_bytes", skip_serializing_if = "Option::is_none")]
    pub path: Option<Vec<u8>>,
    /// Several requested paths, relative to the source, or none.
    #[serde(default, with = "text::byte_lists", skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<Vec<u8>>,
    /// Which entries are requested, in the order in which they decide: the first one that matches does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patterns: Vec<Pattern>,
    /// The only volumes that come, or `None` for all that hold the path. The sets are then those that were
    /// named, and need not be a whole chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volumes: Option<Vec<VolumeRef>>,
}

impl RestoreRequest {
    /// The request in JSON.
    ///
    /// # Errors
    /// Never, but the library that writes it could fail.
    pub fn to_json(&self) -> Result<Vec<u8>, Failure> {
        serde_json::to_vec(self).or_fail(Status::Failed, "request")
    }

    /// Reads a request in JSON, which comes from `which`.
    ///
    /// # Errors
    /// It is malformed.
    pub fn of_json(json: &[u8], which: &str) -> Result<RestoreRequest, Failure> {
        serde_json::from_slice(json)
            .map_err(|error| Failure::of(Status::Usage, which, format!("no request: {error}")))
    }
}

/// A pattern of a requested part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pattern {
    /// Whether it includes what it matches.
    pub include: bool,
    /// Whether it is a regular expression, and not a shell pattern.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub regexp: bool,
    /// Its text.
    #[serde(with = "text::bytes")]
    pub text: Vec<u8>,
}

/// One volume of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeRef {
    /// The set's time.
    pub set: SetTime,
    /// The volume's number.
    pub number: u64,
}

/// One of the sets of a wanted state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetRef {
    /// The set's time.
    pub time: SetTime,
    /// The time of the set that it builds on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<SetTime>,
}

impl SetRef {
    /// The set as file names tell it.
    pub fn id(&self) -> SetId {
        SetId { base: self.base, time: self.time }
    }
}

impl From<SetId> for SetRef {
    fn from(id: SetId) -> SetRef {
        SetRef { time: id.time, base: id.base }
    }
}

/// A seal that the next one is made after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewestSeal {
    /// The time of its set.
    pub time: SetTime,
    /// The SHA-256 of its file, in hex.
    pub sha256: String,
    /// What tells whether a passphrase is that of its set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<String>,
}

/// The part of the set that is stored already.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// Its volumes, from the first on, without a gap.
    pub volumes: Vec<Receipt>,
    /// What they were encrypted with, see [`SetHeader::key`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// A file in the store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Its name there.
    pub stored: String,
    /// Its temporary name until it is published, or `None` afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temporary: Option<String>,
    /// Its length in bytes.
    pub size: u64,
    /// Its SHA-256 in hex, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Its SHA-1 in hex, if known; duplicity's manifests need it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha1: Option<String>,
    /// The text of a seal, as it is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<String>,
}

/// `end.json`: the counts of a complete stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// Members between `begin.json` and this one.
    pub members: u64,
    /// Bytes in their bodies.
    pub bytes: u64,
    /// What the statistics and the exit status are made of.
    pub totals: Totals,
}

/// What the stages have counted in a run so far; all sizes in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    /// When the run began, in milliseconds since 1970.
    pub start: u64,
    /// Entries of the source.
    pub source_files: u64,
    /// Bytes in the source's regular files.
    pub source_bytes: u64,
    /// Entries that were not there before.
    pub new_files: u64,
    /// Bytes in those.
    pub new_bytes: u64,
    /// Entries that have changed.
    pub changed_files: u64,
    /// Bytes in those.
    pub changed_bytes: u64,
    /// Entries that are gone.
    pub deleted_files: u64,
    /// Entries of the source that could not be read, or changed while they were read; or entries
    /// of a restore that could not be given their owner.
    pub unreadable: u64,
    /// Damaged or missing files of the store and entries of a restore that the stages have skipped.
    #[serde(skip_serializing_if = "is_zero")]
    pub lost: u64,
    /// Bytes of content and deltas that went into the volumes.
    pub delta_bytes: u64,
    /// Bytes of the volumes as they are stored.
    pub stored_bytes: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands it so")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// `failed.json`: why there is no `end.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// The program that failed.
    pub stage: String,
    /// Its exit status.
    pub status: u8,
    /// Its message.
    pub message: String,
    /// What happened, by its name in [`Reason`].
    pub reason: String,
}

impl Failed {
    /// The failure for the next stages. A failure from a previous stage is passed on unchanged.
    pub(crate) fn of(stage: &str, failure: &Failure) -> Failed {
        Failed {
            stage: failure.stage().unwrap_or(stage).to_owned(),
            status: failure.status().code(),
            message: failure.message().to_owned(),
            reason: failure.reason().name().to_owned(),
        }
    }
}

impl From<Failed> for Failure {
    fn from(failed: Failed) -> Failure {
        let status = Status::from_code(failed.status);
        let reason = Reason::from_name(&failed.reason);
        Failure::upstream(failed.stage, status, failed.message).because(reason)
    }
}
