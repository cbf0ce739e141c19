//! Calls of the system that fail, after the way of SQLite's tests: the first, the second, the
//! third … of each kind in each process of a pipe, until there is none more.

pub(super) mod backup;
pub(super) mod call;
mod census;
mod law;
mod restore;
pub(super) mod scene;
mod stories;
pub(super) mod traced;

use std::panic::{AssertUnwindSafe, catch_unwind};

use tests::{scale, spread};

use call::Failing;

/// All that there are.
const ALL: usize = usize::MAX;

/// Tries a sample of those calls, or in a long run as many as are given second, and tells of each
/// that breaks a promise.
fn each(what: &str, cases: [usize; 2], all: &[Failing], attempt: impl Fn(&Failing) -> bool) {
    let chosen = spread(scale(cases[0], cases[1]), all.len());
    let attempts = chosen.iter().map(|number| {
        let outcome = catch_unwind(AssertUnwindSafe(|| attempt(&all[*number])));
        outcome.inspect_err(|_| eprintln!("BROKEN by {}", all[*number]))
    });
    let outcomes: Vec<_> = attempts.collect();
    let hit = outcomes.iter().filter(|outcome| matches!(outcome, Ok(true))).count();
    let broken = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    eprintln!("{what}: {} of {} failing calls, {hit} of them came", chosen.len(), all.len());
    assert_eq!(broken, 0, "promises that were broken: see above");
}
