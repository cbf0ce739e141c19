//! Making deltas.
//!
//! Content is followed along the basis, block by block, for as long as the next block is the one
//! that comes next in the basis. Where it is not, a window moves over the content byte by byte,
//! until its sums are those of some block. What a delta holds depends on content and signature
//! alone, not on the pieces in which the content comes.

mod commands;
mod filter;
mod index;
mod patience;
mod search;

use std::io::{self, Read};

use failure::{Failure, Status};

use crate::block;
use crate::sums::Sums;
use crate::weak::Weak;
use crate::window::Window;
use commands::Commands;
use index::Index;
use patience::Patience;

/// A delta that is made while it is read.
pub struct Delta<'a, R> {
    sums: Sums<'a>,
    index: Index,
    window: Window<R>,
    commands: Commands,
    patience: Patience,
    /// What comes next.
    state: State,
    /// How many bytes at the start of the window are new.
    new: usize,
    /// How far content lies behind the basis since the last match.
    shift: i64,
    /// How much of what was made has been read.
    read: usize,
}

#[derive(Clone, Copy)]
enum State {
    /// Whether content goes on with that block.
    Follow(usize),
    /// Where content goes on with some block; the weak sum of the window there, if it is known.
    Search(Option<Weak>),
    /// Content that can't be found, since the signature has no blocks or blocks that are too long.
    Copy,
    Done,
}

impl<'a, R: Read> Delta<'a, R> {
    /// The delta that makes `content` out of the file that `signature` was made of. It reads
    /// content as it is read itself. `which` is named in errors.
    pub fn new(which: &str, content: R, signature: &'a [u8]) -> Result<Delta<'a, R>, Failure> {
        let Some(sums) = Sums::read(signature) else {
            let why = format!("{which}: its signature in the archive directory is malformed");
            return Err(Failure::new(Status::Integrity, why));
        };
        let usable = sums.count() > 0 && sums.head.block <= block::LONGEST;
        Ok(Delta {
            index: Index::new(&sums),
            sums,
            window: Window::new(content),
            commands: Commands::new(),
            patience: Patience::new(),
            state: if usable { State::Follow(0) } else { State::Copy },
            new: 0,
            shift: 0,
            read: 0,
        })
    }

    /// Makes some more, if there is more.
    fn step(&mut self) -> io::Result<()> {
        match self.state {
            State::Follow(block) => self.follow(block),
            State::Search(weak) => self.search(weak),
            State::Copy => self.copy(),
            State::Done => Ok(()),
        }
    }

    /// Follows content along the basis, where `block` is next.
    fn follow(&mut self, block: usize) -> io::Result<()> {
        let length = self.sums.head.block;
        let lanes = block::lanes(length);
        self.window.fill(lanes * length)?;
        let alike = self.alike(block, lanes);
        if alike == 0 {
            self.state = State::Search(None);
        }
        for block in block..block + alike {
            self.found(block, self.window.bytes().len().min(length));
        }
        Ok(())
    }

    /// How many blocks at the start of the window are those from `first` on; some of them are
    /// looked at.
    fn alike(&self, first: usize, most: usize) -> usize {
        let pieces = || self.window.bytes().chunks(self.sums.head.block).zip(first..).take(most);
        let may_be = |(piece, block): &(&[u8], usize)| {
            let fits = piece.len() == self.sums.head.block || self.is_last(*block);
            fits && self.sums.weak_is(*block, self.sums.head.weak.sum(piece))
        };
        let likely = pieces().take_while(may_be).map(|(piece, _)| piece);
        let strong = self.sums.head.hash.sums(likely);
        let is = |(strong, block): &(_, usize)| self.is(*block, strong);
        strong.into_iter().zip(first..).take_while(is).count()
    }

    /// Whether a block may be shorter than the others, since none comes after it.
    fn is_last(&self, block: usize) -> bool {
        self.window.ended() && block + 1 == self.sums.count()
    }

    fn is(&self, block: usize, strong: &[u8; 32]) -> bool {
        self.sums.strong(block) == &strong[..self.sums.head.strong]
    }

    /// The window starts with a block, which the delta copies.
    fn found(&mut self, block: usize, length: usize) {
        let at = block as u64 * self.sums.head.block as u64;
        self.shift = self.window.passed() as i64 - at as i64;
        self.commands.copy(at, length as u64);
        self.pass(length);
        self.state = State::Follow(block + 1);
    }

    /// Brings the new bytes at the start of the window; where `all` is false, as long as they fill
    /// commands.
    fn bring(&mut self, all: bool) {
        while self.new >= if all { 1 } else { commands::LONGEST } {
            let length = self.new.min(commands::LONGEST);
            self.commands.literal(&self.window.bytes()[..length]);
            self.pass(length);
            self.new -= length;
        }
    }

    fn pass(&mut self, length: usize) {
        self.window.pass(length);
        self.patience.gain(length);
    }

    fn copy(&mut self) -> io::Result<()> {
        self.window.fill(commands::LONGEST)?;
        self.new = self.window.bytes().len().min(commands::LONGEST);
        if self.new < commands::LONGEST {
            self.end();
        } else {
            self.bring(false);
        }
        Ok(())
    }

    /// All that is left is new.
    fn end(&mut self) {
        self.new = self.window.bytes().len();
        self.bring(true);
        self.commands.end();
        self.state = State::Done;
    }
}

impl<R: Read> Read for Delta<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.read == self.commands.made().len() && !matches!(self.state, State::Done) {
            self.commands.made().clear();
            self.read = 0;
            self.step()?;
        }
        let n = (&self.commands.made()[self.read..]).read(buffer)?;
        self.read += n;
        Ok(n)
    }
}
