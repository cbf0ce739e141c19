//! Random trees and random selections of them, the same in every run.

use tests::{Sandbox, Tree};

/// Names that patterns are likely to meet; among them some that look like patterns.
const NAMES: [&str; 12] = ["a", "b", "ab", "A", "x.py", "é", "a b", "c", "src", "[a]", "f", "-"];

/// Parts of patterns.
const PARTS: [&str; 18] = [
    "*", "**", "?", "*b", "a*", "**b", "a**", "[ab]", "[!a]", "*.py", "a?", "**a**", "?*",
    "[!a-c]*", "[]a]", "***", "a[!x]b", "[[]a]",
];

/// Beginnings of patterns that are not the source as it is spelt.
const HEADS: [&str; 8] = ["**", "*", "src", "**/a", "?rc", "s*", "[s]rc", "sr"];

const REGEXPS: [&str; 9] =
    ["b", "a/", "py$", "^src/a", "/a$", "[ab]/.", "(?i)A$", "src.*b", "(?<!a)/b"];

/// Random choices, all of them known by the seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below that.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % end
    }

    fn one_in(&mut self, end: usize) -> bool {
        self.below(end) == 0
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    /// Fills a folder of a tree.
    pub(crate) fn fill(&mut self, tree: &Tree, folder: &str, depth: usize) {
        for name in NAMES {
            let path = format!("{folder}{name}");
            match self.below(20) {
                0..=5 if depth > 0 => {
                    tree.folder(&path);
                    self.fill(tree, &format!("{path}/"), depth - 1);
                }
                6 | 7 => tree.file(&path, b""),
                8 => {
                    tree.file(&path, b"");
                    tree.mtime(&path, 1_000_000_000, 0);
                }
                9 if self.one_in(2) => tree.symlink(&path, "a"),
                9 => tree.fifo(&path),
                _ => {}
            }
        }
    }

    /// A pattern.
    fn glob(&mut self, source: &str) -> String {
        let mut glob = if self.one_in(4) { self.of(&HEADS) } else { source }.to_owned();
        for _ in 0..self.below(4) {
            let part = if self.below(5) < 3 { self.of(&NAMES) } else { self.of(&PARTS) };
            glob = format!("{glob}/{part}");
        }
        let end = if self.one_in(7) { "/" } else { "" };
        let start = if self.one_in(10) { "ignorecase:" } else { "" };
        format!("{start}{glob}{end}")
    }

    /// One option with its value; lists go into files of the sandbox.
    fn option(&mut self, sandbox: &Sandbox, source: &str, number: usize) -> Vec<String> {
        let sign = self.of(&["--include", "--exclude"]);
        match self.below(20) {
            0 => vec!["--exclude-older-than".into(), "2010-01-01".into()],
            1 => vec!["--exclude-if-present".into(), self.of(&NAMES[..8]).into()],
            2 => vec!["--exclude-device-files".into()],
            3 | 4 => vec![format!("{sign}-regexp"), self.of(&REGEXPS).into()],
            5 | 6 => {
                let list = format!("list{number}");
                let lines = (0..self.below(5)).map(|_| self.line(source)).collect::<String>();
                std::fs::write(sandbox.path(&list), lines).unwrap();
                vec![format!("{sign}-filelist"), list]
            }
            _ => vec![sign.into(), self.glob(source)],
        }
    }

    /// Options in a row as the command line of duplicity 3 has them, with filters among them.
    pub(crate) fn filtered_options(&mut self, sandbox: &Sandbox, source: &str) -> Vec<String> {
        const FILTERS: [&str; 5] = [
            "--filter-literal",
            "--filter-regexp",
            "--filter-globbing",
            "--filter-ignorecase",
            "--filter-strictcase",
        ];
        let (mut options, mut is_regexp) = (Vec::new(), false);
        for number in 0..=self.below(5) {
            if self.one_in(3) {
                let filter = self.of(&FILTERS);
                is_regexp = filter == "--filter-regexp" || is_regexp && filter.ends_with("case");
                options.push(filter.to_owned());
            }
            // A glob is another regular expression in each language, if it is one.
            let option = match is_regexp {
                true => self.regexp_option(sandbox, number),
                false => self.option(sandbox, source, number),
            };
            options.extend(option);
        }
        if !self.one_in(6) {
            let last = self.of(&["**", source, "**/c"]).to_owned();
            options.extend(["--filter-globbing".to_owned(), "--exclude".to_owned(), last]);
        }
        options
    }

    /// Options that select by path alone, in two spellings: for the source `src`, and for paths that are
    /// relative to it.
    pub(crate) fn relative_options(&mut self) -> (Vec<String>, Vec<String>) {
        let (mut for_source, mut relative) = (Vec::new(), Vec::new());
        let mut add = |option: String, of_source: String, own: String| {
            for_source.extend([option.clone(), of_source]);
            relative.extend([option, own]);
        };
        for _ in 0..=self.below(5) {
            let sign = self.of(&["--include", "--exclude"]);
            if self.one_in(6) {
                let regexp = self.of(&["b", "py$", "(?i)A$", "[ab]b", "a/", "b/."]).to_owned();
                add(format!("{sign}-regexp"), regexp.clone(), regexp);
                continue;
            }
            let glob = self.relative_glob();
            let start = if self.one_in(10) { "ignorecase:" } else { "" };
            let base = if glob.starts_with("**/") { "" } else { "src/" };
            add(sign.to_owned(), format!("{start}{base}{glob}"), format!("{start}{glob}"));
        }
        if !self.one_in(5) {
            let last = self.of(&["**", "**/c", "a"]);
            let base = if last == "a" { "src/" } else { "" };
            add("--exclude".to_owned(), format!("{base}{last}"), last.to_owned());
        }
        (for_source, relative)
    }

    /// One option whose value is a regular expression, or a list of them.
    fn regexp_option(&mut self, sandbox: &Sandbox, number: usize) -> Vec<String> {
        let sign = self.of(&["--include", "--exclude"]);
        if self.below(3) > 0 {
            return vec![sign.into(), self.of(&REGEXPS).into()];
        }
        let list = format!("list{number}");
        let line =
            |dice: &mut Dice| format!("{}{}\n", dice.of(&["", "+ ", "- "]), dice.of(&REGEXPS));
        let lines = (0..self.below(4)).map(|_| line(self)).collect::<String>();
        std::fs::write(sandbox.path(&list), lines).unwrap();
        vec![format!("{sign}-filelist"), list]
    }

    fn relative_glob(&mut self) -> String {
        let parts = (0..=self.below(3))
            .map(|_| if self.below(5) < 3 { self.of(&NAMES) } else { self.of(&PARTS) });
        let glob = parts.collect::<Vec<_>>().join("/");
        let end = if self.one_in(7) { "/" } else { "" };
        format!("{glob}{end}")
    }

    fn line(&mut self, source: &str) -> String {
        let (start, quote) = (self.of(&["", "+ ", "- ", " ", "# "]), self.of(&["", "", "\"", "'"]));
        format!("{start}{quote}{}{quote} \n", self.glob(source))
    }

    /// Options in a row, most often with an exclude at the end, as selections have it.
    pub(crate) fn options(&mut self, sandbox: &Sandbox, source: &str) -> Vec<String> {
        let number = 1 + self.below(6);
        let mut options: Vec<_> =
            (0..number).flat_map(|number| self.option(sandbox, source, number)).collect();
        if !self.one_in(6) {
            let last = self.of(&["**", source, "**/c"]).to_owned();
            options.extend(["--exclude".to_owned(), last]);
        }
        options
    }
}
