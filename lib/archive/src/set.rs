//! The properties that distinguish sets.

use std::fmt;
use std::str::FromStr;

use crate::{Error, SetTime};

/// The kind and the times of a set. Sets are ordered by their time; a full set comes before an
/// increment of the same second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SetId {
    /// The time of the set's state.
    pub time: SetTime,
    /// The time of the set before an increment, or `None` for a full set.
    pub base: Option<SetTime>,
}

impl SetId {
    /// A full set.
    pub fn full(time: SetTime) -> SetId {
        SetId { time, base: None }
    }

    /// An increment to the set of the time `base`, or `None` if it is not later.
    pub fn inc(base: SetTime, time: SetTime) -> Option<SetId> {
        (base < time).then_some(SetId { time, base: Some(base) })
    }

    /// Whether the set is a full one.
    pub fn is_full(&self) -> bool {
        self.base.is_none()
    }
}

/// `full 20261122T201340Z` or `inc 20261122T201340Z to 20261123T201340Z`.
impl fmt::Display for SetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.base {
            None => write!(f, "full {}", self.time),
            Some(base) => write!(f, "inc {base} to {}", self.time),
        }
    }
}

impl FromStr for SetId {
    type Err = Error;

    /// Reads exactly the form that is shown.
    fn from_str(text: &str) -> Result<SetId, Error> {
        parse(text).ok_or_else(|| Error::new(text, "not a set"))
    }
}

fn parse(text: &str) -> Option<SetId> {
    if let Some(time) = text.strip_prefix("full ") {
        return time.parse().ok().map(SetId::full);
    }
    let (base, time) = text.strip_prefix("inc ")?.split_once(" to ")?;
    SetId::inc(base.parse().ok()?, time.parse().ok()?)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::time::tests::times;
    use proptest::prelude::*;

    /// Any set there can be.
    pub(crate) fn sets() -> impl Strategy<Value = SetId> {
        (times(), proptest::option::of(times())).prop_map(|(time, base)| match base {
            Some(base) if base < time => SetId { time, base: Some(base) },
            _ => SetId::full(time),
        })
    }

    proptest! {
        #[test]
        fn a_set_comes_back_as_it_is_shown(set in sets()) {
            prop_assert_eq!(set.to_string().parse(), Ok(set));
        }
    }

    #[test]
    fn an_increment_that_ends_before_it_starts_is_no_set() {
        assert!("inc 20261122T201340Z to 20261122T201340Z".parse::<SetId>().is_err());
        assert!("full 20261122t201340z".parse::<SetId>().is_err());
    }
}
