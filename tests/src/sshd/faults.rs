//! Faults of an SFTP server: what a test asks of the program `test-sftp-faults`, which stands
//! between sshd and OpenSSH's own `sftp-server`, and what it logs.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::sandbox::{Sandbox, programs};

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is not executed, and answered with that status: 2 no such file, 3 permission denied, 4
    /// failure, 8 not supported.
    Status(u32),
    /// It is executed, but answered with that status.
    Deny(u32),
    /// It is neither executed nor answered; those behind it are.
    Stall,
    /// It is not executed, and answered with a packet of no known type.
    Garbage,
    /// It is not executed; the answer, a good one, bears the number of no request.
    WrongId,
    /// It is not executed, and answered with the start of a packet that is as long as can be.
    Length,
    /// It is not executed, and answered with a packet that ends too early.
    Short,
    /// The connection dies before it is executed.
    Cut,
    /// The connection dies after it was executed, before it is answered.
    CutAfter,
    /// The server program ends before it is executed; the connection lives on.
    Exit,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Status(status) => write!(f, "status {status}"),
            Action::Deny(status) => write!(f, "deny {status}"),
            Action::Stall => f.write_str("stall"),
            Action::Garbage => f.write_str("garbage"),
            Action::WrongId => f.write_str("wrong-id"),
            Action::Length => f.write_str("length"),
            Action::Short => f.write_str("short"),
            Action::Cut => f.write_str("cut"),
            Action::CutAfter => f.write_str("cut-after"),
            Action::Exit => f.write_str("exit"),
        }
    }
}

impl FromStr for Action {
    type Err = String;

    fn from_str(text: &str) -> Result<Action, String> {
        let (word, number) = text.split_once(' ').unwrap_or((text, "4"));
        let status = number.parse().map_err(|_| format!("{number:?} is no status"))?;
        let all = [
            Action::Status(status),
            Action::Deny(status),
            Action::Stall,
            Action::Garbage,
            Action::WrongId,
            Action::Length,
            Action::Short,
            Action::Cut,
            Action::CutAfter,
            Action::Exit,
        ];
        let found =
            all.into_iter().find(|action| action.to_string().split(' ').next() == Some(word));
        found.ok_or_else(|| format!("{word:?} is no action"))
    }
}

/// A rule: from the which-th request of a type on (`any` for all), for how many, what happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// As [`Faults::requests`] names it.
    pub kind: String,
    /// The first is 1; counted over all sessions.
    pub first: usize,
    /// How many are hit.
    pub count: usize,
    /// What happens to them.
    pub action: Action,
}

impl Rule {
    /// Whether it is about the which-th request of that type, which is the so-manieth of all.
    pub fn hits(&self, kind: &str, which: usize, of_all: usize) -> bool {
        let number = if self.kind == "any" { of_all } else { which };
        let mine = self.kind == "any" || self.kind == kind;
        mine && number >= self.first && number - self.first < self.count
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rule { kind, first, count, action } = self;
        write!(f, "{kind} {first} {count} {action}")
    }
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(line: &str) -> Result<Rule, String> {
        let words: Vec<_> = line.splitn(4, ' ').collect();
        let [kind, first, count, action] = words[..] else {
            return Err(format!("{line:?} is no rule"));
        };
        let number = |text: &str| text.parse().map_err(|_| format!("{text:?} is no number"));
        let (first, count, action) = (number(first)?, number(count)?, action.parse()?);
        Ok(Rule { kind: kind.to_owned(), first, count, action })
    }
}

/// The faults of a server, and its log.
pub struct Faults {
    folder: PathBuf,
}

impl Faults {
    /// No faults yet; at most one of these in a sandbox.
    pub fn new(sandbox: &Sandbox) -> Faults {
        let folder = sandbox.path(".faults");
        fs::create_dir(&folder).unwrap();
        let faults = Faults { folder };
        faults.calm();
        faults
    }

    /// What happens to the which-th request of a type (`any` counts all; the first is 1, counted
    /// over all sessions since [`Faults::calm`]), and to that one only. Types are `init`, `open`,
    /// `close`, `read`, `write`, `lstat`, `fstat`, `setstat`, `fsetstat`, `opendir`, `readdir`,
    /// `remove`, `mkdir`, `rmdir`, `realpath`, `stat`, `rename`, `readlink`, `symlink`, and what
    /// comes before the `@` of an extension, such as `fsync`, `posix-rename`, `limits`.
    pub fn inject(&self, kind: &str, which: usize, action: Action) {
        self.add(kind, which, 1, action);
    }

    /// The same, for this request and all of its type that follow.
    pub fn inject_from(&self, kind: &str, which: usize, action: Action) {
        self.add(kind, which, usize::MAX, action);
    }

    /// Forgets all faults and what was logged.
    pub fn calm(&self) {
        fs::write(self.folder.join("rules"), "").unwrap();
        fs::write(self.folder.join("log"), "").unwrap();
    }

    /// The requests since [`Faults::calm`], each as its type and what it is about (a path, or a
    /// number of bytes); those that were hit by a fault have ` !` and the fault behind them.
    pub fn requests(&self) -> Vec<String> {
        let log = fs::read_to_string(self.folder.join("log")).unwrap();
        log.lines().map(str::to_owned).collect()
    }

    /// How many requests of a type there were.
    pub fn count(&self, kind: &str) -> usize {
        let requests = self.requests();
        requests.iter().filter(|line| kind == "any" || line.split(' ').next() == Some(kind)).count()
    }

    /// How many requests were hit.
    pub fn hits(&self) -> usize {
        self.requests().iter().filter(|line| line.contains(" !")).count()
    }

    fn add(&self, kind: &str, first: usize, count: usize, action: Action) {
        let rule = Rule { kind: kind.to_owned(), first, count, action };
        super::keys::append(&self.folder.join("rules"), &rule.to_string());
    }

    /// The command that a server is forced to run, for sessions that start in that folder.
    pub(super) fn command(&self, start: &Path) -> String {
        let program = programs().join("test-sftp-faults");
        format!("{} {} -d {}", program.display(), self.folder.display(), start.display())
    }
}
