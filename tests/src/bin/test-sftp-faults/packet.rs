//! Packets of SFTP version 3 (draft-ietf-secsh-filexfer-02): a length, a type, and for all but the
//! first a number that the answer repeats.

use std::io::{self, Read};

/// Longer ones than any client of ours sends.
const LONGEST: u32 = 1 << 20;

/// SSH_FXP_STATUS.
const STATUS: u8 = 101;

/// SSH_FXP_INIT, which has a version in place of a number.
const INIT: u8 = 1;

/// SSH_FXP_EXTENDED, whose type is a name in it.
const EXTENDED: u8 = 200;

/// Types of requests, from 3 on.
const NAMES: [&str; 18] = [
    "open", "close", "read", "write", "lstat", "fstat", "setstat", "fsetstat", "opendir",
    "readdir", "remove", "mkdir", "rmdir", "realpath", "stat", "rename", "readlink", "symlink",
];

/// A whole packet, with its length.
pub(crate) struct Packet {
    pub(crate) bytes: Vec<u8>,
}

impl Packet {
    /// The next one; none at the end.
    pub(crate) fn read(mut from: impl Read) -> io::Result<Packet> {
        let mut bytes = vec![0; 4];
        from.read_exact(&mut bytes)?;
        let len = number(&bytes, 0).unwrap();
        assert!((1..=LONGEST).contains(&len), "a packet of {len} bytes");
        bytes.resize(4 + len as usize, 0);
        from.read_exact(&mut bytes[4..])?;
        Ok(Packet { bytes })
    }

    /// An answer with a status, a message and no language.
    pub(crate) fn status(id: u32, status: u32) -> Packet {
        let message = b"asked for by the test";
        let mut body = vec![STATUS];
        body.extend(id.to_be_bytes());
        body.extend(status.to_be_bytes());
        body.extend((message.len() as u32).to_be_bytes());
        body.extend(message);
        body.extend([0; 4]);
        Packet::of(&body)
    }

    /// A packet with that type and the rest of its body.
    pub(crate) fn of(body: &[u8]) -> Packet {
        let len = body.len() as u32;
        Packet { bytes: [&len.to_be_bytes(), body].concat() }
    }

    /// The number that the answer repeats; 0 for the first packet.
    pub(crate) fn id(&self) -> u32 {
        if self.bytes[4] == INIT { 0 } else { number(&self.bytes, 5).unwrap_or(0) }
    }

    /// The type of a request.
    pub(crate) fn kind(&self) -> String {
        match self.bytes[4] {
            INIT => "init".to_owned(),
            EXTENDED => {
                let name = string(&self.bytes, 9).unwrap_or_default();
                let name = name.split(|byte| *byte == b'@').next().unwrap_or_default();
                name.escape_ascii().to_string()
            }
            other => {
                let name = other.checked_sub(3).and_then(|index| NAMES.get(usize::from(index)));
                name.map_or_else(|| format!("type-{other}"), |name| (*name).to_owned())
            }
        }
    }

    /// What a request is about: a path, the bytes that it brings, or nothing that tells much.
    pub(crate) fn about(&self) -> String {
        let text = |at| string(&self.bytes, at).unwrap_or_default().escape_ascii().to_string();
        match self.kind().as_str() {
            "init" | "close" | "fstat" | "fsetstat" | "readdir" | "read" => String::new(),
            "write" => self.brought().to_string(),
            "posix-rename" => text(13 + number(&self.bytes, 9).unwrap_or(0) as usize),
            _ if self.bytes[4] == EXTENDED => String::new(),
            _ => text(9),
        }
    }

    /// How many bytes a write brings, which stand behind a handle and an offset.
    fn brought(&self) -> u32 {
        let handle = number(&self.bytes, 9).unwrap_or(0) as usize;
        number(&self.bytes, 13 + handle + 8).unwrap_or(0)
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_be_bytes(*bytes))
}

fn string(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let len = number(bytes, at)? as usize;
    bytes.get(at + 4..)?.get(..len)
}
