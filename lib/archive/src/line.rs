//! Reading the lines of a manifest, of any length.

use std::io::{BufRead, Read, Result};

/// The longest line of a manifest that is read, in bytes. A path that fits a set is far shorter.
pub const LONGEST: usize = 1 << 20;

/// Reads the next line into `line`, which is emptied before. Returns false at the end.
///
/// Of a longer line than a manifest may have, one byte more than that is kept, and the rest is
/// skipped: parsers refuse the line, or skip it if it lists a file.
///
/// # Errors
/// Those of the reader.
pub fn read_line(from: &mut impl BufRead, line: &mut Vec<u8>) -> Result<bool> {
    line.clear();
    from.by_ref().take(LONGEST as u64 + 1).read_until(b'\n', line)?;
    if line.len() > LONGEST && !line.ends_with(b"\n") {
        from.skip_until(b'\n')?;
    }
    Ok(!line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_bounds_is_cut_and_the_next_one_is_whole() {
        let text = [b"a\n".to_vec(), vec![b'x'; 3 * LONGEST], b"\nb".to_vec()].concat();
        let (mut from, mut line, mut found) = (text.as_slice(), Vec::new(), Vec::new());
        while read_line(&mut from, &mut line).unwrap() {
            found.push(line.clone());
        }
        let lengths: Vec<_> = found.iter().map(Vec::len).collect();
        assert_eq!(lengths, [2, LONGEST + 1, 1]);
        assert_eq!((&found[0][..], &found[2][..]), (&b"a\n"[..], &b"b"[..]));
    }
}
