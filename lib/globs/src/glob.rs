//! Globs with duplicity's meaning: `*` and `?` stop at a slash, `**` does not, and what lies below
//! a match is matched too.

use crate::pattern::{Part, SLASH, parse};
use crate::text::{Symbol, bytes, symbols};

/// A glob.
#[derive(Clone, Debug)]
pub struct Glob {
    parts: Vec<Part>,
    ignore_case: bool,
    /// It ends with a slash: it matches directories, and what is below them.
    directories: bool,
    /// How far the text before all paths has led already.
    start: Progress,
    strict: Progress,
}

/// How far a text has led: the parts of the glob that could take what follows, in ascending
/// order.
#[derive(Clone, Debug, Default)]
struct Progress {
    at: Vec<usize>,
    /// The glob has matched all up to a slash.
    below: bool,
}

impl Glob {
    /// Reads a glob. A class can take a slash, as duplicity's can, but no directory is entered
    /// for the sake of that.
    ///
    /// # Errors
    /// Why it is none.
    pub fn new(glob: &[u8], ignore_case: bool) -> Result<Glob, &'static str> {
        if glob.is_empty() {
            return Err("an empty pattern");
        }
        let (glob, directories) = match glob.strip_suffix(b"/") {
            Some(rest) => (rest, true),
            None => (glob, false),
        };
        let parts = parse(glob, ignore_case)?;
        let mut start = Progress::default();
        start.reach(0, &parts);
        let strict = start.clone();
        Ok(Glob { parts, ignore_case, directories, start, strict })
    }

    /// The glob for paths without the text `base` that all of them begin with; none if it can
    /// match nothing that begins so.
    pub fn after(&self, base: &[u8]) -> Option<Glob> {
        let base = symbols(base);
        let strict = self.advance(&self.strict, &base, true);
        let start = self.advance(&self.start, &base, false);
        let can = strict.below || !strict.at.is_empty();
        can.then(|| Glob { start, strict, ..self.clone() })
    }

    /// The one text that it matches, and whether only as a directory; none if there is more than
    /// one.
    pub fn literal(&self) -> Option<(Vec<u8>, bool)> {
        if self.ignore_case {
            return None;
        }
        if self.start.below {
            let all = self.start.at.is_empty() || !self.directories;
            return all.then(|| (Vec::new(), false));
        }
        let [first] = self.start.at[..] else { return None };
        let symbols = self.parts[first..].iter().map(|part| match part {
            Part::One(symbol) => Some(*symbol),
            _ => None,
        });
        Some((bytes(&symbols.collect::<Option<Vec<_>>>()?), self.directories))
    }

    /// Whether it matches everything: `**`.
    pub fn takes_all(&self) -> bool {
        matches!(self.parts[..], [Part::Stars]) && !self.directories
    }

    /// The path of the directory that holds all that it matches, or of the one thing that it matches;
    /// empty for the root.
    pub fn directory(&self) -> Vec<u8> {
        if let Some((path, _)) = self.literal() {
            return path;
        }
        let [first] = self.start.at[..] else { return Vec::new() };
        if self.ignore_case || self.start.below {
            return Vec::new();
        }
        let plain = self.parts[first..].iter().map_while(|part| match part {
            Part::One(symbol) => Some(*symbol),
            _ => None,
        });
        let mut path = bytes(&plain.collect::<Vec<_>>());
        let end = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        path.truncate(end);
        path
    }

    /// Whether it matches a path.
    pub fn matches(&self, path: &[Symbol], is_directory: bool) -> bool {
        let end = self.advance(&self.start, path, false);
        if end.at.contains(&self.parts.len()) {
            return !self.directories || is_directory;
        }
        end.below
    }

    /// Whether it matches a path itself, and not only something above it.
    pub fn matches_whole(&self, path: &[Symbol], is_directory: bool) -> bool {
        let end = self.advance(&self.start, path, false);
        end.at.contains(&self.parts.len()) && (!self.directories || is_directory)
    }

    /// Whether it could match something below a directory that it does not match.
    pub fn reaches_below(&self, directory: &[Symbol]) -> bool {
        let end = self.advance(&self.strict, directory, true);
        !self.advance(&end, &[SLASH], true).at.is_empty()
    }

    fn advance(&self, from: &Progress, text: &[Symbol], strict: bool) -> Progress {
        let mut now = from.clone();
        let mut next = Progress::default();
        for symbol in text {
            next.at.clear();
            next.below = now.below || *symbol == SLASH && now.at.last() == Some(&self.parts.len());
            for at in &now.at {
                self.step(*at, *symbol, strict, &mut next);
            }
            std::mem::swap(&mut now, &mut next);
            if now.at.is_empty() {
                break;
            }
        }
        now
    }

    fn step(&self, at: usize, symbol: Symbol, strict: bool, next: &mut Progress) {
        let Some(part) = self.parts.get(at) else { return };
        let barred = strict && symbol == SLASH && matches!(part, Part::Class { .. });
        if barred || !part.takes(symbol, self.ignore_case) {
            return;
        }
        next.reach(if part.repeats() { at } else { at + 1 }, &self.parts);
    }
}

impl Progress {
    /// Comes to a part, and over it if it may take nothing. As the parts are come to in ascending
    /// order, what is not after the last has been reached before.
    fn reach(&mut self, at: usize, parts: &[Part]) {
        if self.at.last().is_none_or(|last| *last < at) {
            self.at.push(at);
        }
        if parts.get(at).is_some_and(Part::repeats) && self.at.last() == Some(&at) {
            self.at.push(at + 1);
        }
    }
}
