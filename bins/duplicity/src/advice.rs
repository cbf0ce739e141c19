//! The advice in messages of moo, in words that a user of duplicity can follow.

use crate::definition;

/// Parts of messages, and what a user of duplicity does.
const TRANSLATED: [(&str, &str); 5] = [
    ("--merge", "--force"),
    ("--delete replaces it", "delete it first"),
    ("--encrypt-key, --passphrase-file, --passphrase-fd, PASSPHRASE", "--encrypt-key, PASSPHRASE"),
    ("give --passphrase-file", "set PASSPHRASE"),
    ("--path ", "--path-to-restore "),
];

/// A message of moo. An option that duplicity has not is one of moo, and called so.
pub(crate) fn translated(text: &str) -> String {
    let mut text = text.to_owned();
    for (of_moo, own) in TRANSLATED {
        text = text.replace(of_moo, own);
    }
    let mut told = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(at) = rest.find("--") {
        let (before, option) = rest.split_at(at);
        let is_letter = |letter: char| letter.is_ascii_lowercase() || letter == '-';
        let end = option.find(|letter| !is_letter(letter)).unwrap_or(option.len());
        let (name, after) = option.split_at(end);
        told += before;
        told += name;
        if is_foreign(before, &name[2..]) {
            told += " of moo";
        }
        rest = after;
    }
    told + rest
}

/// Whether a word is an option that duplicity has not.
fn is_foreign(before: &str, name: &str) -> bool {
    let is_word = before.is_empty() || before.ends_with([' ', '(', '\'']);
    let is_known = || definition::all().any(|own| own.long == name || own.aliases.contains(&name));
    is_word && name.starts_with(|letter: char| letter.is_ascii_lowercase()) && !is_known()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_names_what_a_user_of_duplicity_has() {
        for (text, expected) in [
            (
                "x: already exists; use --merge to replace it",
                "x: already exists; use --force to replace it",
            ),
            ("x: is a file; --delete replaces it", "x: is a file; delete it first"),
            ("no key (--keep-going continues)", "no key (--keep-going of moo continues)"),
            (
                "use --allow-source-mismatch, or --time 3D",
                "use --allow-source-mismatch, or --time 3D",
            ),
            ("a--b --é -- --", "a--b --é -- --"),
        ] {
            assert_eq!(translated(text), expected);
        }
    }
}
