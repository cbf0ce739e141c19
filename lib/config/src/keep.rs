//! Rules for the sets that stay.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::values::{Age, Moment};

/// Which sets of a store stay; the rules of `moo prune`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Keep {
    /// Whole chains of the newest full sets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full: Option<NonZeroU32>,
    /// Increments of the newest full sets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inc_of_full: Option<NonZeroU32>,
    /// The newest states.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<NonZeroU32>,
    /// The newest state of each of the last hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hourly: Option<NonZeroU32>,
    /// The newest state of each of the last days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub daily: Option<NonZeroU32>,
    /// The newest state of each of the last weeks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weekly: Option<NonZeroU32>,
    /// The newest state of each of the last months.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly: Option<NonZeroU32>,
    /// The newest state of each of the last years.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub yearly: Option<NonZeroU32>,
    /// All states that are younger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<Age>,
    /// Nothing that is younger goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub older_than: Option<Moment>,
}

impl Keep {
    /// The rules that take a number, each with its option of `moo prune`.
    fn counts(&mut self) -> [(&'static str, &mut Option<NonZeroU32>); 8] {
        [
            ("--keep-full", &mut self.full),
            ("--keep-inc-of-full", &mut self.inc_of_full),
            ("--keep-last", &mut self.last),
            ("--keep-hourly", &mut self.hourly),
            ("--keep-daily", &mut self.daily),
            ("--keep-weekly", &mut self.weekly),
            ("--keep-monthly", &mut self.monthly),
            ("--keep-yearly", &mut self.yearly),
        ]
    }

    /// The rules as words for `moo prune`.
    pub fn words(&self) -> Vec<String> {
        let mut keep = self.clone();
        let counts = keep.counts().into_iter();
        let counts = counts.filter_map(|(name, count)| Some(format!("{name}={}", (*count)?)));
        let within = self.within.iter().map(|age| format!("--keep-within={age}"));
        let age = self.older_than.iter().map(|age| format!("--older-than={age}"));
        counts.chain(within).chain(age).collect()
    }

    /// Reads the words of `moo prune`.
    pub(crate) fn from_words(words: &[String]) -> Option<Keep> {
        let mut keep = Keep::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let (name, value) = match word.split_once('=') {
                Some((name, value)) => (name, value.to_owned()),
                None => (word.as_str(), words.next()?.clone()),
            };
            match name {
                "--older-than" => keep.older_than = Some(Moment::try_from(value).ok()?),
                "--keep-within" => keep.within = Some(Age::try_from(value).ok()?),
                _ => {
                    let mut counts = keep.counts().into_iter();
                    *counts.find(|(known, _)| *known == name)?.1 = Some(value.parse().ok()?);
                }
            }
        }
        (keep != Keep::default()).then_some(keep)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_come_back_from_their_words() {
        let words = [
            "--keep-full=4",
            "--keep-last=3",
            "--keep-hourly=24",
            "--keep-weekly=5",
            "--keep-yearly=9",
            "--keep-within=14D",
            "--older-than=6M",
        ];
        let words = words.map(str::to_owned);
        let keep = Keep::from_words(&words).unwrap();
        assert_eq!(keep.words(), words);
        assert!(Keep::from_words(&["--force".into()]).is_none());
        assert!(Keep::from_words(&["--keep-full".into()]).is_none());
        assert!(Keep::from_words(&[]).is_none());
    }
}
