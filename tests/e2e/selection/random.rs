//! Random selections of random trees, compared with stock duplicity.

use tests::{Duplicity, Sandbox, Tree};

use super::dice::Dice;
use super::oracle::{compare, quoted};

/// How many random selections are compared: more with MOO_LONG.
fn cases() -> u64 {
    if std::env::var_os("MOO_LONG").is_some() { 4000 } else { 200 }
}

/// Compares random selections of random trees with a duplicity.
fn compare_random(sandbox: &Sandbox, duplicity: &Duplicity<'_>, first: u64) {
    let absolute = sandbox.path("src").to_string_lossy().into_owned();
    let mut compared = 0;
    for case in 0..cases() {
        let mut dice = Dice::new(first + case);
        if case % 5 == 0 {
            sandbox.sh("rm -rf src list*").silent();
            dice.fill(&Tree::empty(sandbox.path("src")), "", 3);
        }
        let source = if dice.below(3) == 0 { absolute.as_str() } else { "src" };
        let options = dice.options(sandbox, source);
        compared += u64::from(compare(sandbox, duplicity, &quoted(&options), source));
    }
    println!("{compared} of {} random selections compared, the others refused", cases());
    assert!(compared * 2 > cases(), "only {compared} were compared");
}

#[test]
fn random_selections_are_those_of_the_new_duplicity() {
    let sandbox = Sandbox::new();
    compare_random(&sandbox, &Duplicity::new(&sandbox).plain(), 1_000_000);
}

#[test]
fn random_selections_are_those_of_the_old_duplicity() {
    let sandbox = Sandbox::new();
    compare_random(&sandbox, &Duplicity::old(&sandbox).plain(), 2_000_000);
}

#[test]
fn what_would_be_included_as_a_directory_and_is_a_file_was_left_out_and_is_not() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    tree.file("file", b"");
    tree.file("f/y/x", b"");
    tree.file("f/x/y", b"");
    tree.folder("empty");
    for duplicity in [Duplicity::old(&sandbox).plain(), Duplicity::new(&sandbox).plain()] {
        for pattern in ["**/", "src/**/", "**y/", "**/x/", "src/*/", "src/file/", "src/*/z/"] {
            let options = ["--include", pattern, "--exclude", "src/none"];
            assert!(compare(&sandbox, &duplicity, &quoted(&options), "src"));
        }
    }
}
