//! Writing bits, the lowest of a byte first (RFC 1951, 3.1.1).

/// The most that a stored block takes.
const STORED: usize = 65_535;
/// The lengths of a stored block with nothing in it (RFC 1951, 3.2.4).
const EMPTY: [u8; 4] = [0, 0, 0xff, 0xff];

/// Bits on their way into bytes.
#[derive(Default)]
pub(crate) struct Bits {
    /// Whole bytes up to `end`, and behind it room for more.
    bytes: Vec<u8>,
    end: usize,
    held: u64,
    count: u32,
}

impl Bits {
    /// Adds bits, of which all that are not meant are zero. Between two calls of
    /// [`send`](Self::send) there is room for 56.
    #[inline(always)]
    pub(crate) fn add(&mut self, bits: u32, count: u32) {
        self.held |= u64::from(bits) << self.count;
        self.count += count;
    }

    /// Writes the whole bytes of what has been added.
    #[inline(always)]
    pub(crate) fn send(&mut self) {
        if self.bytes.len() < self.end + 8 {
            self.grow();
        }
        // All eight bytes are written, of which not all count.
        if let Some(place) = self.bytes[self.end..].first_chunk_mut() {
            *place = self.held.to_le_bytes();
        }
        self.end += (self.count / 8) as usize;
        self.held >>= self.count & !7;
        self.count &= 7;
    }

    #[cold]
    fn grow(&mut self) {
        self.bytes.resize(self.end * 2 + (4 << 10), 0);
    }

    /// Adds and writes at most 32 bits.
    pub(crate) fn put(&mut self, bits: u32, count: u32) {
        self.add(bits, count);
        self.send();
    }

    /// Adds the bytes as they are, in stored blocks.
    pub(crate) fn store(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(STORED) {
            let length = piece.len() as u16;
            self.align();
            self.bytes.truncate(self.end);
            self.bytes.extend(length.to_le_bytes());
            self.bytes.extend((!length).to_le_bytes());
            self.bytes.extend(piece);
            self.end = self.bytes.len();
        }
    }

    /// Adds blocks that end with a whole byte, behind such.
    pub(crate) fn append(&mut self, blocks: &[u8]) {
        self.bytes.truncate(self.end);
        self.bytes.extend(blocks);
        self.end = self.bytes.len();
    }

    /// Begins a stored block, up to its lengths, which are whole bytes.
    fn align(&mut self) {
        self.put(0, 3);
        self.put(0, self.count.wrapping_neg() & 7);
    }

    /// All bytes. An empty block fills the last one up.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let is_whole = self.count == 0;
        if !is_whole {
            self.align();
        }
        self.bytes.truncate(self.end);
        if !is_whole {
            self.bytes.extend(EMPTY);
        }
        self.bytes
    }
}
