//! The messages of a call: text for people, and stanzas for programs (`--log-fd`, `--log-file`).

use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use failure::{legible, shown};
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

use crate::code::Refusal;
use crate::command_line::CommandLine;

/// How important a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Error,
    Warning,
    Notice,
    Info,
    Debug,
}

/// The codes of messages that clients of duplicity look for.
pub(crate) mod code {
    pub(crate) const GENERIC: u8 = 1;
    pub(crate) const PROGRESS: u8 = 2;
    pub(crate) const COLLECTION_STATUS: u8 = 3;
    pub(crate) const FILE_NEW: u8 = 4;
    pub(crate) const FILE_CHANGED: u8 = 5;
    pub(crate) const FILE_DELETED: u8 = 6;
    pub(crate) const FILE_WRITTEN: u8 = 7;
    pub(crate) const FILE_LIST: u8 = 10;
    pub(crate) const UPLOAD_BEGIN: u8 = 11;
    pub(crate) const UPLOAD_DONE: u8 = 13;
    pub(crate) const UPLOAD_PROGRESS: u8 = 16;
    /// Of warnings.
    pub(crate) const CANNOT_READ: u8 = 10;
    pub(crate) const INCOMPLETE_BACKUP: u8 = 5;
    pub(crate) const ORPHANED_BACKUP: u8 = 6;
}

/// Where messages go.
#[derive(Debug)]
pub(crate) struct Journal {
    level: Level,
    machine: Vec<Mutex<File>>,
    /// Whether a program did not get a message. That is said once.
    is_deaf: AtomicBool,
}

impl Level {
    /// The level of duplicity's `--verbosity`.
    fn parse(text: &OsStr) -> Option<Level> {
        let text = text.to_str()?.to_ascii_lowercase();
        if let Ok(number) = text.parse::<u8>() {
            return match number {
                0 | 1 => Some(Level::Error),
                2 => Some(Level::Warning),
                3 | 4 => Some(Level::Notice),
                5..=8 => Some(Level::Info),
                9 => Some(Level::Debug),
                _ => None,
            };
        }
        let words = [
            ("error", Level::Error),
            ("warning", Level::Warning),
            ("notice", Level::Notice),
            ("info", Level::Info),
            ("debug", Level::Debug),
        ];
        let begins = |word: &str| word == text || word[..1] == text;
        words.iter().find(|(word, _)| begins(word)).map(|(_, level)| *level)
    }

    fn name(self) -> &'static str {
        match self {
            Level::Error => "ERROR",
            Level::Warning => "WARNING",
            Level::Notice => "NOTICE",
            Level::Info => "INFO",
            Level::Debug => "DEBUG",
        }
    }
}

impl Journal {
    /// The journal that the options ask for.
    ///
    /// # Errors
    /// A level that is none, and a file or descriptor that can't be opened.
    pub(crate) fn open(line: &CommandLine) -> Result<Journal, Refusal> {
        let level = match line.value("verbosity") {
            Some(text) => Level::parse(text).ok_or_else(|| {
                Refusal::usage(format!("--verbosity: {}: not a level", shown(text)))
            })?,
            None => Level::Notice,
        };
        let mut machine = Vec::new();
        for number in line.values("log-fd") {
            let opened = number.to_str().and_then(|text| text.parse().ok()).and_then(descriptor);
            let refuse =
                || Refusal::usage(format!("--log-fd: {}: cannot write to it", shown(number)));
            machine.push(Mutex::new(opened.filter(is_writable).ok_or_else(refuse)?));
        }
        for path in line.values("log-file") {
            let opened = File::options().append(true).create(true).open(path);
            let refuse = |why| Refusal::usage(format!("--log-file: {}: {why}", shown(path)));
            machine.push(Mutex::new(opened.map_err(refuse)?));
        }
        Ok(Journal { level, machine, is_deaf: AtomicBool::new(false) })
    }

    /// A journal for people alone.
    pub(crate) fn plain() -> Journal {
        Journal { level: Level::Notice, machine: Vec::new(), is_deaf: AtomicBool::new(false) }
    }

    /// Whether messages of that level are written.
    pub(crate) fn has(&self, level: Level) -> bool {
        level <= self.level
    }

    /// Whether anybody wants to know what happens to each file.
    pub(crate) fn listens(&self) -> bool {
        self.has(Level::Info) || !self.machine.is_empty()
    }

    /// Writes a message, if its level is asked for.
    pub(crate) fn put(&self, level: Level, code: u8, extra: &str, text: &str) {
        if !self.has(level) {
            return;
        }
        // What is listed is shown as it is.
        let text = if level <= Level::Warning { legible::masked(text) } else { text.to_owned() };
        self.print(level, text.as_bytes());
        self.record(level, code, extra, text.as_bytes());
    }

