//! Stages, shells and whole pipes that are killed at any call that they make: what is stored stays
//! whole, a destination is whole or not there, and the next run needs no hand.

mod backup;
mod law;
pub(super) mod point;
mod restore;

use std::panic::{AssertUnwindSafe, catch_unwind};

use tests::{scale, spread};

use super::calls::call::Failing;
use point::{Point, Victim, points};

/// Tries a sample of the kills, or in a long run as many as are given second: each victim of
/// `victims` in turn, or in a long run at every point. Tells of each that breaks a promise.
fn each(
    what: &str,
    [short, all]: [usize; 2],
    calls: &[Failing],
    victims: &[Victim],
    attempt: impl Fn(&Point, usize) -> bool,
) {
    let points = points(calls, scale(4, 40));
    let cases: Vec<_> =
        points.iter().flat_map(|point| victims.iter().map(|v| point.of(*v))).collect();
    let chosen = spread(scale(short, all), cases.len());
    let attempts = chosen.iter().enumerate().map(|(turn, number)| {
        let case = &cases[*number];
        let outcome = catch_unwind(AssertUnwindSafe(|| attempt(case, turn)));
        outcome.inspect_err(|_| eprintln!("BROKEN by {case}"))
    });
    let outcomes: Vec<_> = attempts.collect();
    let hit = outcomes.iter().filter(|outcome| matches!(outcome, Ok(true))).count();
    let broken = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    eprintln!("{what}: {} of {} kills, {hit} of them came", chosen.len(), cases.len());
    assert_eq!(broken, 0, "promises that were broken: see above");
    assert!(hit * 10 >= chosen.len() * 8, "most of them come");
}
