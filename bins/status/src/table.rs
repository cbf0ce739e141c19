//! The sets of a store for people.

use archive::Wrapping;
use cli::legible;
use failure::Failure;

use crate::inventory::{Inventory, Set};
use cli::Out;
use cli::shown;

/// Prints what there is, what is wrong, and the age of the last good set.
pub(crate) fn print(url: &str, inventory: &Inventory, out: &mut Out) -> Result<(), Failure> {
    for sets in &inventory.chains {
        out.line(&heading(url, sets))?;
        lines(sets, "", out)?;
        out.line("")?;
    }
    for (sets, what) in [(&inventory.orphans, "orphaned"), (&inventory.incomplete, "incomplete")] {
        if !sets.is_empty() {
            out.line("In no chain:")?;
            lines(sets, what, out)?;
            out.line("")?;
        }
    }
    findings(inventory, true, "Errors:", out)?;
    findings(inventory, false, "Notes (not errors):", out)?;
    if let Some(identity) = inventory.doubts.belonging.identity {
        out.line(&format!("The identity of the backup is {identity}."))?;
    }
    match inventory.last_good {
        None => Ok(()),
        Some(time) => {
            let age = shown::age(inventory.now.seconds() - time.seconds());
            out.line(&format!("The newest good set is of {}, {age} old.", shown::time(time)))
        }
    }
}

/// What a chain is: `A chain of 3 sets, 1.2 GiB, of barn:/etc`.
fn heading(url: &str, sets: &[Set]) -> String {
    let bytes = sets.iter().fold(0u64, |sum, set| sum.saturating_add(set.bytes));
    let (count, size) = (shown::count(sets.len() as u64, "set"), legible::size(bytes));
    let from = match sets.last().and_then(|set| set.known.as_ref()) {
        Some(known) => {
            let text = |part: &Option<Vec<u8>>| legible::name(part.as_deref().unwrap_or(b"?"));
            format!(" of {}:{}", text(&known.host), text(&known.source))
        }
        None => String::new(),
    };
    format!("{}: a chain of {count}{from}, {size}", legible::name(url.as_bytes()))
}

fn lines(sets: &[Set], what: &str, out: &mut Out) -> Result<(), Failure> {
    for set in sets {
        let id = set.stored.id;
        let volumes = volumes(set);
        let seal = if set.stored.seal.is_some() { "sealed" } else { "-" };
        let (size, wrapping) = (legible::size(set.bytes), wrapping(set));
        let start = format!("  {:<4}  {}", shown::kind(id), shown::time(id.time));
        let line = format!("{start}  {volumes:>10}  {size:>10}  {wrapping:<5}  {seal:<6}  {what}");
        out.line(line.trim_end())?;
        labels(set, out)?;
    }
    Ok(())
}

/// What a person has said of a set, below it.
fn labels(set: &Set, out: &mut Out) -> Result<(), Failure> {
    if !set.labels.tags().is_empty() {
        out.line(&format!(
            "        tags: {}",
            failure::legible::line(set.labels.tags().join(", "))
        ))?;
    }
    match set.labels.note() {
        Some(note) => out.line(&format!("        note: {}", failure::legible::line(note))),
        None => Ok(()),
    }
}

/// `3 vols`, or `2/3 vols` where one is missing.
fn volumes(set: &Set) -> String {
    let there = set.stored.volumes.len() as u64;
    match set.known.as_ref().map(|known| known.volumes).filter(|&named| named != there) {
        Some(named) => format!("{there}/{named} vols"),
        None => shown::count(there, "vol"),
    }
}

fn wrapping(set: &Set) -> String {
    let words: Vec<_> = set.wrapping.iter().map(|&wrapping| word(wrapping)).collect();
    words.join(",")
}

/// How a file is wrapped, in a word.
pub(crate) fn word(wrapping: Wrapping) -> &'static str {
    match wrapping {
        Wrapping::Plain => "plain",
        Wrapping::Gzip => "gz",
        Wrapping::OpenPgp => "gpg",
    }
}

fn findings(inventory: &Inventory, lost: bool, title: &str, out: &mut Out) -> Result<(), Failure> {
    let mut found = inventory.findings.iter().filter(|finding| finding.lost == lost).peekable();
    if found.peek().is_none() {
        return Ok(());
    }
    out.line(title)?;
    found.try_for_each(|finding| out.line(&format!("  {}", finding.text())))?;
    out.line("")
}
