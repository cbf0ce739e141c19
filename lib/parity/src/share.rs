//! How much parity there is.

use std::fmt;
use std::str::FromStr;

/// The parity of a group as a share of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// In millionths.
    millionths: u32,
}

/// A text that is no share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a share from 0.1 % to 100 %")]
pub struct NoShare;

impl Share {
    const WHOLE: u32 = 1_000_000;

    /// A share of so many millionths, from 0.1 % to 100 %.
    pub(crate) fn of_millionths(millionths: u32) -> Option<Share> {
        (1000..=Share::WHOLE).contains(&millionths).then_some(Share { millionths })
    }

    pub(crate) fn millionths(self) -> u32 {
        self.millionths
    }

    /// The share of a number of shards, rounded up.
    pub(crate) fn of(self, shards: u64) -> u64 {
        shards.saturating_mul(u64::from(self.millionths)).div_ceil(u64::from(Share::WHOLE))
    }

    /// The number of shards whose share is that number, rounded down.
    pub(crate) fn whole_of(self, recovery: u64) -> u64 {
        recovery.saturating_mul(u64::from(Share::WHOLE)) / u64::from(self.millionths)
    }
}

impl Default for Share {
    /// 5 %: of 64 volumes, any three can be rebuilt.
    fn default() -> Share {
        Share { millionths: 50_000 }
    }
}

impl FromStr for Share {
    type Err = NoShare;

    /// Reads a percentage, with or without its sign.
    fn from_str(text: &str) -> Result<Share, NoShare> {
        let number = text.strip_suffix('%').unwrap_or(text).trim_end();
        let percent: f64 = number.parse().map_err(|_| NoShare)?;
        if !(0.1..=100.0).contains(&percent) {
            return Err(NoShare);
        }
        Share::of_millionths((percent * 10_000.0).round() as u32).ok_or(NoShare)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", f64::from(self.millionths) / 10_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_percentage() {
        for (text, millionths) in
            [("5", 50_000), ("5%", 50_000), ("5 %", 50_000), ("0.1", 1000), ("100%", 1_000_000)]
        {
            let share: Share = text.parse().unwrap();
            assert_eq!(share.millionths(), millionths, "{text}");
            assert_eq!(share.to_string().parse(), Ok(share));
        }
        for bad in ["", "%", "0", "0.05", "-5", "101", "nan", "inf", "5%%", "x"] {
            assert_eq!(bad.parse::<Share>(), Err(NoShare), "{bad}");
        }
    }

    #[test]
    fn a_share_of_shards_is_rounded_up() {
        let share: Share = "5".parse().unwrap();
        assert_eq!([1, 20, 21, 1000].map(|shards| share.of(shards)), [1, 1, 2, 50]);
        assert_eq!(share.whole_of(50), 1000);
    }
}
