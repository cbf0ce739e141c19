//! Deflate (RFC 1951): about as small as zlib's second level, in a third of its time.

use std::io;

use isal_sys::igzip_lib::{
    COMP_OK, ISAL_DEF_LVL2_MEDIUM, SYNC_FLUSH, isal_deflate, isal_deflate_init, isal_deflate_reset,
    isal_zstream,
};

/// Its first is a little faster and several percent larger, its third takes twice the time.
const LEVEL: u32 = 2;
/// How much of the output there is room for at least when it is called, in bytes.
const ROOM: usize = 64 << 10;

/// Turns content into deflated blocks (RFC 1951).
pub struct Igzip {
    stream: Box<isal_zstream>,
    /// Where it keeps what it has found. A longer one makes longer blocks, which are no smaller.
    found: Vec<u8>,
}

// SAFETY: its pointers are those of one call, of a buffer that is its own, and of tables that nobody
// writes to.
#[allow(unsafe_code)]
unsafe impl Send for Igzip {}

// SAFETY: with a shared reference nothing can be done.
#[allow(unsafe_code)]
unsafe impl Sync for Igzip {}

impl Igzip {
    /// Takes 300 KiB of memory.
    #[allow(unsafe_code)]
    #[must_use]
    pub fn new() -> Igzip {
        // SAFETY: a structure of C: numbers, arrays of them, and pointers that may be null.
        let mut stream: Box<isal_zstream> = Box::new(unsafe { std::mem::zeroed() });
        // SAFETY: it writes into the stream, and nowhere else.
        unsafe { isal_deflate_init(&raw mut *stream) };
        Igzip { stream, found: vec![0; ISAL_DEF_LVL2_MEDIUM as usize] }
    }

    /// Adds the blocks that the content becomes. None is the last of its stream, they refer to
    /// nothing before them, and they end with a whole byte.
    ///
    /// # Errors
    /// Content of 4 GiB or more; what ISA-L refuses, of which it has no reason.
    #[allow(unsafe_code)]
    pub fn pack(&mut self, content: &[u8], blocks: &mut Vec<u8>) -> io::Result<()> {
        let too_long = |_| io::Error::new(io::ErrorKind::InvalidInput, "too long to be deflated");
        let length = u32::try_from(content.len()).map_err(too_long)?;
        let stream = &mut *self.stream;
        // SAFETY: the stream has been initialized.
        unsafe { isal_deflate_reset(stream) };
        stream.level = LEVEL;
        stream.level_buf = self.found.as_mut_ptr();
        stream.level_buf_size = ISAL_DEF_LVL2_MEDIUM;
        stream.flush = SYNC_FLUSH as u16;
        // It is never written to.
        stream.next_in = content.as_ptr().cast_mut();
        stream.avail_in = length;
        loop {
            blocks.reserve(ROOM);
            let room = blocks.spare_capacity_mut();
            let given = u32::try_from(room.len()).unwrap_or(u32::MAX);
            stream.next_out = room.as_mut_ptr().cast();
            stream.avail_out = given;
            // SAFETY: the stream has been initialized; its pointers are those of buffers that
            // outlast the call and are as long as told; and it writes to no other place.
            let outcome = unsafe { isal_deflate(stream) };
            if outcome != COMP_OK as i32 {
                return Err(io::Error::other(format!("igzip: error {outcome}")));
            }
            let written = given - stream.avail_out;
            // SAFETY: it has written so many bytes, of what there is room for.
            unsafe { blocks.set_len(blocks.len() + written as usize) };
            // With room left, nothing waits to be written.
            if stream.avail_in == 0 && stream.avail_out > 0 {
                return Ok(());
            }
        }
    }
}

impl Default for Igzip {
    fn default() -> Igzip {
        Igzip::new()
    }
}
