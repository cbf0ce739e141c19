//! What goes to and fro: a length, a type, a number that the answer repeats, and fields.

use std::io::Read;

/// How a file is opened.
pub mod flags {
    /// SSH_FXF_READ
    pub const READ: u32 = 1;
    /// SSH_FXF_WRITE
    pub const WRITE: u32 = 2;
    /// SSH_FXF_APPEND
    pub const APPEND: u32 = 4;
    /// SSH_FXF_CREAT
    pub const CREAT: u32 = 8;
    /// SSH_FXF_TRUNC
    pub const TRUNC: u32 = 16;
    /// SSH_FXF_EXCL
    pub const EXCL: u32 = 32;
}

/// SSH_FXP_STATUS, _HANDLE, _NAME, _EXTENDED.
const STATUS: u8 = 101;
const HANDLE: u8 = 102;
const NAME: u8 = 104;
const EXTENDED: u8 = 200;

/// Longer answers than any server gives.
const LONGEST: u32 = 1 << 20;

/// A request: its type, and the fields behind its number.
#[derive(Clone)]
pub struct Request {
    kind: u8,
    fields: Vec<u8>,
}

impl Request {
    /// One of that type, without fields yet.
    pub fn of(kind: u8) -> Request {
        Request { kind, fields: Vec::new() }
    }

    /// SSH_FXP_EXTENDED with that name.
    pub fn extended(name: &str) -> Request {
        Request::of(EXTENDED).text(name)
    }

    /// SSH_FXP_OPEN.
    pub fn open(path: &str, flags: u32, attributes: &Attributes) -> Request {
        Request::of(3).text(path).number(flags).attributes(attributes)
    }

    /// Adds a number of 32 bits.
    #[must_use]
    pub fn number(self, number: u32) -> Request {
        self.raw(&number.to_be_bytes())
    }

    /// Adds a number of 64 bits.
    #[must_use]
    pub fn long(self, number: u64) -> Request {
        self.raw(&number.to_be_bytes())
    }

    /// Adds a string.
    #[must_use]
    pub fn text(self, text: impl AsRef<[u8]>) -> Request {
        let text = text.as_ref();
        self.number(text.len() as u32).raw(text)
    }

    /// Adds attributes.
    #[must_use]
    pub fn attributes(self, attributes: &Attributes) -> Request {
        self.raw(&attributes.0)
    }

    /// Adds bytes as they are.
    #[must_use]
    pub fn raw(mut self, bytes: &[u8]) -> Request {
        self.fields.extend(bytes);
        self
    }

    /// The whole packet, with the number that the answer will repeat.
    pub fn numbered(&self, number: u32) -> Vec<u8> {
        let fields = [&number.to_be_bytes()[..], &self.fields].concat();
        Request { kind: self.kind, fields }.packet()
    }

    /// The whole packet without such a number.
    pub fn packet(&self) -> Vec<u8> {
        let len = self.fields.len() as u32 + 1;
        [&len.to_be_bytes()[..], &[self.kind], &self.fields].concat()
    }
}

/// The attributes of a file that a request asks for.
#[derive(Clone)]
pub struct Attributes(Vec<u8>);

impl Attributes {
    /// None at all.
    pub fn none() -> Attributes {
        Attributes::some(0, &[])
    }

    /// Size in bytes.
    pub fn size(bytes: u64) -> Attributes {
        Attributes::some(1, &bytes.to_be_bytes())
    }

    /// Owner and group.
    pub fn owner(user: u32, group: u32) -> Attributes {
        Attributes::some(2, &[user.to_be_bytes(), group.to_be_bytes()].concat())
    }

    /// Mode.
    pub fn mode(mode: u32) -> Attributes {
        Attributes::some(4, &mode.to_be_bytes())
    }

    /// Times of access and change, in seconds since 1970.
    pub fn times(access: u32, change: u32) -> Attributes {
        Attributes::some(8, &[access.to_be_bytes(), change.to_be_bytes()].concat())
    }

    /// Flags of one's own, and what stands behind them.
    pub fn some(flags: u32, fields: &[u8]) -> Attributes {
        Attributes([&flags.to_be_bytes()[..], fields].concat())
    }
}

/// An answer: its type, and all that follows.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The type, such as 101 for a status.
    pub kind: u8,
    /// What stands behind the type.
    pub body: Vec<u8>,
}

impl Answer {
    /// The next one; none at the end, or where there is no packet.
    pub(crate) fn receive(mut from: impl Read) -> Option<Answer> {
        let mut len = [0; 4];
        from.read_exact(&mut len).ok()?;
        let len = u32::from_be_bytes(len);
        if !(1..=LONGEST).contains(&len) {
            return None;
        }
        let mut packet = vec![0; len as usize];
        from.read_exact(&mut packet).ok()?;
        Some(Answer { kind: packet[0], body: packet.split_off(1) })
    }

    /// The number of the request.
    pub(crate) fn number(&self) -> Option<u32> {
        number(&self.body, 0)
    }

    /// The number of a status.
    pub fn status(&self) -> Option<u32> {
        (self.kind == STATUS).then(|| number(&self.body, 4)).flatten()
    }

    /// It is no status of failure.
    pub fn granted(&self) -> bool {
        self.status().is_none_or(|status| status == 0)
    }

    /// The handle in it.
    pub fn handle(&self) -> Option<Vec<u8>> {
        let found = (self.kind == HANDLE).then(|| string(&self.body, 4))?;
        found.map(<[u8]>::to_vec)
    }

    /// The first name in it.
    pub fn name(&self) -> Option<String> {
        let found = (self.kind == NAME).then(|| string(&self.body, 8))?;
        found.map(|name| String::from_utf8_lossy(name).into_owned())
    }

    /// It holds those bytes.
    pub fn holds(&self, part: &[u8]) -> bool {
        self.body.windows(part.len()).any(|window| window == part)
    }

    /// The names of extensions in SSH_FXP_VERSION.
    pub(crate) fn extensions(&self) -> Vec<String> {
        let (mut names, mut at) = (Vec::new(), 4);
        while let Some(name) = string(&self.body, at) {
            names.push(String::from_utf8_lossy(name).into_owned());
            at += 4 + name.len();
            at += 4 + string(&self.body, at).map_or(0, <[u8]>::len);
        }
        names
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
