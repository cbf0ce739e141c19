//! Names as letters: patterns speak of letters, while names are bytes that need not be any.

use std::borrow::Cow;

/// A letter, or a byte that is none: those come after all letters.
pub type Symbol = u32;

/// Where the symbols of bytes begin: after the last letter of Unicode.
const BYTES: Symbol = 0x11_0000;

/// Private letters of Unicode that stand for bytes where only letters are possible.
const PRIVATE: u32 = 0x10_f700;

/// A name as symbols, one a letter and one a byte that is part of none.
pub fn symbols(name: &[u8]) -> Vec<Symbol> {
    let mut symbols = Vec::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        symbols.extend(chunk.valid().chars().map(Symbol::from));
        symbols.extend(chunk.invalid().iter().map(|byte| BYTES + Symbol::from(*byte)));
    }
    symbols
}

/// The name that has those symbols.
pub(crate) fn bytes(symbols: &[Symbol]) -> Vec<u8> {
    let mut name = Vec::with_capacity(symbols.len());
    for symbol in symbols {
        match char::from_u32(*symbol) {
            Some(letter) => name.extend(letter.encode_utf8(&mut [0; 4]).bytes()),
            None => name.push((*symbol & 0xff) as u8),
        }
    }
    name
}

/// A name as text, for regular expressions: still one letter for each byte that is part of none.
pub fn letters(name: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(name) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(name.len() * 2);
    for chunk in name.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().filter_map(|b| char::from_u32(PRIVATE + u32::from(*b))));
    }
    Cow::Owned(text)
}

/// A symbol without regard to case.
pub(crate) fn folded(symbol: Symbol) -> Symbol {
    let lower = char::from_u32(symbol).and_then(|letter| letter.to_lowercase().next());
    lower.map_or(symbol, Symbol::from)
}

/// The other case of a symbol, or itself.
pub(crate) fn raised(symbol: Symbol) -> Symbol {
    let upper = char::from_u32(symbol).and_then(|letter| letter.to_uppercase().next());
    upper.map_or(symbol, Symbol::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_letter_is_one_symbol_a_byte() {
        assert_eq!(symbols("é".as_bytes()), [0xe9]);
        assert_eq!(symbols(b"a\xff\xe9/"), [0x61, BYTES + 0xff, BYTES + 0xe9, 0x2f]);
        assert_eq!(letters(b"a\xff").chars().count(), 2);
        assert_eq!(letters(b"ab"), "ab");
        assert_eq!(bytes(&symbols(b"a\xff\xe9/\xc3\xa9")), b"a\xff\xe9/\xc3\xa9");
    }
}
