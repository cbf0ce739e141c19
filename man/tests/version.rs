//! The version is one number: that of the workspace.

// A test that can't go on should stop, loudly.
#![allow(clippy::unwrap_used)]

use manual::folder;

const VERSION: &str = env!("CARGO_PKG_VERSION");

#[test]
fn every_program_and_command_has_the_version_of_the_workspace() {
    for program in manual::programs().into_iter().chain(options::commands()) {
        assert_eq!(program.get_version(), Some(VERSION), "{}", program.get_name());
    }
}

#[test]
fn every_page_and_the_change_log_have_the_version_of_the_workspace() {
    for section in ["man1", "man5", "man7"] {
        for file in std::fs::read_dir(folder().join(section)).unwrap() {
            let path = file.unwrap().path();
            let page = std::fs::read_to_string(&path).unwrap();
            let title = page.lines().find(|line| line.starts_with(".TH ")).unwrap();
            assert!(
                title.contains(&format!("\"moobacker {VERSION}\"")),
                "{}: {title}",
                path.display()
            );
        }
    }
    let changes = std::fs::read_to_string(folder().join("../CHANGELOG.md")).unwrap();
    let newest = changes.lines().find_map(|line| line.strip_prefix("## ")).unwrap();
    assert_eq!(newest.split(' ').next(), Some(VERSION));
}
