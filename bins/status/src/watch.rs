//! Whether a store holds what it should: the exit status.

use archive::{SetTime, parse_time};
use failure::{Failure, OrFail, Status};

use crate::findings::SKEW;
use crate::inventory::Inventory;
use cli::shown;

/// How old the last good set may be.
pub(crate) struct Limit<'a> {
    age: &'a str,
    oldest: SetTime,
}

/// The limit that an age such as `26h` sets.
pub(crate) fn limit(age: &str, now: SetTime) -> Result<Limit<'_>, Failure> {
    let oldest = parse_time(age, now).or_fail(Status::Usage, "--max-age")?;
    Ok(Limit { age, oldest })
}

/// Fails if something that is needed is missing, if there is no backup, or none that is new
/// enough.
pub(crate) fn judge(
    url: &str,
    inventory: &Inventory,
    limit: Option<Limit<'_>>,
) -> Result<(), Failure> {
    let fail = |status, why: &str| Err(Failure::of(status, url, why));
    let mut lost = inventory.findings.iter().filter(|finding| finding.lost);
    if let Some(first) = lost.next() {
        let more = match lost.count() {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        return fail(Status::Integrity, &format!("{}{more}", first.text()));
    }
    let others = inventory.doubts.belonging.foreign.keys().next_back();
    let other = others.map(|id| format!("the {} is of another backup", shown::set(*id)));
    let Some(newest) = inventory.last_good else {
        if let Some(other) = other {
            return fail(Status::Integrity, &format!("{other}, and there is no good set"));
        }
        return fail(Status::Absent, "there is no backup");
    };
    if let Some(other) = other {
        return fail(Status::Partial, &format!("{other}, and does not count"));
    }
    if let Some(fork) = inventory.doubts.forks.last() {
        return fail(Status::Partial, &fork.to_string());
    }
    let Some(limit) = limit else { return Ok(()) };
    let age = inventory.now.seconds() - newest.seconds();
    let what = format!("the newest good set is of {}", shown::time(newest));
    if age < -SKEW {
        let why = format!("{what}, later than this machine's clock");
        return fail(Status::Partial, &why);
    }
    if newest < limit.oldest {
        let why = format!("{what}, {} old (--max-age {})", shown::age(age), limit.age);
        return fail(Status::Partial, &why);
    }
    Ok(())
}
