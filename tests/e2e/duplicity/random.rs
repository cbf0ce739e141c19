//! Random selections, with filters and lists, beside those of stock.

use tests::scale::scale;
use tests::{Duplicity, Tree};

use super::drop_in;
use crate::selection::dice::Dice;
use crate::selection::oracle::{quoted, stock};

#[test]
fn random_selections_with_filters_are_those_of_stock() {
    let sandbox = drop_in();
    let duplicity = Duplicity::new(&sandbox).plain();
    let absolute = sandbox.path("src").to_string_lossy().into_owned();
    let (cases, mut compared) = (scale(60, 5000) as u64, 0);
    for case in 0..cases {
        let mut dice = Dice::new(4_000_000 + case);
        if case % 10 == 0 {
            sandbox.sh("rm -rf src list*").silent();
            dice.fill(&Tree::empty(sandbox.path("src")), "", 3);
        }
        let source = if dice.below(3) == 0 { absolute.as_str() } else { "src" };
        let options = quoted(&dice.filtered_options(&sandbox, source));
        let theirs = stock(&duplicity, &options, source);
        let call =
            format!("full --dry-run -v5 --no-encryption --allow-deletions {options} {source}");
        let run = sandbox.sh(&format!("duplicity {call} file://$PWD/store"));
        let ours = match run.status {
            0 => Ok(run
                .out()
                .lines()
                .filter_map(|line| line.strip_prefix("A ").map(str::to_owned))
                .collect::<Vec<_>>()),
            status => Err(status),
        };
        let agree = match (&theirs, &ours) {
            (Ok(theirs), Ok(ours)) => theirs == ours,
            // A last option that includes; a filter without an effect.
            (Err(16), Err(16)) | (Err(70), Err(70)) | (Err(71), Err(71)) => true,
            // A pattern that does not begin as the source is spelled; doubled slashes.
            (Err(14 | 15), Ok(_) | Err(14 | 23)) => true,
            _ => false,
        };
        let lists = || sandbox.sh("tail -n +1 list*; find src").out();
        assert!(
            agree,
            "case {case}: {options} {source}\nstock: {theirs:?}\nours:  {ours:?}\n{}\n{}",
            run.err(),
            lists()
        );
        compared += u64::from(theirs.is_ok());
        if case % 100 == 99 {
            println!("{compared} of {} random selections compared, the others refused", case + 1);
        }
    }
    assert!(compared * 4 > cases, "only {compared} were compared");
}
