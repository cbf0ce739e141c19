//! What was tried, and what came of it.

use std::collections::BTreeMap;
use std::fmt;

use super::state::Effect;

/// Counts, by kind of attack.
#[derive(Default)]
pub(crate) struct Tally(BTreeMap<String, [usize; 8]>);

/// What is counted.
const COLUMNS: [&str; 8] =
    ["tried", "refused", "granted", "added", "aside", "changed", "modes", "lost"];

impl Tally {
    /// One more attack of that kind.
    pub(crate) fn count(&mut self, kind: &str, granted: bool, effects: &[Effect]) {
        let row = self.0.entry(kind.to_owned()).or_default();
        row[0] += 1;
        row[1 + usize::from(granted)] += 1;
        for effect in effects {
            row[match effect {
                Effect::Added(_) => 3,
                Effect::Aside(..) => 4,
                Effect::Changed(_) => 5,
                Effect::Attributes(_) => 6,
                Effect::Lost(_) => 7,
            }] += 1;
        }
    }

    /// How many there were of all kinds, in the order of the columns.
    pub(crate) fn total(&self) -> [usize; 8] {
        let add = |sum: [usize; 8], row: &[usize; 8]| std::array::from_fn(|at| sum[at] + row[at]);
        self.0.values().fold([0; 8], add)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:48}", "")?;
        COLUMNS.iter().try_for_each(|column| write!(f, "{column:>8}"))?;
        let all = ("all".to_owned(), self.total());
        for (kind, row) in self.0.iter().chain([(&all.0, &all.1)]) {
            write!(f, "\n{kind:48}")?;
            row.iter().try_for_each(|count| write!(f, "{count:8}"))?;
        }
        Ok(())
    }
}
