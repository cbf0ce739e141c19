//! Reading tar. The framing is our own, because the `tar` crate accepts a cut stream, and reads an
//! extended header of any size into memory. Its header blocks are used.

use std::io::{self, Read};

use tar::Header;

use crate::member::{Kind, Member, Timestamp};
use crate::pax;
use crate::pipe::BUFFER;
use crate::tar_writer::BLOCK;

/// Extended headers and long names beyond this are refused; the longest name is 4 KiB.
const LARGEST_EXTENSION: u64 = 1 << 20;

/// Names of the source itself, which end in a slash even if the source is a single file. Python,
/// and so duplicity, takes no other member for a directory because of its name alone; GNU tar does.
const ROOTS: [&[u8]; 4] = [b"snapshot", b"diff", b"signature", b"deleted"];

/// Why a tar could not be read on.
#[derive(Debug)]
pub enum TarError {
    /// It ended inside a member.
    Cut,
    /// It is no tar that we know.
    Malformed(String),
    /// It could not be read.
    Io(io::Error),
}

impl From<io::Error> for TarError {
    fn from(error: io::Error) -> TarError {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => TarError::Cut,
            _ => TarError::Io(error),
        }
    }
}

impl std::fmt::Display for TarError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            TarError::Cut => f.write_str("ends in the middle"),
            TarError::Malformed(why) => f.write_str(why),
            TarError::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TarError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            TarError::Io(error) => Some(error),
            _ => None,
        }
    }
}

/// The next part of a tar.
#[derive(Debug)]
pub enum Next {
    /// A member; its body comes by [`Read`].
    Member(Box<Member>),
    /// A block of zeros: the end, as a writer marks it.
    Zeros,
    /// Nothing: the end, as older duplicity leaves it.
    Nothing,
}

/// Reads members and bodies, in POSIX pax, GNU or plain ustar form.
///
/// Reading from it gives the body of the last member.
pub struct TarReader<R> {
    input: R,
    body: u64,
    padding: u64,
}

impl<R: Read> TarReader<R> {
    /// A reader at the start of a tar.
    pub fn new(input: R) -> TarReader<R> {
        TarReader { input, body: 0, padding: 0 }
    }

    /// What follows the last part that was read.
    pub fn into_inner(self) -> R {
        self.input
    }

    /// What the tar is read from.
    pub fn get_ref(&self) -> &R {
        &self.input
    }

    pub(crate) fn input(&mut self) -> &mut R {
        &mut self.input
    }

    /// Advances to the next member and skips the rest of the last body.
    ///
    /// # Errors
    /// The input is not a tar, or has a form that GNU tar, Python's tarfile (which duplicity uses)
    /// and moobacker would read in different ways. No backup program writes such forms.
    pub fn advance(&mut self) -> Result<Next, TarError> {
        self.skip()?;
        let mut extensions = Extensions::default();
        loop {
            let Some(header) = self.header()? else {
                return extensions.end(Next::Nothing);
            };
            if header.as_bytes().iter().all(|b| *b == 0) {
                return extensions.end(Next::Zeros);
            }
            let size = size(&header)?;
            match header.as_old().linkflag[0] {
                b'x' => put(&mut extensions.extended, self.extension(size)?)?,
                b'g' => return Err(malformed("a global extended header, which no backup has")),
                b'L' => put(&mut extensions.name, until_nul(self.extension(size)?))?,
                b'K' => put(&mut extensions.link, until_nul(self.extension(size)?))?,
                flag => {
                    let member = extensions.member(&header, flag, size)?;
                    self.expect_body(member.size);
                    return Ok(Next::Member(Box::new(member)));
                }
            }
        }
    }

    /// The whole body of the last member, if it has at most `limit` bytes.
    pub fn body(&mut self, limit: u64) -> Result<Vec<u8>, TarError> {
        if self.body > limit {
            return Err(malformed(format!("a body of {} bytes, more than {limit}", self.body)));
        }
        let size = self.body;
        // What a header promises costs no memory before it comes.
        let mut body = Vec::with_capacity(size.min(BUFFER as u64) as usize);
        self.input.by_ref().take(size).read_to_end(&mut body)?;
        self.body -= body.len() as u64;
        if self.body > 0 {
            return Err(TarError::Cut);
        }
        self.skip()?;
        Ok(body)
    }

