//! An entry as JSON. Names and meanings are in moo-list(1).

use archive::escape;
use cli::legible;
use local::EntryRecord;
use serde::Serialize;
use stream::member::{Kind, SHA256};

use cli::shown;

#[derive(Serialize)]
pub(crate) struct EntryObject {
    path: String,
    #[serde(rename = "type")]
    kind: &'static str,
    mode: String,
    uid: u64,
    gid: u64,
    user: Option<String>,
    group: Option<String>,
    size: Option<u64>,
    mtime: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<[u32; 2]>,
}

impl EntryObject {
    pub(crate) fn new(known: &EntryRecord) -> EntryObject {
        let member = &known.member;
        let is = |kind: Kind| member.kind == kind;
        let name = |name: &[u8]| (!name.is_empty()).then(|| escape(name));
        let (major, minor) = member.device;
        EntryObject {
            path: path(known),
            kind: legible::kind(member.kind),
            mode: format!("{:04o}", member.mode),
            uid: member.uid,
            gid: member.gid,
            user: name(&member.uname),
            group: name(&member.gname),
            size: known.size().filter(|_| is(Kind::File)),
            mtime: shown::exact(member.mtime),
            sha256: member.annotations.get(SHA256).map(str::to_owned),
            target: is(Kind::Symlink).then(|| escape(&member.link)),
            device: member.kind.is_device().then_some([major, minor]),
        }
    }
}

/// The path of an entry; the source itself is `.`.
pub(crate) fn path(known: &EntryRecord) -> String {
    if known.path.is_root() { ".".to_owned() } else { escape(known.path.as_bytes()) }
}
