//! Passphrases and where they come from; never from an argument, which every user can see.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use cli::form;
use failure::{Failure, OrFail, Status, legible};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use sequoia_openpgp::crypto::Password;

/// The variable that duplicity reads for the passphrase of a signing key.
const SIGNING: &str = "SIGN_PASSPHRASE";
/// The variable that duplicity reads for everything else.
const COMMON: &str = "PASSPHRASE";
/// How often a person may type a passphrase.
const TRIES: u32 = 3;
/// Longer than any passphrase; keeps a wrong file from being read whole.
const LONGEST: usize = 64 << 10;

/// A passphrase, kept encrypted in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passphrase(pub(crate) Password);

impl Passphrase {
    /// The first line of these bytes, without its end. Nothing if it is empty.
    pub fn from_bytes(bytes: Vec<u8>) -> Option<Passphrase> {
        let mut line = bytes;
        line.truncate(line.iter().position(|byte| *byte == b'\n').unwrap_or(line.len()));
        (!line.is_empty()).then(|| Passphrase(Password::from(line)))
    }

    /// Writes it, for the other stages of a command.
    pub fn write(&self, to: &mut impl Write) -> io::Result<()> {
        self.0.map(|secret| to.write_all(secret))
    }
}

/// The options for passphrases that programs share.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct PassphraseOptions {
    /// Read the passphrase from the first line of FILE instead of the environment
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_fd")]
    pub passphrase_file: Option<PathBuf>,
    /// Read the passphrase from the first line of file descriptor N
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    pub passphrase_fd: Option<i32>,
}

impl PassphraseOptions {
    /// Where a passphrase for encryption and decryption is found: the options, else PASSPHRASE.
    pub fn source(&self) -> PassphraseSource {
        self.source_with(COMMON)
    }

    /// Where the passphrase of a signing key is found: the options, else SIGN_PASSPHRASE, else
    /// PASSPHRASE.
    pub fn signing_source(&self) -> PassphraseSource {
        self.source_with(SIGNING)
    }

    fn source_with(&self, env: &'static str) -> PassphraseSource {
        PassphraseSource::new(self.passphrase_file.clone(), self.passphrase_fd, env)
    }
}

/// Where a passphrase comes from. It is read once, when it is first needed.
#[derive(Clone, Debug)]
pub struct PassphraseSource {
    file: Option<PathBuf>,
    fd: Option<i32>,
    env: &'static str,
    given: Arc<OnceLock<Result<Option<Passphrase>, Failure>>>,
    typed: Arc<Mutex<Typed>>,
}

/// What was typed on the terminal.
#[derive(Debug, Default)]
struct Typed {
    /// What has opened something, or a new passphrase.
    passphrase: Option<Passphrase>,
    /// How often it was asked for.
    asked: u32,
}

/// What a passphrase has opened.
#[derive(Debug)]
pub(crate) enum Opened<T> {
    /// That.
    With(T),
    /// Nothing: it is another one.
    Wrong,
    /// There is none.
    Without,
}

impl PassphraseSource {
    /// A file descriptor before a file before an environment variable before the terminal.
    pub fn new(file: Option<PathBuf>, fd: Option<i32>, env: &'static str) -> PassphraseSource {
        PassphraseSource { file, fd, env, given: Arc::default(), typed: Arc::default() }
    }

    /// The same file and descriptor, read once for both, but with SIGN_PASSPHRASE before
    /// PASSPHRASE where neither was named.
    pub fn for_signing(&self) -> PassphraseSource {
        if self.file.is_some() || self.fd.is_some() {
            return self.clone();
        }
        PassphraseSource::new(None, None, SIGNING)
    }

    /// Opens something with the passphrase. If nothing else gives one, it is asked for on the
    /// terminal, if there is one, and again after a wrong one. Later calls use the one that was typed.
    pub(crate) fn open<T>(
        &self,
        which: &str,
        mut open: impl FnMut(&Passphrase) -> Option<T>,
    ) -> Result<Opened<T>, Failure> {
        let mut opened = |passphrase: &Passphrase| match open(passphrase) {
            Some(opened) => Opened::With(opened),
            None => Opened::Wrong,
        };
        if let Some(passphrase) = self.given()? {
            return Ok(opened(&passphrase));
        }
        let mut typed = self.typed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &typed.passphrase
            && let Opened::With(found) = opened(known)
        {
            return Ok(Opened::With(found));
        }
        let mut prompt = format!("Passphrase of {which}: ");
        while typed.asked < TRIES {
            typed.asked += 1;
            let Some(passphrase) = ask(&prompt)? else {
                typed.asked = TRIES;
                return Ok(Opened::Without);
            };
            if let Opened::With(found) = opened(&passphrase) {
                typed.passphrase = Some(passphrase);
                return Ok(Opened::With(found));
            }
            typed.passphrase.get_or_insert(passphrase);
            prompt = format!("Wrong passphrase. Passphrase of {which}: ");
        }
        Ok(if typed.passphrase.is_some() { Opened::Wrong } else { Opened::Without })
    }

