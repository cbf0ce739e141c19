//! The pages say what the programs do, and are sound.

// A test that can't go on should stop, loudly; its helpers too.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;

use manual::{folder, pages as made};

/// All pages that are kept.
fn pages() -> Vec<PathBuf> {
    let sections = ["man1", "man5", "man7"].map(|section| folder().join(section));
    let files = sections.iter().flat_map(|section| std::fs::read_dir(section).unwrap());
    files.map(|file| file.unwrap().path()).collect()
}

fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(folder().join(path)).unwrap()
}

/// What a command says on both streams.
fn says(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

/// The long options that a text names.
fn options(text: &str) -> Vec<String> {
    let text = text.replace("\\-", "-").replace("\\fB", " ");
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    words.filter(|word| word.len() > 3 && word.starts_with("--")).map(str::to_owned).collect()
}

/// The scripts that tell their own options, below `pipelines`: those that run where no program is.
fn scripts() -> Vec<String> {
    let folders = ["", "commands/", "admin/", "shared/"];
    let files = folders.iter().flat_map(|below| {
        let files = std::fs::read_dir(folder().join("../pipelines").join(below)).unwrap();
        files.map(move |file| format!("{below}{}", file.unwrap().file_name().to_str().unwrap()))
    });
    let tells = |name: &String| {
        name.ends_with(".sh") && read(format!("../pipelines/{name}")).contains("\nusage() {")
    };
    files.filter(tells).collect()
}

/// The name of a script's page: what a person types for it.
fn name(script: &str) -> String {
    let command = script.strip_prefix("admin/").and_then(|name| name.strip_suffix(".sh"));
    command.map_or(script.to_owned(), |command| format!("moo-{command}"))
}

/// The text of a script, and that of those that it reads in.
fn with_what_it_sources(script: &str) -> String {
    let text = read(format!("../pipelines/{script}"));
    let names = text.lines().filter_map(|line| line.strip_prefix(". \"$here/")?.strip_suffix('"'));
    let others: String = names.map(with_what_it_sources).collect();
    text + &others
}

#[test]
fn every_option_of_a_script_is_in_its_page_and_none_besides() {
    for script in scripts() {
        let page = read(format!("man1/{}.1", name(&script)));
        let (_, rest) = page.split_once(".SH OPTIONS").unwrap();
        let explained = options(rest.split_once(".SH ").map_or(rest, |(options, _)| options));
        let path = folder().join("../pipelines").join(&script);
        let told = options(&says(path.to_str().unwrap(), &["--help"]));
        let missing = told.iter().find(|option| !options(&page).contains(option));
        assert_eq!(missing, None, "{script}.1 does not tell of it");
        let known = options(&with_what_it_sources(&script));
        let unknown = explained.iter().find(|option| !known.contains(option));
        assert_eq!(unknown, None, "{script} does not know it");
    }
}

#[test]
fn the_pages_of_programs_and_commands_are_those_that_their_definitions_make() {
    for page in made().unwrap() {
        let kept = read(format!("man1/{}", page.name));
        assert!(page.text == kept, "{}: is out of date: cargo run -p manual", page.name);
    }
}

#[test]
fn every_program_and_pipeline_has_a_page() {
    let bins = manual::programs().into_iter().map(|program| program.get_name().to_owned());
    for program in bins.chain(["moo".to_owned(), "rescue.sh".to_owned()]).chain(scripts()) {
        assert!(
            folder().join(format!("man1/{}.1", name(&program))).exists(),
            "{program} has no page"
        );
    }
}

#[test]
fn moo_lists_every_command_and_its_page_too() {
    let listed = says(folder().join("../pipelines/moo").to_str().unwrap(), &["--help"]);
    let page = read("man1/moo.1").replace("\\-", "-");
    for page_of_one in made().unwrap() {
        let Some(name) = page_of_one.name.strip_prefix("moo-").and_then(|n| n.strip_suffix(".1"))
        else {
            continue;
        };
        if page_of_one.text.contains(&format!(".SH SYNOPSIS\n.B moo {}", name.replace('-', "\\-")))
        {
            assert!(listed.contains(&format!("\n  {name} ")), "moo --help does not list {name}");
            assert!(page.contains(&format!(".B moo {name}\n")), "moo.1 does not list {name}");
        }
    }
}

#[test]
fn the_pages_that_a_page_refers_to_exist() {
    for path in pages() {
        let text = std::fs::read_to_string(&path).unwrap().replace("\\-", "-");
        for line in text.lines().filter_map(|line| line.strip_prefix(".BR ")) {
            let Some((name, section)) = line.split_once(" (") else { continue };
            let section = section.chars().next().unwrap();
            let ours = name.starts_with("moo") || name.ends_with(".sh");
            let file = folder().join(format!("man{section}/{name}.{section}"));
            assert!(!ours || file.exists(), "{}: {line}", path.display());
        }
    }
}

#[test]
fn mandoc_and_groff_find_nothing_to_complain_about() {
    for path in pages() {
        let path = path.to_str().unwrap();
        assert_eq!(says("mandoc", &["-T", "lint", "-W", "warning", path]), "");
        assert_eq!(says("groff", &["-man", "-ww", "-z", "-Tutf8", path]), "");
    }
}
