//! Patterns that are plain paths, however many: they are looked up, not tried one by one.

use std::collections::HashMap;

use crate::Sign;

/// Consecutive patterns that are plain paths.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
    at: HashMap<Vec<u8>, Place>,
    /// The first row that includes something below a directory.
    above: HashMap<Vec<u8>, usize>,
}

#[derive(Debug)]
struct Row {
    sign: Sign,
    told: Box<str>,
}

/// The first rows of a path.
#[derive(Debug)]
struct Place {
    /// Of all kinds.
    first: usize,
    /// Of those that are not only for directories.
    any: Option<usize>,
}

/// What the patterns say of a path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found<'a> {
    /// Whether something below it was asked for, before any pattern has decided.
    pub(crate) above: bool,
    /// What decided, and in which words.
    pub(crate) decided: Option<(Sign, &'a str)>,
}

impl Table {
    /// Adds a pattern behind all others.
    pub(crate) fn push(&mut self, path: Vec<u8>, directories: bool, sign: Sign, told: String) {
        let row = self.rows.len();
        self.rows.push(Row { sign, told: told.into_boxed_str() });
        if sign == Sign::Include {
            for parent in prefixes(&path).filter(|prefix| *prefix != path) {
                if !self.above.contains_key(parent) {
                    self.above.insert(parent.to_vec(), row);
                }
            }
        }
        let place = self.at.entry(path).or_insert(Place { first: row, any: None });
        if !directories {
            place.any.get_or_insert(row);
        }
    }

    /// The words of the last pattern, if it includes.
    pub(crate) fn ends_with_include(&self) -> Option<&str> {
        self.rows.last().filter(|row| row.sign == Sign::Include).map(|row| &*row.told)
    }

    /// Looks a path up.
    pub(crate) fn look(&self, path: &[u8], is_directory: bool) -> Found<'_> {
        let rows = prefixes(path).filter_map(|prefix| {
            let place = self.at.get(prefix)?;
            if is_directory || prefix != path { Some(place.first) } else { place.any }
        });
        let row = rows.min();
        let above = self.above.get(path).is_some_and(|first| row.is_none_or(|row| *first < row));
        let decided = row.and_then(|row| self.rows.get(row));
        Found { above, decided: decided.map(|row| (row.sign, &*row.told)) }
    }
}

/// The source, the directories that lead to a path, and the path.
fn prefixes(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    let whole = (!path.is_empty()).then_some(path.len());
    std::iter::once(0).chain(slashes).chain(whole).map(|end| &path[..end])
}

#[cfg(test)]
mod tests {
    use globs::{Glob, symbols};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_table_says_what_its_globs_say(
            patterns in proptest::collection::vec(("[ab]{1,2}(/[ab]){0,2}/?", any::<bool>()), 0..6),
            path in "[ab]{1,2}(/[ab]{1,2}){0,2}", is_directory: bool
        ) {
            let (mut table, mut above, mut decided) = (Table::default(), false, None);
            for (row, (pattern, include)) in patterns.iter().enumerate() {
                let sign = if *include { Sign::Include } else { Sign::Exclude };
                let glob = Glob::new(pattern.as_bytes(), false).unwrap();
                let (key, directories) = glob.literal().unwrap();
                table.push(key, directories, sign, row.to_string());
                if decided.is_some() {
                    continue;
                }
                if glob.matches(&symbols(path.as_bytes()), is_directory) {
                    decided = Some((sign, row.to_string()));
                } else if *include && glob.reaches_below(&symbols(path.as_bytes())) {
                    above = true;
                }
            }
            let found = table.look(path.as_bytes(), is_directory);
            prop_assert_eq!(found.decided.map(|(sign, told)| (sign, told.to_owned())), decided);
            prop_assert_eq!(found.above, above);
        }
    }
}
