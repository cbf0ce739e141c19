//! The configuration of version 0.1, moobacker-conf(5): a keyword and its value on each line.

use std::collections::HashSet;

use indexmap::IndexMap;

use crate::keep::Keep;
use crate::tables::{Config, List, Source, Store};
use crate::values::{Age, Archive, Line, Name, Pattern, Rooted};

/// The name that the one store gets.
const STORE: &str = "main";

/// What was read so far.
#[derive(Default)]
struct Reading {
    config: Config,
    /// The source that lines belong to.
    source: Option<Name>,
    /// The choices of that source, in their order.
    selections: IndexMap<Name, Vec<Pattern>>,
    /// Keywords that may stand once in a place.
    seen: HashSet<(Option<String>, String)>,
}

/// Reads it, or says what is wrong: line, keyword, reason.
pub(crate) fn parse(text: &str) -> Result<Config, String> {
    let mut reading = Reading::default();
    for (index, line) in text.split('\n').enumerate() {
        reading.line(line).map_err(|why| format!("line {}: {why}", index + 1))?;
    }
    reading.end()
}

/// A value that checks itself.
fn checked<T: TryFrom<String, Error = String>>(keyword: &str, value: &str) -> Result<T, String> {
    T::try_from(value.to_owned()).map_err(|why| format!("{keyword}: {why}"))
}