    /// A new passphrase. One that is typed is typed twice.
    pub fn get_new(&self, prompt: &str) -> Result<Option<Passphrase>, Failure> {
        if let Some(passphrase) = self.given()? {
            return Ok(Some(passphrase));
        }
        let mut typed = self.typed.lock().unwrap_or_else(PoisonError::into_inner);
        if typed.asked == 0 {
            typed.passphrase = ask_twice(prompt)?;
            typed.asked = TRIES;
        }
        Ok(typed.passphrase.clone())
    }

    /// The passphrase that was typed and has opened something.
    pub(crate) fn typed(&self) -> Option<Passphrase> {
        self.typed.lock().unwrap_or_else(PoisonError::into_inner).passphrase.clone()
    }

    /// The passphrase if one was given without the terminal.
    pub fn given(&self) -> Result<Option<Passphrase>, Failure> {
        self.given.get_or_init(|| self.look()).clone()
    }

    fn look(&self) -> Result<Option<Passphrase>, Failure> {
        if let Some(fd) = self.fd {
            let path = PathBuf::from(format!("/dev/fd/{fd}"));
            return required(&path, &format!("file descriptor {fd}"));
        }
        if let Some(path) = &self.file {
            return required(path, &failure::shown(path).to_string());
        }
        Ok(variable(self.env).or_else(|| variable(COMMON)))
    }
}

fn required(path: &Path, which: &str) -> Result<Option<Passphrase>, Failure> {
    let line = File::open(path).and_then(|file| first_line(&file)).or_fail(Status::Key, which)?;
    let empty = || Failure::of(Status::Key, which, "no passphrase in the first line");
    Passphrase::from_bytes(line).map(Some).ok_or_else(empty)
}

/// One byte at a time: what follows the line may belong to somebody else.
fn first_line(mut file: &File) -> io::Result<Vec<u8>> {
    let (mut line, mut byte) = (Vec::with_capacity(256), [0]);
    while line.len() < LONGEST && file.read(&mut byte)? == 1 && byte[0] != b'\n' {
        line.extend(byte);
    }
    Ok(line)
}

fn variable(name: &str) -> Option<Passphrase> {
    std::env::var_os(name).and_then(|value| Passphrase::from_bytes(value.into_vec()))
}

/// A line that is typed on the terminal; none if there is no terminal, or the line is empty.
///
/// The terminal stays as it is but for the echo: Ctrl-C ends the whole command, and not only this stage.
/// moo-run, which draws the progress line, leaves a terminal without echo alone.
fn ask(prompt: &str) -> Result<Option<Passphrase>, Failure> {
    let Ok(mut terminal) = File::options().read(true).write(true).open("/dev/tty") else {
        return Ok(None);
    };
    let hidden = Hidden::hide(&terminal);
    let prompt = format!("{}{}", form::forget_line(), legible::line(prompt));
    let typed = terminal.write_all(prompt.as_bytes()).and_then(|()| first_line(&terminal));
    drop(hidden);
    Ok(Passphrase::from_bytes(typed.or_fail(Status::Key, "terminal")?))
}

/// A terminal that does not show what is typed, until this is dropped.
struct Hidden(File, Termios);

impl Hidden {
    fn hide(terminal: &File) -> Option<Hidden> {
        let modes = tcgetattr(terminal).ok()?;
        let mut hidden = modes.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        hidden.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(terminal, OptionalActions::Now, &hidden).ok()?;
        Some(Hidden(terminal.try_clone().ok()?, modes))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.0, OptionalActions::Now, &self.1);
    }
}

fn ask_twice(prompt: &str) -> Result<Option<Passphrase>, Failure> {
    let first = ask(prompt)?;
    if first.is_some() && ask("Repeat the passphrase: ")? != first {
        return Err(Failure::new(Status::Key, "terminal: the two passphrases differ"));
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Option<Passphrase> {
        Passphrase::from_bytes(text.into())
    }

    #[test]
    fn only_the_first_line_counts_and_an_empty_one_is_none() {
        assert_eq!(named("meow meow\nsecond"), named("meow meow"));
        assert_eq!(named("\nsecond"), None);
    }

    #[test]
    fn a_file_is_read_and_an_empty_or_missing_one_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pass");
        let get = |path: &Path| PassphraseSource::new(Some(path.into()), None, COMMON).given();
        assert_eq!(get(&path).unwrap_err().status(), Status::Key);
        std::fs::write(&path, "purr\nrest").unwrap();
        assert_eq!(get(&path).unwrap(), named("purr"));
        std::fs::write(&path, "").unwrap();
        assert_eq!(get(&path).unwrap_err().status(), Status::Key);
    }
}
