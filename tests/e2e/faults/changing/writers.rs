//! Those who change files: each in a way of its own, again and again, and each knows what its file
//! has been.

use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::blocks::{BLOCK, Block, parse, version};

/// How a file is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Grows at its end.
    Appended,
    /// Written anew in place, from its start to its end.
    Rewritten,
    /// Cut to nothing and written anew, to another length.
    Truncated,
    /// Replaced by another file under its name.
    Replaced,
    /// Written here and there.
    Scattered,
    /// The same, and its time is put back each time.
    Dated,
    /// Written here and there, and grows.
    Grown,
}

pub(super) const WAYS: [Way; 7] = [
    Way::Appended,
    Way::Rewritten,
    Way::Truncated,
    Way::Replaced,
    Way::Scattered,
    Way::Dated,
    Way::Grown,
];

/// Blocks of a file, about.
const SIZE: u64 = 8000;

/// As much as is written at once in passes over a file.
const STRETCH: u64 = 40;

/// One file and its writer.
pub(super) struct Writer {
    pub(super) name: String,
    way: Way,
    number: u64,
    path: PathBuf,
    /// The number of writes or stretches so far.
    turn: AtomicU64,
    /// The place of each write, in their order, where the order does not tell.
    history: Mutex<Vec<u64>>,
}

impl Writer {
    /// Makes the file.
    pub(super) fn new(root: &Path, way: Way, number: u64) -> Writer {
        let name = format!("{way:?}{number}");
        let path = root.join(&name);
        fs::write(&path, version(number, 0, SIZE)).unwrap();
        let history = Mutex::new((0..SIZE).collect());
        Writer { name, way, number, path, turn: AtomicU64::new(0), history }
    }

    /// Changes the file a little.
    pub(super) fn step(&self) {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        match self.way {
            Way::Appended => self.append(turn),
            Way::Rewritten => self.rewrite(turn),
            Way::Truncated => self.truncate(turn),
            Way::Replaced => self.replace(turn),
            Way::Scattered | Way::Dated => self.scatter(random(turn) % SIZE),
            Way::Grown if turn.is_multiple_of(3) => self.scatter(SIZE + turn / 3),
            Way::Grown => self.scatter(random(turn) % SIZE),
        }
    }

    /// Whether content is what the file was at one moment, up to some length where it grows or is
    /// written from its start.
    pub(super) fn has_been(&self, content: &[u8]) -> bool {
        let Some(blocks) = parse(self.number, content) else { return false };
        let versions: Vec<_> = blocks.iter().map(|block| block.version).collect();
        let single = versions.iter().all(|version| *version == versions[0]);
        match self.way {
            Way::Appended => single && blocks.len() as u64 >= SIZE,
            // A pass that has come to somewhere, and behind it the one before.
            Way::Rewritten => {
                let last = versions[versions.len() - 1];
                let step = versions[0] - last.min(versions[0]);
                blocks.len() as u64 == SIZE && step <= 1 && versions.is_sorted_by(|a, b| a >= b)
            }
            Way::Truncated => {
                single && blocks.first().is_none_or(|b| blocks.len() as u64 <= b.total)
            }
            Way::Replaced => single && blocks.len() as u64 == blocks[0].total,
            Way::Scattered | Way::Dated | Way::Grown => self.has_been_scattered(&versions),
        }
    }

    fn append(&self, turn: u64) {
        let mut file = OpenOptions::new().append(true).open(&self.path).unwrap();
        let index = SIZE + turn;
        let block = Block { file: self.number, version: 0, index, total: SIZE };
        file.write_all(&block.bytes()).unwrap();
    }

    fn rewrite(&self, turn: u64) {
        let steps = SIZE / STRETCH;
        let (pass, start) = (turn / steps, turn % steps * STRETCH);
        let all = version(self.number, pass + 1, SIZE);
        let file = OpenOptions::new().write(true).open(&self.path).unwrap();
        let (at, end) = (start as usize * BLOCK, (start + STRETCH) as usize * BLOCK);
        file.write_all_at(&all[at..end], at as u64).unwrap();
    }

    fn truncate(&self, turn: u64) {
        let steps = SIZE / STRETCH;
        let (pass, step) = (turn / steps, turn % steps);
        let total = SIZE / 2 + random(pass) % SIZE;
        let stretch = total.div_ceil(steps);
        let all = version(self.number, pass + 1, total);
        let file = OpenOptions::new().write(true).open(&self.path).unwrap();
        if step == 0 {
            file.set_len(0).unwrap();
        }
        let [at, end] = [step, step + 1].map(|n| (n * stretch).min(total) as usize * BLOCK);
        file.write_all_at(&all[at..end], at as u64).unwrap();
    }

    fn replace(&self, turn: u64) {
        let other = self.path.with_file_name(format!(".{}", self.name));
        let total = SIZE / 4 + random(turn) % SIZE;
        fs::write(&other, version(self.number, turn + 1, total)).unwrap();
        fs::rename(&other, &self.path).unwrap();
    }

    fn scatter(&self, index: u64) {
        let file = OpenOptions::new().write(true).open(&self.path).unwrap();
        let mut history = self.history.lock().unwrap();
        let index = index.min(self.length(&file));
        let number = history.len() as u64;
        let block = Block { file: self.number, version: number, index, total: SIZE };
        let modified = file.metadata().unwrap().modified().unwrap();
        file.write_all_at(&block.bytes(), index * BLOCK as u64).unwrap();
        if self.way == Way::Dated {
            file.set_times(FileTimes::new().set_modified(modified)).unwrap();
        }
        history.push(index);
    }

    fn length(&self, file: &File) -> u64 {
        file.metadata().unwrap().len() / BLOCK as u64
    }

    /// Whether each block is the last one that was written in its place up to one moment.
    fn has_been_scattered(&self, versions: &[u64]) -> bool {
        let history = self.history.lock().unwrap();
        let moment = versions.iter().copied().max().unwrap_or(0);
        let mut last = vec![None; versions.len()];
        for (number, index) in history.iter().enumerate().take_while(|(n, _)| *n as u64 <= moment) {
            if let Some(place) = last.get_mut(*index as usize) {
                *place = Some(if number < SIZE as usize { 0 } else { number as u64 });
            }
        }
        versions.iter().zip(last).all(|(found, last)| Some(*found) == last)
    }
}

/// The same numbers in every run, all over the place.
fn random(seed: u64) -> u64 {
    let mixed = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 17
}
