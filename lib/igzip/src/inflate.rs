//! Inflate: raw streams (RFC 1951), zlib streams (RFC 1950) and gzip members (RFC 1952).
//!
//! ISA-L decodes the blocks and checks the checksum after them. The headers are read here: ISA-L
//! loses its place in one that arrives in several pieces.

use std::io::{self, BufRead, Read};

use crc32fast::hash;
use isal_sys::igzip_lib::{
    ISAL_DECOMP_OK, ISAL_GZIP_NO_HDR_VER, ISAL_ZLIB_NO_HDR_VER, inflate_state,
    isal_block_state_ISAL_BLOCK_FINISH as FINISHED, isal_inflate, isal_inflate_init,
};

/// The most bytes that one call reads or writes: ISA-L counts some of them in 32 bits with a sign.
const MOST: usize = 1 << 30;
/// The only method of zlib and gzip.
const DEFLATE: u8 = 8;
/// The longest name or comment in a gzip header, in bytes.
const LONGEST: u64 = 64 << 10;
/// The flags of a gzip header (RFC 1952, 2.3.1).
const HEADER_CRC: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;
const RESERVED: u8 = 0xe0;

/// A reader of the content of a deflated stream. It takes 90 KiB of memory, and works best with
/// buffers that are much longer than deflate's window of 32 KiB, which it copies each time.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`]: the stream is damaged, or its checksum is wrong.
/// [`io::ErrorKind::UnexpectedEof`]: it is cut off.
pub struct Inflate<R> {
    packed: R,
    format: Format,
    at: Position,
    state: Box<inflate_state>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Raw,
    Zlib,
    Gzip,
}

/// What comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    Header,
    Blocks,
    End,
    /// Nothing: an error was returned.
    Damage,
}

// SAFETY: the pointers in the state are used during one call only, which has `&mut` of it.
#[allow(unsafe_code)]
unsafe impl<R: Send> Send for Inflate<R> {}

// SAFETY: a shared reference gives no access to the state.
#[allow(unsafe_code)]
unsafe impl<R: Sync> Sync for Inflate<R> {}

impl<R: BufRead> Inflate<R> {
    /// A stream without header and checksum. What follows it is read to its end and ignored.
    pub fn raw(packed: R) -> Inflate<R> {
        Inflate::new(packed, Format::Raw)
    }

    /// A stream with a header and an Adler-32. What follows it is read to its end and ignored.
    pub fn zlib(packed: R) -> Inflate<R> {
        Inflate::new(packed, Format::Zlib)
    }

    /// One or more members, each with a CRC-32, and nothing after them.
    pub fn gzip(packed: R) -> Inflate<R> {
        Inflate::new(packed, Format::Gzip)
    }

    #[allow(unsafe_code)]
    fn new(packed: R, format: Format) -> Inflate<R> {
        // SAFETY: a structure of C: numbers, arrays of them, and pointers that may be null.
        let state: Box<inflate_state> = Box::new(unsafe { std::mem::zeroed() });
        Inflate { packed, format, at: Position::Header, state }
    }

    /// Reads what precedes the blocks.
    fn header(&mut self) -> io::Result<()> {
        match self.format {
            Format::Raw => Ok(()),
            Format::Zlib => zlib_header(&mut self.packed),
            Format::Gzip => gzip_header(&mut self.packed),
        }
    }

    /// Prepares for the first block.
    #[allow(unsafe_code)]
    fn begin(&mut self) {
        // SAFETY: it writes into the state, and nowhere else.
        unsafe { isal_inflate_init(&raw mut *self.state) };
        self.state.crc_flag = match self.format {
            Format::Raw => 0,
            Format::Zlib => ISAL_ZLIB_NO_HDR_VER,
            Format::Gzip => ISAL_GZIP_NO_HDR_VER,
        };
    }

