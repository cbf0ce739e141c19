//! Which files are read this time: a share of them, another one each time.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use local::Folder;
use sha2::{Digest, Sha256};

/// The file in the archive that counts the runs.
const TURN: &str = "check-turn";
const DAY: u64 = 86_400;

/// A share of all files: none, or one of so many parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    parts: Option<u64>,
}

/// A text that is no share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoShare;

impl std::fmt::Display for NoShare {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not a share from 0% to 100%")
    }
}

impl std::error::Error for NoShare {}

impl FromStr for Share {
    type Err = NoShare;

    fn from_str(text: &str) -> Result<Share, NoShare> {
        let number = text.strip_suffix('%').unwrap_or(text);
        let percent: f64 = number.parse().map_err(|_| NoShare)?;
        match percent {
            0.0 => Ok(Share { parts: None }),
            // So many runs as this, rounded up, have read everything.
            _ if (0.01..=100.0).contains(&percent) => {
                Ok(Share { parts: Some((100.0 / percent).ceil() as u64) })
            }
            _ => Err(NoShare),
        }
    }
}

impl Share {
    /// Whether a file is in the share of that turn. Each is in one of as many turns in a row as
    /// there are parts, whatever other files come and go.
    pub(crate) fn takes(self, name: &str, turn: u64) -> bool {
        let hash = Sha256::digest(name);
        let number = hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
        self.parts.is_some_and(|parts| number % parts == turn % parts)
    }
}

/// Which turn it is.
pub(crate) struct Turn {
    number: u64,
    /// Where it is counted; nowhere without an archive.
    path: Option<PathBuf>,
}

impl Turn {
    /// The turn that the archive tells, or, without one, the day.
    pub(crate) fn of(folder: Option<&Folder>) -> Turn {
        let path = folder.map(|folder| folder.path(TURN));
        let counted = path.as_deref().and_then(|path| fs::read_to_string(path).ok());
        let counted = counted.and_then(|text| text.trim().parse().ok());
        Turn { number: counted.unwrap_or_else(today), path }
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The next run has the next turn.
    pub(crate) fn done(self) {
        let next = self.number.wrapping_add(1);
        let written = self.path.as_deref().map(|path| write(path, next));
        if let Some(Err(error)) = written {
            log::info!("this run can't be counted in the archive directory: {error}");
        }
    }
}

fn write(path: &Path, number: u64) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(file, "{number}")?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

fn today() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() / DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_has_its_turn_once_in_a_round() {
        for (text, parts) in [("5%", 20), ("5", 20), ("100%", 1), ("30%", 4), ("0.5%", 200)] {
            let share: Share = text.parse().unwrap();
            for (file, start) in (0..50).zip([0, 7, u64::MAX - 500].into_iter().cycle()) {
                let name = format!("duplicity-full.20261122T201500Z.vol{file}.difftar.gpg");
                let turns = (start..start + parts).filter(|turn| share.takes(&name, *turn));
                assert_eq!(turns.count(), 1, "{text}");
            }
        }
        let none: Share = "0".parse().unwrap();
        assert!((0..100).all(|turn| !none.takes("a", turn)));
        for bad in ["", "%", "-1", "101%", "nan", "inf", "0.001", "5%%", "x"] {
            assert_eq!(bad.parse::<Share>(), Err(NoShare), "{bad}");
        }
    }
}
