//! The tests that moobacker-promises(7) names exist.

// A test that can't go on should stop, loudly; its helpers too.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use manual::folder;

/// All files of the language below a folder.
fn sources(at: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(at).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
    files
}

/// The module that a file below a root is, as names of tests begin with it.
fn module(file: &Path, root: &Path) -> String {
    let path = file.strip_prefix(root).unwrap().with_extension("");
    let path = path.to_str().unwrap().replace('/', "::").replace("_tests", "::tests");
    match path.as_str() {
        "main" | "lib" => String::new(),
        path => path.trim_end_matches("::mod").to_owned() + "::",
    }
}

/// The tests in a file, as `cargo test` prints them.
fn tests_in(file: &Path, module: &str) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    let (mut module, mut is_test, mut names) = (module.to_owned(), false, Vec::new());
    for line in text.lines().map(str::trim) {
        if line.starts_with("mod tests {") {
            module += "tests::";
        }
        if let (true, Some((name, _))) =
            (is_test, line.strip_prefix("fn ").and_then(|rest| rest.split_once('(')))
        {
            names.push(format!("{module}{name}"));
        }
        is_test = line == "#[test]" || (is_test && line.starts_with("#["));
    }
    names
}

/// The tests of a folder of the project: `tests/e2e`, `lib/stream` and so on. A package has them
/// beside its code, in files, or in folders of their own.
fn tests_of(at: &str) -> BTreeSet<String> {
    let at = folder().join("..").join(at);
    let (code, own) = (at.join("src"), at.join("tests"));
    if !code.is_dir() {
        return below(&at);
    }
    let entries = std::fs::read_dir(own).into_iter().flatten().map(|entry| entry.unwrap().path());
    let own = entries.flat_map(|path| if path.is_dir() { below(&path) } else { alone(&path) });
    own.chain(below(&code)).collect()
}

/// The tests in the modules of a folder.
fn below(root: &Path) -> BTreeSet<String> {
    sources(root).iter().flat_map(|file| tests_in(file, &module(file, root))).collect()
}

/// The tests in a file of its own.
fn alone(file: &Path) -> BTreeSet<String> {
    tests_in(file, "").into_iter().collect()
}

/// The tests that the page names, and the folders that they are in.
fn named() -> Vec<(String, String)> {
    let page = std::fs::read_to_string(folder().join("man7/moobacker-promises.7")).unwrap();
    let page = page.replace("\\-", "-").replace("\\:", "");
    let lines = page.lines().filter_map(|line| {
        let line = line.strip_prefix(".I ").or(line.strip_prefix(".IR "))?;
        let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
        let at = rest.trim_matches('"').strip_prefix(" in ").unwrap_or("tests/e2e");
        let at = at.split([';', ' ']).next().unwrap_or_default();
        name.contains('_').then(|| (name.to_owned(), at.to_owned()))
    });
    lines.collect()
}

#[test]
fn every_test_that_a_promise_names_exists() {
    let named = named();
    assert!(named.len() > 100, "{} tests", named.len());
    let mut known = BTreeMap::new();
    for (name, at) in &named {
        let tests = known.entry(at.as_str()).or_insert_with(|| tests_of(at));
        assert!(tests.contains(name), "{name}: no such test in {at}");
    }
}