    /// Fills some of the buffer, which is not empty. Returns 0 at the end of the last block, when
    /// the checksum has been found right.
    fn blocks(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.state.block_state != FINISHED {
            let packed = self.packed.fill_buf()?;
            let is_end = packed.is_empty();
            let (read, written) = advance(&mut self.state, packed, buffer)?;
            self.packed.consume(read);
            if written > 0 {
                return Ok(written);
            }
            if read == 0 && self.state.block_state != FINISHED {
                return Err(if is_end { io::ErrorKind::UnexpectedEof.into() } else { corrupt() });
            }
        }
        Ok(0)
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.at {
                Position::Header => {
                    self.header()?;
                    self.begin();
                    self.at = Position::Blocks;
                }
                Position::Blocks => match self.blocks(buffer)? {
                    0 => self.at = self.next()?,
                    written => return Ok(written),
                },
                Position::End => {
                    // Whoever checks the input as a whole does so at its end.
                    io::copy(&mut self.packed, &mut io::sink())?;
                    return Ok(0);
                }
                Position::Damage => return Err(corrupt()),
            }
        }
    }

    /// What follows the blocks.
    fn next(&mut self) -> io::Result<Position> {
        let is_member = self.format == Format::Gzip && !self.packed.fill_buf()?.is_empty();
        Ok(if is_member { Position::Header } else { Position::End })
    }
}

impl<R: BufRead> Read for Inflate<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let read = self.read_some(buffer);
        if matches!(&read, Err(error) if error.kind() != io::ErrorKind::Interrupted) {
            self.at = Position::Damage;
        }
        read
    }
}

/// Inflates some of the input into some of the buffer: how many bytes of each.
#[allow(unsafe_code)]
fn advance(
    state: &mut inflate_state,
    packed: &[u8],
    buffer: &mut [u8],
) -> io::Result<(usize, usize)> {
    let (input, room) = (packed.len().min(MOST) as u32, buffer.len().min(MOST) as u32);
    // The input is never written to.
    state.next_in = packed.as_ptr().cast_mut();
    state.avail_in = input;
    state.next_out = buffer.as_mut_ptr();
    state.avail_out = room;
    // SAFETY: the state has been initialized; its pointers are those of slices that outlast the
    // call and are at least as long as told; it reads and writes no other memory but the state.
    let outcome = unsafe { isal_inflate(state) };
    if outcome != ISAL_DECOMP_OK as i32 {
        return Err(corrupt());
    }
    Ok(((input - state.avail_in) as usize, (room - state.avail_out) as usize))
}

/// RFC 1950, 2.2. A stream that needs a dictionary is refused.
fn zlib_header(packed: &mut impl Read) -> io::Result<()> {
    let mut header = [0; 2];
    packed.read_exact(&mut header)?;
    let [method, flags] = header;
    let holds = u16::from_be_bytes(header).is_multiple_of(31);
    let is_known = method & 15 == DEFLATE && method >> 4 <= 7 && flags & 0x20 == 0;
    if holds && is_known { Ok(()) } else { Err(corrupt()) }
}

/// RFC 1952, 2.3.
fn gzip_header(packed: &mut impl BufRead) -> io::Result<()> {
    let mut header = vec![0; 10];
    packed.read_exact(&mut header)?;
    let flags = header[3];
    if header[..3] != [0x1f, 0x8b, DEFLATE] || flags & RESERVED != 0 {
        return Err(corrupt());
    }
    if flags & EXTRA != 0 {
        let mut length = [0; 2];
        packed.read_exact(&mut length)?;
        header.extend(length);
        let start = header.len();
        header.resize(start + usize::from(u16::from_le_bytes(length)), 0);
        packed.read_exact(&mut header[start..])?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            packed.take(LONGEST).read_until(0, &mut header)?;
            if header.last() != Some(&0) {
                return Err(corrupt());
            }
        }
    }
    if flags & HEADER_CRC != 0 {
        let mut sum = [0; 2];
        packed.read_exact(&mut sum)?;
        if u16::from_le_bytes(sum) != hash(&header) as u16 {
            return Err(corrupt());
        }
    }
    Ok(())
}

fn corrupt() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "corrupt deflate stream")
}
