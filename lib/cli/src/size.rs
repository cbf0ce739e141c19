//! Sizes as people write them.

/// The letters of the units, each 1,024 times the one before.
const UNITS: &str = "KMGT";

/// The bytes of a size such as `500M`. `500MiB` is the same; `500` means bytes. None for other text.
#[must_use]
pub fn parse(text: &str) -> Option<u64> {
    let text = text.strip_suffix("iB").unwrap_or(text);
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let power = match text.get(digits.len()..)? {
        "" => 0,
        unit if unit.len() == 1 => 1 + UNITS.find(&unit.to_ascii_uppercase())?,
        _ => return None,
    };
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    let number: u64 = digits.parse().ok().filter(|_| is_number)?;
    number.checked_mul(1_u64.checked_shl(10 * u32::try_from(power).ok()?)?)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn sizes_have_units_of_1024() {
        for (text, bytes) in [
            ("0", Some(0)),
            ("1000", Some(1000)),
            ("2K", Some(2048)),
            ("3m", Some(3 << 20)),
            ("1GiB", Some(1 << 30)),
            ("4T", Some(4 << 40)),
            ("16777215T", Some(16_777_215 << 40)),
            ("16777216T", None),
            ("", None),
            ("K", None),
            ("iB", None),
            ("+1K", None),
            ("1.5G", None),
            ("1KB", None),
            ("1P", None),
            ("-1", None),
        ] {
            assert_eq!(parse(text), bytes, "{text}");
        }
    }
}