    fn expect_body(&mut self, size: u64) {
        self.body = size;
        self.padding = size.wrapping_neg() % BLOCK as u64;
    }

    fn skip(&mut self) -> Result<(), TarError> {
        let left = self.body.checked_add(self.padding).ok_or(TarError::Cut)?;
        if left == 0 {
            return Ok(());
        }
        (self.body, self.padding) = (0, 0);
        let skipped = io::copy(&mut self.input.by_ref().take(left), &mut io::sink())?;
        if skipped < left { Err(TarError::Cut) } else { Ok(()) }
    }

    fn header(&mut self) -> Result<Option<Header>, TarError> {
        let mut header = Header::new_old();
        let block = header.as_mut_bytes();
        if !fill(&mut self.input, block)? {
            return Ok(None);
        }
        if block.iter().all(|b| *b == 0) {
            return Ok(Some(header));
        }
        let expected = header.cksum().map_err(|_| malformed("not a tar"))?;
        if expected != checksum(header.as_bytes()) {
            return Err(malformed("not a tar, or damaged: wrong checksum of a header"));
        }
        Ok(Some(header))
    }

    fn extension(&mut self, size: u64) -> Result<Vec<u8>, TarError> {
        self.expect_body(size);
        self.body(LARGEST_EXTENSION)
    }
}

/// The headers before a member that belong to it.
#[derive(Default)]
struct Extensions {
    /// The body of an extended header.
    extended: Option<Vec<u8>>,
    /// GNU's long names.
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

impl Extensions {
    /// The end of the tar. It is an error if an extended header lacks its member.
    fn end(self, next: Next) -> Result<Next, TarError> {
        if self.extended.is_none() && self.name.is_none() && self.link.is_none() {
            return Ok(next);
        }
        match next {
            Next::Nothing => Err(TarError::Cut),
            _ => Err(malformed("an extended header without its member")),
        }
    }

    /// The member that they belong to.
    fn member(self, header: &Header, flag: u8, size: u64) -> Result<Member, TarError> {
        let is_gnu = self.name.is_some() || self.link.is_some();
        if is_gnu && self.extended.is_some() {
            return Err(malformed("a long name and an extended header of one member"));
        }
        let mut member = decode(header, flag, size)?;
        let was_folder = member.name.ends_with(b"/");
        member.name = self.name.unwrap_or(member.name);
        member.link = self.link.unwrap_or(member.link);
        if let Some(body) = self.extended {
            pax::apply(&body, &mut member).map_err(TarError::Malformed)?;
        }
        let is_folder = member.name.ends_with(b"/");
        while member.name.len() > 1 && member.name.ends_with(b"/") {
            member.name.pop();
        }
        if flag == 0 && was_folder != is_folder {
            return Err(malformed("a name of both a directory and a file"));
        }
        if flag == 0 && is_folder {
            // As tars were before they had a flag for directories.
            member.kind = Kind::Directory;
        }
        let is_root = ROOTS.contains(&member.name.as_slice());
        if member.kind == Kind::File && is_folder && !is_root {
            return Err(malformed("a file with the name of a directory"));
        }
        let has_body = matches!(member.kind, Kind::File | Kind::Other(_));
        if member.size > 0 && !has_body {
            return Err(malformed("content in a member other than a file"));
        }
        Ok(member)
    }
}

/// Sets a header that a member may have once.
fn put<T>(slot: &mut Option<T>, value: T) -> Result<(), TarError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(malformed("two extended headers of one member")),
    }
}