/// Whether it may be a keyword, mistyped. Anything else may be of a file that is no configuration.
fn is_a_word(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

impl Reading {
    fn line(&mut self, line: &str) -> Result<(), String> {
        let line = line.trim_start_matches([' ', '\t']);
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if line.ends_with('\r') {
            return Err("ends with a carriage return".to_owned());
        }
        let (keyword, value) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        let value = value.trim_start_matches([' ', '\t']);
        if value.is_empty() {
            let what = if is_a_word(keyword) { keyword } else { "the first word" };
            return Err(format!("{what}: needs a value"));
        }
        if value.ends_with([' ', '\t']) {
            return Err("ends with a blank".to_owned());
        }
        match keyword {
            "user" | "remote" | "encrypt-key" | "seal-key" => self.of_all(keyword, value),
            "source" => self.begin(value),
            "exclude" | "include" | "identity" => self.of_source(keyword, value),
            "full-if-older-than" | "keep" | "options" | "before" | "after" => {
                self.of_any(keyword, value)
            }
            _ if is_a_word(keyword) => Err(format!("{keyword}: no such keyword")),
            // What it is may be nobody's business.
            _ => Err("begins with no keyword".to_owned()),
        }
    }

    fn once(&mut self, keyword: &str) -> Result<(), String> {
        let place = (self.source.as_ref().map(Name::to_string), keyword.to_owned());
        if self.seen.insert(place) { Ok(()) } else { Err(format!("{keyword}: a second one")) }
    }

    fn of_all(&mut self, keyword: &str, value: &str) -> Result<(), String> {
        if self.source.is_some() {
            return Err(format!("{keyword}: belongs before the first source"));
        }
        if keyword == "encrypt-key" {
            self.config.encrypt_key.0.push(checked(keyword, value)?);
            return Ok(());
        }
        self.once(keyword)?;
        match keyword {
            "user" => self.config.user = Some(checked(keyword, value)?),
            "seal-key" => self.config.seal_key = Some(checked(keyword, value)?),
            _ => {
                let store = Store {
                    url: checked(keyword, value)?,
                    append_only: false,
                    ssh_options: List::default(),
                    bandwidth: None,
                    parity: None,
                    options: Vec::new(),
                    keep: None,
                };
                self.config.stores.insert(checked(keyword, STORE)?, store);
            }
        }
        Ok(())
    }

    fn begin(&mut self, value: &str) -> Result<(), String> {
        let (name, path) = value.split_once([' ', '\t']).unwrap_or((value, ""));
        let name: Name = checked("source", name)?;
        let path: Rooted = checked(&name, path.trim_start_matches([' ', '\t']))?;
        let archive: Archive = checked("source", &name)?;
        let source = Source {
            path: Some(path),
            commands: IndexMap::new(),
            run_as: None,
            snapshot: None,
            stores: List::default(),
            exclude: List::default(),
            select: List::default(),
            exclude_caches: false,
            exclude_nodump: false,
            exclude_larger_than: None,
            identity: None,
            full_if_older_than: None,
            options: Vec::new(),
            before: List::default(),
            after: List::default(),
            failed: List::default(),
            keep: None,
            archive_names: [(checked("source", STORE)?, archive)].into_iter().collect(),
        };
        if self.config.sources.insert(name.clone(), source).is_some() {
            return Err(format!("{name}: a second source of that name"));
        }
        self.source = Some(name);
        Ok(())
    }

    fn of_source(&mut self, keyword: &str, value: &str) -> Result<(), String> {
        let name = self.source.clone().ok_or(format!("{keyword}: belongs below a source"))?;
        if keyword != "identity" {
            let pattern = Pattern::new(keyword == "include", value);
            let pattern = pattern.map_err(|why| format!("{keyword}: {why}"))?;
            self.selections.entry(name).or_default().push(pattern);
            return Ok(());
        }
        self.once(keyword)?;
        if let Some(source) = self.config.sources.get_mut(&name) {
            source.identity = Some(checked(keyword, value)?);
        }
        Ok(())
    }

    fn of_any(&mut self, keyword: &str, value: &str) -> Result<(), String> {
        if matches!(keyword, "full-if-older-than" | "keep") {
            self.once(keyword)?;
        }
        let source = self.source.as_ref().and_then(|name| self.config.sources.get_mut(name));
        match keyword {
            "full-if-older-than" => {
                let age: Option<Age> = Some(checked(keyword, value)?);
                *source.map_or(&mut self.config.full_if_older_than, |one| {
                    &mut one.full_if_older_than
                }) = age;
            }
            "keep" => {
                let words: Vec<_> = value.split(' ').map(str::to_owned).collect();
                let keep = Keep::from_words(&words)
                    .ok_or("keep: no rules of moo prune, such as --keep-full 4 --older-than 6M")?;
                *source.map_or(&mut self.config.keep, |one| &mut one.keep) = Some(keep);
            }
            "options" => {
                let words = words(value).ok_or("options: a quote or backslash is open")?;
                let words: Result<Vec<Line>, _> =
                    words.iter().map(|word| checked(keyword, word)).collect();
                source.map_or(&mut self.config.options, |one| &mut one.options).extend(words?);
            }
            "before" => {
                let line = checked(keyword, value)?;
                source.map_or(&mut self.config.before, |one| &mut one.before).0.push(line);
            }
            _ => {
                let line = checked(keyword, value)?;
                source.map_or(&mut self.config.after, |one| &mut one.after).0.push(line);
            }
        }
        Ok(())
    }

    fn end(mut self) -> Result<Config, String> {
        for (name, patterns) in self.selections {
            let Some(source) = self.config.sources.get_mut(&name) else { continue };
            if patterns.iter().any(|pattern| pattern.choice().0) {
                source.select = List(patterns);
                continue;
            }
            let globs = patterns.iter().map(|pattern| checked("exclude", pattern.choice().1));
            source.exclude = List(globs.collect::<Result<_, _>>()?);
        }
        let missing = [
            ("remote", self.config.stores.is_empty()),
            ("encrypt-key", self.config.encrypt_key.0.is_empty()),
            ("source", self.config.sources.is_empty()),
        ];
        match missing.into_iter().find(|(_, missing)| *missing) {
            Some((keyword, _)) => Err(format!("{keyword}: missing")),
            None => self.config.agreed(),
        }
    }
}

/// Words as xargs splits them: blanks, quotes and backslashes. `None` where one of these is open.
fn words(value: &str) -> Option<Vec<String>> {
    let (mut words, mut word) = (Vec::new(), None::<String>);
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\t' => words.extend(word.take()),
            '\\' => word.get_or_insert_default().push(letters.next()?),
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next()? {
                        end if end == letter => break,
                        inside => word.push(inside),
                    }
                }
            }
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_a_shell_splits_them() {
        assert_eq!(words("a 'b c' d\\ e #f \"g h\"").unwrap(), ["a", "b c", "d e", "#f", "g h"]);
        assert!(words("a 'b").is_none());
        assert!(words("a\\").is_none());
    }
}
