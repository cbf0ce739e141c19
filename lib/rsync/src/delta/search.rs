//! Searching content for blocks that are no longer where they were.

use std::io::{self, Read};

use super::index::SIEVED;
use super::{Delta, State};
use crate::weak::Weak;

/// How many steps of the window are looked at together.
const STEPS: usize = 256;
/// How many blocks of one weak sum are compared with their neighbours.
const NEIGHBOURS: usize = 4;

impl<R: Read> Delta<'_, R> {
    /// Moves the window on, over bytes that are new unless it gets to a block.
    pub(super) fn search(&mut self, weak: Option<Weak>) -> io::Result<()> {
        let length = self.sums.head.block;
        self.window.fill(self.new + length + STEPS)?;
        let bytes = &self.window.bytes()[self.new..];
        let steps = bytes.len().saturating_sub(length).min(STEPS);
        let width = bytes.len().min(length);
        let mut weak = weak.unwrap_or_else(|| Weak::of(self.sums.head.weak, &bytes[..width]));
        if steps == 0 {
            return self.search_end(weak);
        }
        let mut sums = [0; STEPS];
        weak.roll(&bytes[..steps], &bytes[length..length + steps], &mut sums);
        if !self.search_sums(&sums[..steps])? {
            self.new += steps;
            self.bring(false);
            self.state = State::Search(Some(weak));
        }
        Ok(())
    }

    /// Whether a block was found by one of the weak sums from where the window is.
    fn search_sums(&mut self, sums: &[u32]) -> io::Result<bool> {
        for (first, sums) in (self.new..).step_by(SIEVED).zip(sums.chunks(SIEVED)) {
            let mut sieved = self.index.sieve(sums);
            while sieved != 0 {
                let at = sieved.trailing_zeros() as usize;
                sieved &= sieved - 1;
                if let Some(block) = self.block(first + at, sums[at])? {
                    self.found_after(first + at, block);
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// The last whole window, and all that are shorter, which may be the last block.
    fn search_end(&mut self, mut weak: Weak) -> io::Result<()> {
        let length = self.window.bytes().len();
        if length - self.new == self.sums.head.block && self.search_sums(&[weak.sum()])? {
            return Ok(());
        }
        let Some(last) = self.sums.count().checked_sub(1) else {
            self.end();
            return Ok(());
        };
        for at in self.new..length {
            if self.sums.weak_is(last, weak.sum()) && self.is_there(at, last) {
                self.found_after(at, last);
                return Ok(());
            }
            weak.shorten(self.window.bytes()[at]);
        }
        self.end();
        Ok(())
    }

    /// Whether the content from there to its end is the block.
    fn is_there(&mut self, at: usize, block: usize) -> bool {
        let content = &self.window.bytes()[at..];
        if !self.patience.is_for(content.len()) {
            return false;
        }
        let is = self.is(block, &self.sums.head.hash.sum(content));
        if !is {
            self.patience.lose(content.len());
        }
        is
    }

    /// A block follows on so many new bytes.
    fn found_after(&mut self, new: usize, block: usize) {
        self.new = new;
        self.bring(true);
        self.found(block, self.window.bytes().len().min(self.sums.head.block));
    }

    /// The block that is there in the window, by its weak sum and then by its strong one.
    fn block(&mut self, at: usize, weak: u32) -> io::Result<Option<usize>> {
        let length = self.sums.head.block;
        let expected = self.expected(at, weak);
        let is_free = expected.is_some();
        if !is_free && (self.index.find(weak).is_empty() || !self.is_likely(at, weak)?) {
            return Ok(None);
        }
        let strong = self.sums.head.hash.sum(&self.window.bytes()[at..at + length]);
        let found = expected.filter(|block| self.is(*block, &strong));
        let found = found.or_else(|| self.by_strong(weak, &strong[..self.sums.head.strong]));
        if found.is_none() && !is_free {
            self.patience.lose(length);
        }
        Ok(found)
    }

    fn by_strong(&self, weak: u32, strong: &[u8]) -> Option<usize> {
        let blocks = self.index.find(weak);
        let at = blocks.binary_search_by(|block| self.sums.strong(block.number()).cmp(strong));
        Some(blocks[at.ok()?].number())
    }

    /// The block that has that place in the basis, or has it if the last match goes on.
    fn expected(&self, at: usize, weak: u32) -> Option<usize> {
        let at = self.window.passed() as i64 + at as i64;
        let length = self.sums.head.block as i64;
        let places = [at - self.shift, at].into_iter().filter(|place| place % length == 0);
        let mut blocks = places.filter_map(|place| usize::try_from(place / length).ok());
        blocks.find(|block| self.sums.weak_is(*block, weak))
    }

    /// Whether a block is worth hashing the window: there is patience, or the next one follows.
    fn is_likely(&mut self, at: usize, weak: u32) -> io::Result<bool> {
        let length = self.sums.head.block;
        if self.patience.is_for(length) {
            return Ok(true);
        }
        if !self.patience.peek(length) {
            return Ok(false);
        }
        self.window.fill(at + 2 * length)?;
        let next = self.window.bytes().get(at + length..at + 2 * length);
        let Some(next) = next.map(|next| self.sums.head.weak.sum(next)) else {
            return Ok(false);
        };
        let blocks = self.index.find(weak).iter().take(NEIGHBOURS);
        Ok(blocks.into_iter().any(|block| self.sums.weak_is(block.number() + 1, next)))
    }
}