/// The size in a header. Of a binary one, the last eight bytes are all that the `tar` crate looks at.
fn size(header: &Header) -> Result<u64, TarError> {
    let field = &header.as_old().size;
    let fits = match field[0] {
        0..0x80 => is_octal(field),
        first => first == 0x80 && field[1..4] == [0; 3],
    };
    let size = header.entry_size().ok().filter(|_| fits);
    size.filter(|size| *size <= i64::MAX as u64).ok_or_else(|| malformed("malformed size"))
}

/// Whether all readers find the same number in a field: blanks, digits, and only blanks and NULs
/// after them.
fn is_octal(field: &[u8]) -> bool {
    let is_blank = |byte: &u8| matches!(byte, b' ' | 0);
    let start = field.iter().position(|byte| *byte != b' ').unwrap_or(field.len());
    let digits = &field[start..];
    let end = digits.iter().position(is_blank).unwrap_or(digits.len());
    let (digits, behind) = digits.split_at(end);
    digits.iter().all(|digit| matches!(digit, b'0'..=b'7')) && behind.iter().all(is_blank)
}

/// The body of the last member.
impl<R: Read> Read for TarReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.body).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let n = self.input.read(&mut buffer[..most])?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.body -= n as u64;
        Ok(n)
    }
}

/// Fills the buffer. Returns false if the input has ended before the first byte.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> Result<bool, TarError> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) if filled == 0 => return Ok(false),
            Ok(0) => return Err(TarError::Cut),
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}

fn malformed(why: impl Into<String>) -> TarError {
    TarError::Malformed(why.into())
}

fn until_nul(mut name: Vec<u8>) -> Vec<u8> {
    if let Some(end) = name.iter().position(|b| *b == 0) {
        name.truncate(end);
    }
    name
}

fn checksum(block: &[u8; BLOCK]) -> u32 {
    let sum = |bytes: &[u8]| bytes.iter().map(|b| u32::from(*b)).sum::<u32>();
    sum(&block[..148]) + 8 * u32::from(b' ') + sum(&block[156..])
}

/// Checks the fields that others read in another way than the `tar` crate.
fn check_fields(header: &Header, kind: Kind) -> Result<(), TarError> {
    let old = header.as_old();
    let is_ours = |field: &[u8]| field[0] >= 0x80 || is_octal(field);
    if ![&old.mode[..], &old.uid, &old.gid, &old.mtime].into_iter().all(is_ours) {
        return Err(malformed("malformed number in a header"));
    }
    // Python reads the bytes at the place of the prefix as a prefix, even if GNU tar has other
    // fields there.
    let is_ustar = header.as_ustar().is_some();
    let prefix = &header.as_bytes()[345..500];
    if !is_ustar && !matches!(kind, Kind::Other(_)) && prefix.iter().any(|byte| *byte != 0) {
        return Err(malformed("a name in two parts in an old header"));
    }
    Ok(())
}

fn decode(header: &Header, flag: u8, size: u64) -> Result<Member, TarError> {
    let number = |result: io::Result<u64>, what: &str| {
        result.map_err(|_| malformed(format!("malformed {what} in a header")))
    };
    let device = |half: io::Result<Option<u32>>| half.ok().flatten().unwrap_or(0);
    let owner = |name: Option<&[u8]>| name.unwrap_or_default().to_vec();
    let kind = Kind::from_flag(flag);
    check_fields(header, kind)?;
    Ok(Member {
        name: header.path_bytes().into_owned(),
        kind,
        size,
        mode: number(header.mode().map(u64::from), "mode")? as u32 & 0o7777,
        uid: number(header.uid(), "owner")?,
        gid: number(header.gid(), "group")?,
        uname: owner(header.username_bytes()),
        gname: owner(header.groupname_bytes()),
        // GNU tar writes times before 1970 as a negative base-256 number.
        mtime: Timestamp { secs: number(header.mtime(), "time")?.cast_signed(), nanos: 0 },
        link: header.link_name_bytes().unwrap_or_default().into_owned(),
        device: if kind.is_device() {
            (device(header.device_major()), device(header.device_minor()))
        } else {
            (0, 0)
        },
        ..Member::default()
    })
}