    /// Writes a message that is the result of the call, whatever the verbosity.
    pub(crate) fn force(&self, code: u8, extra: &str, text: &[u8]) {
        self.print(Level::Notice, text);
        self.record(Level::Info, code, extra, text);
    }

    pub(crate) fn notice(&self, text: &str) {
        self.put(Level::Notice, code::GENERIC, "", text);
    }

    pub(crate) fn info(&self, text: &str) {
        self.put(Level::Info, code::GENERIC, "", text);
    }

    pub(crate) fn warning(&self, text: &str) {
        self.put(Level::Warning, code::GENERIC, "", text);
    }

    /// Writes why the call ends.
    pub(crate) fn error(&self, refusal: &Refusal) {
        self.put(Level::Error, refusal.code, &refusal.extra, &refusal.text);
    }

    /// A line for programs alone.
    pub(crate) fn event(&self, level: Level, code: u8, extra: &str, text: &str) {
        if self.has(level) {
            self.record(level, code, extra, text.as_bytes());
        }
    }

    fn print(&self, level: Level, text: &[u8]) {
        let line = [text, b"\n"].concat();
        // Nobody may be there to read it; the exit status remains.
        let _ = match level {
            Level::Error => std::io::stderr().write_all(&line),
            _ => std::io::stdout().write_all(&line),
        };
    }

    /// A stanza: a keyword line, the text with a mark before each line, and an empty line.
    fn record(&self, level: Level, code: u8, extra: &str, text: &[u8]) {
        if self.machine.is_empty() {
            return;
        }
        let gap = if extra.is_empty() { "" } else { " " };
        let mut stanza = format!("{} {code}{gap}{extra}\n", level.name()).into_bytes();
        for line in text.split(|byte| *byte == b'\n') {
            stanza.extend([b". ", line, b"\n"].concat());
        }
        stanza.push(b'\n');
        for machine in &self.machine {
            let mut machine = machine.lock().unwrap_or_else(PoisonError::into_inner);
            let written = machine.write_all(&stanza);
            if let Err(error) = written
                && !self.is_deaf.swap(true, Ordering::Relaxed)
            {
                let text =
                    format!("--log-fd or --log-file: a message for programs is lost: {error}");
                self.print(Level::Error, text.as_bytes());
            }
        }
    }
}

/// Whether a descriptor was opened for writing.
fn is_writable(file: &File) -> bool {
    fcntl_getfl(file).is_ok_and(|flags| flags & OFlags::RWMODE != OFlags::RDONLY)
}

/// Another handle on an open descriptor: what is opened again by its path has a place of its own in the file.
fn descriptor(number: u16) -> Option<File> {
    let own = pidfd_open(getpid(), PidfdFlags::empty()).ok();
    let flags = PidfdGetfdFlags::empty();
    let handle = own.and_then(|own| pidfd_getfd(own, number.into(), flags).ok()).map(File::from);
    handle.or_else(|| File::options().append(true).open(format!("/dev/fd/{number}")).ok())
}

/// A path for programs: in quotes, with escapes as in Python's strings.
pub(crate) fn quoted(path: &[u8]) -> String {
    let mut text = String::from("'");
    for chunk in path.utf8_chunks() {
        chunk.valid().chars().for_each(|letter| push(&mut text, letter));
        for byte in chunk.invalid() {
            text += &format!("\\udc{byte:02x}");
        }
    }
    text + "'"
}

fn push(text: &mut String, letter: char) {
    match letter {
        '\\' => text.push_str("\\\\"),
        '\'' => text.push_str("\\x27"),
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        ' '..='~' => text.push(letter),
        _ => match u32::from(letter) {
            code @ 0..=0xff => text.push_str(&format!("\\x{code:02x}")),
            code @ 0x100..=0xffff => text.push_str(&format!("\\u{code:04x}")),
            code => text.push_str(&format!("\\U{code:08x}")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_have_numbers_words_and_letters() {
        for (text, level) in [
            ("0", Level::Error),
            ("2", Level::Warning),
            ("4", Level::Notice),
            ("5", Level::Info),
            ("8", Level::Info),
            ("9", Level::Debug),
            ("Notice", Level::Notice),
            ("w", Level::Warning),
            ("debug", Level::Debug),
        ] {
            assert_eq!(Level::parse(text.as_ref()), Some(level), "{text}");
        }
        for text in ["", "10", "x", "warn", "-1"] {
            assert_eq!(Level::parse(text.as_ref()), None, "{text}");
        }
    }

    #[test]
    fn paths_are_quoted_as_python_does() {
        for (path, expected) in [
            (&b"a b"[..], "'a b'"),
            (b"a'b\\", "'a\\x27b\\\\'"),
            (b"n\nl", "'n\\nl'"),
            ("é€😀".as_bytes(), "'\\xe9\\u20ac\\U0001f600'"),
            (b"\xff", "'\\udcff'"),
        ] {
            assert_eq!(quoted(path), expected);
        }
    }
}
