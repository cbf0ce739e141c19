//! All rules of a selection, in their order.

use crate::Sign;
use crate::rule::{Rule, Subject};

/// The rules that decide in their order.
#[derive(Debug, Default)]
pub struct Rules(pub(crate) Vec<Rule>);

/// What becomes of an entry.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// It is meant, because of that; or because nothing speaks against it.
    Include(Option<&'a str>),
    /// It is meant if something below it is.
    Enter,
    /// It is left out with all that is below it, because of that.
    Exclude(&'a str),
}

impl Rules {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Decides about an entry, but for what is decided about the directories above it.
    ///
    /// # Errors
    /// A regular expression that goes astray.
    pub fn judge(&self, subject: &Subject<'_>) -> Result<Verdict<'_>, String> {
        let mut above = false;
        for rule in &self.0 {
            let opinion = rule.judge(subject)?;
            above |= opinion.above;
            match opinion.decided {
                Some((Sign::Include, told)) => return Ok(Verdict::Include(Some(told))),
                Some((Sign::Exclude, told)) if !above => return Ok(Verdict::Exclude(told)),
                Some(_) => break,
                None => {}
            }
        }
        Ok(match above {
            true if subject.is_directory() => Verdict::Enter,
            true => Verdict::Exclude("an include of what would be below it"),
            false => Verdict::Include(None),
        })
    }
}
