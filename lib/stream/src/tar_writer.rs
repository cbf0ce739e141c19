//! Writing tar.

use std::io::{self, Write};

use tar::Header;

use crate::member::{Kind, Member};
use crate::pax;

/// Bytes in a block; headers are one, and bodies are filled up to the next.
pub(crate) const BLOCK: usize = 512;

/// Writes members as duplicity does: POSIX pax over ustar.
pub struct TarWriter<W> {
    output: W,
    written: u64,
    for_others: bool,
}

impl<W: Write> TarWriter<W> {
    /// A writer at the start of a tar.
    pub fn new(output: W) -> TarWriter<W> {
        TarWriter { output, written: 0, for_others: false }
    }

    /// A writer after `bytes` bytes of a tar.
    pub fn behind(output: W, written: u64) -> TarWriter<W> {
        TarWriter { output, written, for_others: false }
    }

    /// The same for other programs than duplicity, which read times before 1970, too.
    #[must_use]
    pub fn for_others(self) -> TarWriter<W> {
        TarWriter { for_others: true, ..self }
    }

    /// Bytes written so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Where it writes to.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.output
    }

    /// Ends without an end mark.
    pub fn into_inner(self) -> W {
        self.output
    }

    /// Writes a member and its whole body.
    pub fn append(&mut self, member: &Member, body: &[u8]) -> io::Result<()> {
        self.begin(member, body.len() as u64)?;
        self.put_part(body)?;
        self.finish(body.len() as u64)
    }

    /// Writes the headers of a member. Its body must follow in parts, and then its end.
    pub fn begin(&mut self, member: &Member, size: u64) -> io::Result<()> {
        let name = full_name(member);
        if let Some(extension) = pax::encode(member, &name, size, self.for_others) {
            let mut header = blank(b'x', extension.len() as u64);
            header.as_old_mut().name[..14].copy_from_slice(b"././@PaxHeader");
            self.put_header(&mut header)?;
            self.put_part(&extension)?;
            self.finish(extension.len() as u64)?;
        }
        self.put_header(&mut encode(member, &name, size)?)
    }

    /// Writes a part of a body.
    pub fn put_part(&mut self, part: &[u8]) -> io::Result<()> {
        self.written += part.len() as u64;
        self.output.write_all(part)
    }

    /// Ends a body of `size` bytes.
    pub fn finish(&mut self, size: u64) -> io::Result<()> {
        let padding = (size.wrapping_neg() % BLOCK as u64) as usize;
        self.put_part(&[0; BLOCK][..padding])
    }

    /// Writes the end mark: two blocks of zeros and, for archives, more of them up to the next
    /// multiple of 10,240 bytes.
    pub fn end(&mut self, padded: bool) -> io::Result<()> {
        let ended = self.written + 2 * BLOCK as u64;
        let end = if padded { ended.next_multiple_of(10_240) } else { ended };
        let zeros = [0; 10_240 + 2 * BLOCK];
        let length = (end - self.written) as usize;
        self.written = end;
        self.output.write_all(&zeros[..length])
    }

    /// The bytes of a member in a tar, with its headers and a body of that length.
    pub fn room(member: &Member, body: usize) -> u64 {
        let blocks = |bytes: usize| bytes.next_multiple_of(BLOCK) + BLOCK;
        let extension = pax::encode(member, &full_name(member), body as u64, false);
        (blocks(body) + extension.map_or(0, |extension| blocks(extension.len()))) as u64
    }

    fn put_header(&mut self, header: &mut Header) -> io::Result<()> {
        header.set_cksum();
        self.put_part(header.as_bytes())
    }
}

/// The name of a member, with the slash that directories end in.
fn full_name(member: &Member) -> Vec<u8> {
    let mut name = member.name.clone();
    if member.kind == Kind::Directory && !name.ends_with(b"/") {
        name.push(b'/');
    }
    name
}

/// A header in which all numbers but the size are 0.
fn blank(flag: u8, size: u64) -> Header {
    let mut header = Header::new_ustar();
    let fields = header.as_old_mut();
    fields.linkflag[0] = flag;
    for field in [&mut fields.mode, &mut fields.uid, &mut fields.gid] {
        octal(field, 0);
    }
    octal(&mut fields.mtime, 0);
    octal(&mut fields.size, size);
    header
}

fn encode(member: &Member, name: &[u8], size: u64) -> io::Result<Header> {
    let mut header = blank(member.kind.flag(), size);
    let fields = header.as_old_mut();
    octal(&mut fields.mode, (member.mode & 0o7777).into());
    octal(&mut fields.uid, member.uid);
    octal(&mut fields.gid, member.gid);
    octal(&mut fields.mtime, u64::try_from(member.mtime.secs).unwrap_or(0));
    put(&mut fields.name, name);
    put(&mut fields.linkname, &member.link);
    if let Some(ustar) = header.as_ustar_mut() {
        put(&mut ustar.uname, &member.uname);
        put(&mut ustar.gname, &member.gname);
    }
    if member.kind.is_device() {
        header.set_device_major(member.device.0)?;
        header.set_device_minor(member.device.1)?;
    }
    Ok(header)
}

/// Writes octal digits and a NUL, or 0 if the number does not fit; the extended header then has the
/// number. The `tar` crate allocates memory for each field, and a member has ten.
fn octal(field: &mut [u8], number: u64) {
    let Some((end, digits)) = field.split_last_mut() else { return };
    let fits = number >> (3 * digits.len()) == 0;
    let mut rest = if fits { number } else { 0 };
    *end = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest & 7) as u8;
        rest >>= 3;
    }
}

/// Writes the beginning of a text that fits, for readers that ignore the extended header.
fn put(field: &mut [u8], text: &[u8]) {
    for (slot, byte) in field.iter_mut().zip(text) {
        *slot = if byte.is_ascii() { *byte } else { b'?' };
    }
}
