//! Numbers of short file names: base 36, digits and then lower-case letters.

/// Parses a number in base 36. Returns `None` for any other text and for a number that does not
/// fit.
pub(crate) fn parse(text: &str) -> Option<u64> {
    if !text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase()) {
        return None;
    }
    u64::from_str_radix(text, 36).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_come_before_lower_case_letters() {
        assert_eq!(parse("z"), Some(35));
        assert_eq!(parse("10"), Some(36));
        assert_eq!(parse("tox7jk"), Some(1_795_379_312));
        for text in ["", "Z", "-1", "+1", " 1", "zzzzzzzzzzzzzz"] {
            assert_eq!(parse(text), None);
        }
    }
}
