//! The state of a store for Prometheus, in its text format 0.0.4. Names and meanings are in moo-status(1).

use archive::SetTime;
use cli::Out;
use failure::Failure;

use crate::inventory::{Inventory, Set};

/// A metric: its name, its help, and its value, if there is one.
type Metric = (&'static str, &'static str, Option<u64>);

/// Prints all metrics. Without an inventory, only the exit status is known.
pub(crate) fn print(
    inventory: Option<&Inventory>,
    exit_status: u8,
    labels: &str,
    out: &mut Out,
) -> Result<(), Failure> {
    let exit_status = (
        "moobacker_status_exit_code",
        "Exit status of moo status, 0 if all is well.",
        Some(u64::from(exit_status)),
    );
    for (name, help, value) in inventory.into_iter().flat_map(of_inventory).chain([exit_status]) {
        let Some(value) = value else { continue };
        out.line(&format!("# HELP {name} {help}\n# TYPE {name} gauge\n{name}{labels} {value}"))?;
    }
    Ok(())
}

fn of_inventory(inventory: &Inventory) -> [Metric; 7] {
    let seconds = |time: i64| u64::try_from(time).unwrap_or(0);
    let age = |good: i64| seconds(inventory.now.seconds() - good);
    let good = inventory.last_good.map(SetTime::seconds);
    let sets = || {
        let chained = inventory.chains.iter().flatten();
        chained.chain(&inventory.orphans).chain(&inventory.incomplete)
    };
    let bytes = sets().fold(0u64, |sum, set: &Set| sum.saturating_add(set.bytes));
    let findings = |lost: bool| {
        inventory.findings.iter().filter(|finding| finding.lost == lost).count() as u64
    };
    let newest = inventory.chains.last().map_or(0, Vec::len) as u64;
    [
        (
            "moobacker_newest_good_set_timestamp_seconds",
            "Time of the newest good set, in seconds since 1970.",
            good.map(seconds),
        ),
        (
            "moobacker_newest_good_set_age_seconds",
            "Age of the newest good set when the store was read.",
            good.map(age),
        ),
        ("moobacker_store_size_bytes", "Size of all sets in the store.", Some(bytes)),
        ("moobacker_sets", "Number of sets in the store.", Some(sets().count() as u64)),
        ("moobacker_newest_chain_sets", "Number of sets in the newest chain.", Some(newest)),
        ("moobacker_errors", "Number of errors found in the store.", Some(findings(true))),
        ("moobacker_notes", "Number of notes on the store, not errors.", Some(findings(false))),
    ]
}

/// Labels as they follow a name; nothing if there are none.
pub(crate) fn labels<'a>(labels: impl Iterator<Item = (&'static str, &'a str)>) -> String {
    let labels: Vec<_> =
        labels.map(|(key, value)| format!("{key}=\"{}\"", escaped(value))).collect();
    if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) }
}

fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_one_text_whatever_its_value() {
        let odd = [("source", "a\"b\\c\nd"), ("store", "far")];
        assert_eq!(labels(odd.into_iter()), r#"{source="a\"b\\c\nd",store="far"}"#);
        assert_eq!(labels([].into_iter()), "");
    }
}
