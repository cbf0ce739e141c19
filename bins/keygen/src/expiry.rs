//! How long a key is to live.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use archive::{SetTime, parse_time};

/// A time span in duplicity's words, such as `2Y` or `1M10D`.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    span(text).ok_or_else(|| "not a time span such as 2Y, 6M or 90D".into())
}

fn span(text: &str) -> Option<Duration> {
    // The same parser knows dates too, which would count from now backwards.
    if !text.ends_with(['s', 'm', 'h', 'D', 'W', 'M', 'Y']) {
        return None;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    let now = SetTime::from_seconds(i64::try_from(now).ok()?).ok()?;
    let then = parse_time(text, now).ok()?;
    let seconds = u64::try_from(now.seconds().checked_sub(then.seconds())?).ok()?;
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_spans_are_taken() {
        assert_eq!(parse("2D"), Ok(Duration::from_secs(2 * 86_400)));
        assert_eq!(parse("1h30m"), Ok(Duration::from_secs(5400)));
        for text in ["", "0s", "2020-01-01", "now", "90", "Y", "99999999999Y", "-1D"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
