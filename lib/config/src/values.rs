//! The values of the configuration, each of which checks itself when it is read.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::time::SystemTime;

use archive::{Identity, SetTime, parse_age, parse_time};
use serde::{Deserialize, Serialize};

/// Declares a text that is one line and passes a check.
macro_rules! checked {
    ($($(#[$doc:meta])* $name:ident: $check:expr;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<$name, String> {
                one_line(&text)?;
                let check: fn(&str) -> Result<(), String> = $check;
                check(&text)?;
                Ok($name(text))
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.0
            }
        }

        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str(&self.0)
            }
        }
    )* };
}

checked! {
    /// Any text of one line: a file, a key, a word, a command of the shell.
    Line: |_| Ok(());
    /// The name of a source or a store.
    Name: name;
    /// The name of a folder for an archive directory.
    Archive: name;
    /// The name of a file that a command's output becomes.
    FileName: |text| needs(
        !matches!(text, "" | "." | "..") && !text.contains('/') && text.len() <= 255,
        "the name of a file: at most 255 bytes, and no slash",
    );
    /// A path from the root.
    Rooted: |text| needs(text.starts_with('/'), "a path that begins with /");
    /// The URL of a store, in which each source has a folder.
    Locator: url;
    /// A user of this machine.
    User: user;
    /// The identity of a source's backups.
    SourceIdentity: |text| needs(text.parse::<Identity>().is_ok(), "32 hexadecimal digits in lower case");
    /// An age, such as `1M` or `26h`.
    Age: age;
    /// A size in bytes, such as `500M`.
    Size: |text| needs(cli::size::parse(text).is_some(), "a size such as \"500M\" or \"2G\" (K, M, G, T)");
    /// An age, or a time, as `moo prune` takes it.
    Moment: moment;
    /// A choice of a selection: `+ GLOB` includes, `- GLOB` excludes.
    Pattern: |text| needs(Pattern::parts(text).is_some(), "\"+ GLOB\" or \"- GLOB\"");
    /// The URL that gets a request when backups start and end.
    Ping: |text| needs(
        ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme))
            && !text.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\\')),
        "a URL that begins with https:// or http://, without blanks, quotes and backslashes",
    );
}

impl Pattern {
    /// A pattern that excludes or includes.
    pub(crate) fn new(includes: bool, glob: &str) -> Result<Pattern, String> {
        Pattern::try_from(format!("{} {glob}", if includes { '+' } else { '-' }))
    }

    /// Whether it includes, and its glob.
    pub fn choice(&self) -> (bool, &str) {
        Pattern::parts(&self.0).unwrap_or((false, &self.0))
    }

    fn parts(text: &str) -> Option<(bool, &str)> {
        let (sign, glob) = text.split_once(' ')?;
        (matches!(sign, "+" | "-") && !glob.is_empty()).then_some((sign == "+", glob))
    }
}

impl Age {
    /// Whether that much time has passed since, but for a twenty-fourth of it: what runs each night must not
    /// wait for the next one because it was a minute slower. A time that is still to come counts as long ago.
    pub fn is_nearly_over(&self, since: SystemTime) -> bool {
        let seconds = |time: SystemTime| SetTime::try_from(time).ok();
        let (Some(since), Some(now)) = (seconds(since), seconds(SystemTime::now())) else {
            return true;
        };
        let age = parse_time(&self.0, now).map_or(0, |time| now.seconds() - time.seconds());
        let passed = now.seconds() - since.seconds();
        passed < 0 || passed >= age - age / 24
    }
}

/// A share in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Percent(u32);

impl TryFrom<u32> for Percent {
    type Error = String;

    fn try_from(percent: u32) -> Result<Percent, String> {
        needs((1..=100).contains(&percent), "a percentage from 1 to 100")?;
        Ok(Percent(percent))
    }
}

impl From<Percent> for u32 {
    fn from(percent: Percent) -> u32 {
        percent.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(to)
    }
}

fn needs(holds: bool, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("{what} is needed")) }
}

fn one_line(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("a value is needed, and this is empty".to_owned());
    }
    match text.chars().find(|letter| letter.is_control()) {
        Some(letter) => Err(format!("holds the control character {}", letter.escape_debug())),
        None => Ok(()),
    }
}

fn name(text: &str) -> Result<(), String> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let begins = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let holds = text.bytes().all(letter) && text.bytes().next().is_some_and(begins);
    needs(holds, "a name of letters, digits and . _ -, which begins with neither . nor -,")
}

fn user(text: &str) -> Result<(), String> {
    let letter =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    let begins = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    needs(
        text.bytes().all(letter) && text.bytes().next().is_some_and(begins),
        "the name of a user",
    )?;
    if text == "root" { Err("a user other than root is needed".to_owned()) } else { Ok(()) }
}

/// The schemes of stores, with what follows each.
const SCHEMES: [&str; 3] = ["file:///", "sftp://", "rclone:"];

fn url(text: &str) -> Result<(), String> {
    let known = SCHEMES.iter().any(|scheme| text.len() > scheme.len() && text.starts_with(scheme));
    needs(known, "a URL such as sftp://user@host/folder, file:///folder or rclone:remote:folder")?;
    needs(!text.contains(char::is_whitespace), "a URL without blanks")
}

fn moment(text: &str) -> Result<(), String> {
    let now = SetTime::from_seconds(4_000_000_000).map_err(|error| error.to_string())?;
    needs(parse_time(text, now).is_ok(), "an age such as 6M, or a time such as 2026-11-22,")
}

fn age(text: &str) -> Result<(), String> {
    let now = SetTime::from_seconds(4_000_000_000).map_err(|error| error.to_string())?;
    needs(parse_age(text, now).is_ok(), "an age such as 26h, 8D, 2W, 1M or 1Y (s m h D W M Y)")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_day_is_nearly_over_after_23_hours_and_a_time_to_come_is_long_ago() {
        let day = Age::try_from("1D".to_owned()).unwrap();
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        let now = SystemTime::now();
        assert!(!day.is_nearly_over(now - hours(22)));
        assert!(day.is_nearly_over(now - hours(23)));
        assert!(day.is_nearly_over(now + hours(1)));
    }
}
