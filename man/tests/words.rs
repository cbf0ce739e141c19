//! The same words everywhere: the glossary, the examples, and lines that fit a terminal.

// A test that can't go on should stop, loudly; its helpers too.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::process::Command;

use manual::{folder, programs};

/// The longest line of a page or of Markdown, in characters.
const WIDTH: usize = 110;

fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(folder().join(path)).unwrap()
}

/// A text without line breaks and without the marks of Markdown and roff.
fn words(text: &str) -> String {
    let text = text.replace("\\-", "-").replace("\\(aq", "'");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The glossary of `lib/stream`: the items of a list in its documentation.
fn glossary_of_the_code() -> Vec<(String, String)> {
    let text = read("../lib/stream/src/lib.rs");
    let docs = text.lines().take_while(|line| line.starts_with("//!"));
    let docs = docs.map(|line| line.trim_start_matches("//!")).collect::<Vec<_>>().join("\n");
    let items = docs.split("\n - **").skip(1);
    items.map(|item| item.split_once("**: ").unwrap()).map(|(k, v)| (k.into(), words(v))).collect()
}

/// The glossary of moobacker(7): the paragraphs of a section.
fn glossary_of_the_page() -> Vec<(String, String)> {
    let page = read("man7/moobacker.7");
    let (_, rest) = page.split_once(".SH GLOSSARY\n").unwrap();
    let section = rest.split("\n.SH ").next().unwrap();
    let items = section.split(".TP\n.B ").skip(1);
    items.map(|item| item.split_once('\n').unwrap()).map(|(k, v)| (k.into(), words(v))).collect()
}

#[test]
fn the_glossary_of_the_page_is_that_of_the_code() {
    let page = glossary_of_the_page();
    assert!(page.len() > 20, "{} words", page.len());
    assert_eq!(page, glossary_of_the_code());
}

/// The scripts with a `--help`, below `pipelines`.
fn scripts() -> Vec<String> {
    let folders = ["", "commands/", "admin/"];
    let files = folders.iter().flat_map(|below| {
        let files = std::fs::read_dir(folder().join("../pipelines").join(below)).unwrap();
        let files = files.map(|file| file.unwrap()).filter(|file| file.path().is_file());
        files.map(move |file| format!("{below}{}", file.file_name().to_str().unwrap()))
    });
    files.filter(|name| read(format!("../pipelines/{name}")).contains("\nusage() {")).collect()
}

/// The page of a script with a `--help`, in the manual.
fn page_of(script: &str) -> String {
    match script.strip_prefix("admin/") {
        Some(command) => format!("man1/moo-{}.1", command.trim_end_matches(".sh")),
        None => format!("man1/{script}.1"),
    }
}

/// The lines after `Examples:`, without their indentation.
fn examples(help: &str) -> Vec<&str> {
    let (_, examples) = help.split_once("\nExamples:\n").unwrap_or_default();
    examples.lines().map(|line| line.strip_prefix("  ").unwrap()).collect()
}

#[test]
fn every_help_ends_with_at_least_two_examples() {
    for mut command in programs().into_iter().chain(options::commands()) {
        let help = command.render_long_help().to_string();
        let count = examples(&help).iter().filter(|line| !line.starts_with(' ')).count();
        assert!(count >= 2, "{}: {help}", command.get_name());
    }
    for script in scripts() {
        let output =
            Command::new(folder().join("../pipelines").join(&script)).arg("--help").output();
        let help = String::from_utf8(output.unwrap().stdout).unwrap();
        let examples = examples(&help);
        let count = examples.iter().filter(|line| !line.starts_with(' ')).count();
        assert!(count >= 2, "{script}: {help}");
        let page = read(page_of(&script));
        let page = page.replace("\\-", "-").replace("\\(ti", "~").replace("\\(aq", "'");
        let page = page.replace("\\e", "\\");
        for line in examples {
            let line = line.replace('…', "...");
            assert!(page.contains(&line), "{script}.1 lacks the example of --help: {line}");
        }
    }
}

/// The pages that are written by hand, and the Markdown of the project.
fn texts() -> Vec<std::path::PathBuf> {
    let folders = ["man1", "man5", "man7", "prose", ".."].map(|name| folder().join(name));
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let paths = files.map(|file| file.unwrap().path()).filter(|path| path.is_file());
    let made = manual::pages().unwrap();
    let written = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        let generated = made.iter().any(|page| page.name == name);
        let markdown = name.ends_with(".md");
        !generated && (markdown || path.parent() != Some(&folder().join("..")))
    };
    paths.filter(written).collect()
}

#[test]
fn no_line_of_a_text_is_wider_than_110_columns() {
    let mut wide = Vec::new();
    for path in texts() {
        let text = std::fs::read_to_string(&path).unwrap();
        let mut literal = false;
        for (number, line) in text.lines().enumerate() {
            literal = (literal || line == ".EX" || line == ".nf") && line != ".EE" && line != ".fi";
            if !literal && line.chars().count() > WIDTH {
                wide.push(format!("{}:{}: {line}", path.display(), number + 1));
            }
        }
    }
    assert!(wide.is_empty(), "{}", wide.join("\n"));
}

#[test]
fn the_readme_names_every_package_that_a_build_needs() {
    let packages = read("../tests/packages.sh");
    let line = packages.lines().find_map(|line| line.strip_prefix("build_packages=")).unwrap();
    let readme = read("../README.md");
    let (_, install) = readme.split_once("\n## Install\n").unwrap();
    let install = install.split("\n## ").next().unwrap();
    let named: Vec<_> = install.split_whitespace().collect();
    for package in line.trim_matches('\'').split(' ') {
        assert!(named.contains(&package), "README.md, Install: lacks {package}");
    }
}
