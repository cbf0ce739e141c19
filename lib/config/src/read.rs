//! Reading the configuration: from one open file, that nobody but the caller and root could have written.

use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use failure::{Failure, OrFail, Status, shown};
use rustix::process::{getegid, geteuid};

use crate::old;
use crate::tables::Config;

/// The most that is read, in bytes.
const MOST: u64 = 1 << 20;

/// Whether a file has the form of version 0.1, moobacker-conf(5): its name says so.
fn is_old(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "conf")
}

/// Reads and checks a configuration.
///
/// # Errors
/// All have [`Status::Usage`]: there is no such file, others than the caller and root could have written
/// it, or something in it is wrong: the message names file, line, key and reason.
pub fn read(path: &Path) -> Result<Config, Failure> {
    let which = shown(path);
    let text = trusted(path).map_err(|failure| failure.about(&which))?;
    let config = if is_old(path) { old::parse(&text) } else { parse(&text) };
    config.map_err(|why| Failure::of(Status::Usage, which, why))
}

/// Reads and checks TOML that the caller answers for.
///
/// # Errors
/// As [`read`].
pub fn read_from(input: impl Read, which: &str) -> Result<Config, Failure> {
    let text = text(input).map_err(|failure| failure.about(which))?;
    parse(&text).map_err(|why| Failure::of(Status::Usage, which, why))
}

fn trusted(path: &Path) -> Result<String, Failure> {
    let wrong = |why: &str| Failure::new(Status::Usage, why);
    let file = File::open(path).or_fail(Status::Usage, "can't be opened")?;
    let found = file.metadata().or_fail(Status::Usage, "can't be read")?;
    if !found.is_file() {
        return Err(wrong("not a file"));
    }
    distrust(&found).map_err(wrong)?;
    text(file)
}

/// Why a file could have been written by others than the caller and root: its hooks run as the caller.
fn distrust(file: &Metadata) -> Result<(), &'static str> {
    let (user, group) = (geteuid(), getegid().as_raw());
    if user.is_root() {
        return match (file.uid(), file.mode() & 0o022) {
            (0, 0) => Ok(()),
            (0, _) => Err("others than root may write it (chmod go-w)"),
            _ => Err("does not belong to root (chown root)"),
        };
    }
    if ![0, user.as_raw()].contains(&file.uid()) {
        return Err("belongs to another user");
    }
    // Where each user has a group, files are often writable for that.
    let others = if file.gid() == group { 0o002 } else { 0o022 };
    if file.mode() & others != 0 {
        return Err("others may write it (chmod go-w)");
    }
    Ok(())
}

fn text(input: impl Read) -> Result<String, Failure> {
    let wrong = |why: &str| Failure::new(Status::Usage, why);
    let mut bytes = Vec::new();
    input.take(MOST + 1).read_to_end(&mut bytes).or_fail(Status::Usage, "can't be read")?;
    if bytes.len() as u64 > MOST {
        return Err(wrong("larger than 1 MiB"));
    }
    let text = String::from_utf8(bytes);
    text.map_err(|error| {
        let line = line_at(error.as_bytes(), error.utf8_error().valid_up_to());
        wrong(&format!("line {line}: not UTF-8"))
    })
}

/// The number of the line with that byte, from 1.
fn line_at(text: &[u8], place: usize) -> usize {
    1 + text.iter().take(place).filter(|byte| **byte == b'\n').count()
}

/// Reads TOML, or says what is wrong: line, key, reason.
pub(crate) fn parse(text: &str) -> Result<Config, String> {
    let line = |span: Option<std::ops::Range<usize>>| {
        line_at(text.as_bytes(), span.map_or(0, |span| span.start))
    };
    let read = match toml::Deserializer::parse(text) {
        Ok(read) => read,
        Err(error) => {
            return Err(format!("line {}: {}", line(error.span()), reason(error.message())));
        }
    };
    let config: Config = serde_path_to_error::deserialize(read).map_err(|error| {
        let key = error.path().to_string();
        let error = error.into_inner();
        let key = if key == "." { String::new() } else { format!("{key}: ") };
        format!("line {}: {key}{}", line(error.span()), reason(error.message()))
    })?;
    match config.disagreement() {
        Some((key, why)) => Err(format!("{}{key}: {why}", place_of(text, &key))),
        None => Ok(config),
    }
}

/// `line N: `, if the key is there.
fn place_of(text: &str, key: &str) -> String {
    let mut keys = key.split('.');
    let last = keys.next_back().unwrap_or_default();
    let table = format!("[{}]", keys.collect::<Vec<_>>().join("."));
    let mut lines =
        text.lines().enumerate().skip_while(|(_, line)| table != "[]" && line.trim() != table);
    let is_key = |line: &str| {
        let rest = line.trim_start().strip_prefix(last);
        rest.is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    let found = lines.find(|(_, line)| is_key(line));
    found.map_or_else(String::new, |(index, _)| format!("line {}: ", index + 1))
}

/// The reason that serde or toml gives, in our words where it is one that people meet.
fn reason(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    if message.starts_with("unknown field")
        && let Some(wrong) = quoted.next()
    {
        return match nearest(wrong, quoted) {
            Some(meant) => format!("no such key; did you mean {meant}?"),
            None => "no such key, see moobacker.toml(5)".to_owned(),
        };
    }
    if message.starts_with("missing field")
        && let Some(missing) = quoted.next()
    {
        return format!("{missing} is missing");
    }
    message.lines().collect::<Vec<_>>().join(", ")
}

/// The word that is most like this one, if one is alike.
pub(crate) fn nearest<'a>(wrong: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let alike = words.map(|word| (strsim::jaro_winkler(wrong, word), word));
    let alike = alike.filter(|(score, _)| *score > 0.75);
    alike.max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, word)| word)
}

impl Config {
    /// As text of moobacker.toml(5).
    ///
    /// # Errors
    /// Never for a configuration that was read.
    pub fn to_toml(&self) -> Result<String, Failure> {
        toml::to_string(self).or_fail(Status::Failed, "can't be written as TOML")
    }
}
