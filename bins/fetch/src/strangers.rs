//! What a store has that does not count, in a few lines.

use archive::parse_repaired;
use cli::legible;
use store::final_name;
use survey::{Survey, Uncounted};

/// How many of a kind are named.
const NAMED: usize = 5;

/// Warns of sets that do not count, and of files under other names than their own.
pub(crate) fn warn(url: &str, gone: &[Uncounted], survey: &Survey) {
    for Uncounted { set, why } in gone.iter().rev().take(NAMED) {
        log::warn!("{url}: the {set} {why}");
    }
    if gone.len() > NAMED {
        log::warn!("{url}: {} more sets do not count", gone.len() - NAMED);
    }
    let (unnamed, mut renamed): (Vec<_>, Vec<_>) =
        survey.renamed().into_iter().partition(|(name, there)| final_name(there) == Some(name));
    for set in survey.hidden() {
        log::warn!(
            "{url}: all files of the {set} have temporary names: its upload was interrupted, or somebody \
             renamed them; it counts, because a valid seal lists them"
        );
    }
    for (name, there) in unnamed {
        log::info!("{url}: {name}: has the name {there}; the next backup renames it");
    }
    renamed.retain(|(name, there)| parse_repaired(there) != Some(name));
    for (name, there) in renamed.iter().take(NAMED) {
        log::warn!("{url}: {name}: has the name {}", legible::name(there.as_bytes()));
    }
    if renamed.len() > NAMED {
        log::warn!("{url}: {} more files have other names than their own", renamed.len() - NAMED);
    }
    let twins: Vec<_> = survey.twins();
    for name in twins.iter().take(NAMED) {
        log::warn!(
            "{url}: {}: not the original file of the set, ignored",
            legible::name(name.as_bytes())
        );
    }
    if twins.len() > NAMED {
        log::warn!(
            "{url}: {} more files are not the original files of their sets",
            twins.len() - NAMED
        );
    }
}
