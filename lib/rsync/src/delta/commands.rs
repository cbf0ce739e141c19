//! The format of a delta: a magic number, and commands that copy from the basis or bring new
//! bytes, all numbers big-endian.

const MAGIC: u32 = 0x7273_0236;
const END: u8 = 0;
/// New bytes up to that many have their number as the command.
const SHORT: usize = 0x40;
/// The first of four commands, for the widths of a number of new bytes.
const LITERAL: u8 = 0x41;
/// The first of sixteen commands, for the widths of a position and of a length.
const COPY: u8 = 0x45;

/// The most new bytes that one command brings: what a number of two bytes tells.
pub(crate) const LONGEST: usize = 0xffff;

/// Commands that were made and have not been taken. Copies of what follows one another in the
/// basis become one.
pub(crate) struct Commands {
    made: Vec<u8>,
    copy: Option<(u64, u64)>,
}

impl Commands {
    pub(crate) fn new() -> Commands {
        Commands { made: MAGIC.to_be_bytes().to_vec(), copy: None }
    }

    /// What has been made; whoever takes it empties it.
    pub(crate) fn made(&mut self) -> &mut Vec<u8> {
        &mut self.made
    }

    /// Copies `length` bytes of the basis from `at`.
    pub(crate) fn copy(&mut self, at: u64, length: u64) {
        match &mut self.copy {
            Some((start, long)) if start.checked_add(*long) == Some(at) => *long += length,
            _ => {
                self.finish_copy();
                self.copy = Some((at, length));
            }
        }
    }

    /// Brings new bytes, `LONGEST` at the most.
    pub(crate) fn literal(&mut self, new: &[u8]) {
        if new.is_empty() {
            return;
        }
        self.finish_copy();
        if new.len() <= SHORT {
            self.made.push(new.len() as u8);
        } else {
            let width = width(new.len() as u64);
            self.made.push(LITERAL + width);
            self.number(new.len() as u64, width);
        }
        self.made.extend(new);
    }

    pub(crate) fn end(&mut self) {
        self.finish_copy();
        self.made.push(END);
    }

    fn finish_copy(&mut self) {
        let Some((at, length)) = self.copy.take() else {
            return;
        };
        let widths = (width(at), width(length));
        self.made.push(COPY + 4 * widths.0 + widths.1);
        self.number(at, widths.0);
        self.number(length, widths.1);
    }

    fn number(&mut self, number: u64, width: u8) {
        let bytes = number.to_be_bytes();
        self.made.extend(&bytes[bytes.len() - (1 << width)..]);
    }
}

/// The binary logarithm of how many bytes a number takes: of 1, 2, 4 or 8.
fn width(number: u64) -> u8 {
    match number {
        0..=0xff => 0,
        0x100..=0xffff => 1,
        0x1_0000..=0xffff_ffff => 2,
        _ => 3,
    }
}
