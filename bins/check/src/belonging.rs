//! Whether all sets are of one backup.

use std::collections::BTreeMap;

use archive::{Identity, SetId};

use crate::findings::Findings;
use crate::seals::Sealed;

/// Checks that each set is of the expected backup, or, where nothing tells which one that is, that
/// all are of one. A seal without an identity is of an older version, and tells nothing.
pub(crate) fn check(
    expected: Option<Identity>,
    sealed: &BTreeMap<SetId, Sealed>,
    findings: &mut Findings,
) {
    let of = |sealed: &Sealed| sealed.identity.map(|identity| (identity, sealed.set));
    let Some(expected) = expected else {
        let all: BTreeMap<Identity, SetId> = sealed.values().filter_map(of).collect();
        if all.len() > 1 {
            findings.wrong("the store", survey::several(&all));
        }
        return;
    };
    for (identity, set) in sealed.values().filter_map(of).filter(|(its, _)| *its != expected) {
        findings
            .wrong(format!("the {set}"), format!("is of the backup {identity}, not of {expected}"));
    }
}
