//! What a compressed packet holds (RFC 4880, 5.6).

use std::io::{self, BufRead, Read};

use flate2::{Decompress, FlushDecompress, Status};

/// A reader of the content of a deflated stream. What follows it in its packet is passed over, up to
/// the end of the message.
pub(crate) struct Inflate<R> {
    packed: R,
    state: Decompress,
    ended: bool,
}

impl<R: BufRead> Inflate<R> {
    /// A stream with the header and the checksum of zlib.
    pub(crate) fn zlib(packed: R) -> Inflate<R> {
        Inflate { packed, state: Decompress::new(true), ended: false }
    }

    /// A stream without.
    pub(crate) fn raw(packed: R) -> Inflate<R> {
        Inflate { packed, state: Decompress::new(false), ended: false }
    }
}

impl<R: BufRead> Read for Inflate<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while !self.ended {
            let packed = self.packed.fill_buf()?;
            let (is_end, taken, given) =
                (packed.is_empty(), self.state.total_in(), self.state.total_out());
            let status = self.state.decompress(packed, buffer, FlushDecompress::None)?;
            self.ended = status == Status::StreamEnd;
            self.packed.consume((self.state.total_in() - taken) as usize);
            let length = (self.state.total_out() - given) as usize;
            if length > 0 {
                return Ok(length);
            }
            if is_end && !self.ended {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        // The end of the message tells whether it is whole.
        io::copy(&mut self.packed, &mut io::sink())?;
        Ok(0)
    }
}
