//! Random selections at a restore, compared with what a scan of the same state selects.

use tests::scale::scale;
use tests::{Sandbox, Tree};

use super::dice::Dice;
use super::oracle::{ours, quoted};

/// The paths of a scan, or of a restored tree.
fn restored(sandbox: &Sandbox, options: &str) -> Result<Vec<String>, i32> {
    let restore = format!(
        "rm -rf out; moo restore --archive-dir . --name archive {options} file://$PWD/store out"
    );
    let run = sandbox.sh(&format!("{restore} && find out -printf '%P\\n'"));
    match run.status {
        0 => Ok(run
            .out()
            .lines()
            .map(|path| if path.is_empty() { "." } else { path }.into())
            .collect()),
        status => Err(status),
    }
}

#[test]
fn random_selections_at_a_restore_are_those_of_a_scan_after_any_increments() {
    let sandbox = Sandbox::new();
    let cases = scale(60, 3000) as u64;
    let mut compared = 0;
    let backup = "moo backup --archive-dir . --name archive --no-encryption --allow-deletions src";
    for case in 0..cases {
        let mut dice = Dice::new(3_000_000 + case);
        if case % 20 == 0 {
            sandbox.sh("rm -rf store archive").silent();
            for _ in 0..3 {
                // Names change from files to directories and back.
                sandbox.sh("rm -rf src").silent();
                dice.fill(&Tree::empty(sandbox.path("src")), "", 3);
                sandbox.sh(&format!("{backup} file://$PWD/store; sleep 1.1")).succeeds();
            }
        }
        let (for_source, relative) = dice.relative_options();
        let scan = ours(&sandbox, &quoted(&for_source), "src");
        let restore = restored(&sandbox, &quoted(&relative));
        let sorted = |list: Result<Vec<String>, i32>| {
            list.map(|mut list| {
                list.sort();
                list
            })
        };
        let agree = match (sorted(scan.clone()), sorted(restore.clone())) {
            (Ok(scan), Ok(restore)) => scan == restore,
            // A restore of nothing fails.
            (Ok(scan), Err(10)) => scan == ["."],
            (Err(2), Err(2)) => true,
            _ => false,
        };
        assert!(agree, "case {case}: {for_source:?}\nscan:    {scan:?}\nrestore: {restore:?}");
        compared += u64::from(restore.is_ok());
    }
    println!("{compared} of {cases} selections restored something");
    assert!(compared * 3 > cases, "only {compared}");
}
