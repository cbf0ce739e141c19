//! The sets of a store for programs. Names and meanings are in moo-list(1).

use archive::escape;
use serde::Serialize;

use crate::finding::Finding;
use crate::inventory::{Inventory, Set};
use crate::table::word;
use cli::shown;

#[derive(Serialize)]
pub(crate) struct StoreObject {
    url: String,
    time: String,
    identity: Option<String>,
    last_good: Option<String>,
    age: Option<i64>,
    chains: Vec<ChainObject>,
    orphaned: Vec<SetObject>,
    incomplete: Vec<SetObject>,
    foreign: Vec<String>,
    findings: Vec<FindingObject>,
}

#[derive(Serialize)]
struct ChainObject {
    sets: Vec<SetObject>,
}

#[derive(Serialize)]
struct SetObject {
    #[serde(rename = "type")]
    kind: &'static str,
    time: String,
    base: Option<String>,
    volumes: usize,
    volumes_named: Option<u64>,
    bytes: u64,
    wrapping: Vec<&'static str>,
    signatures: bool,
    sealed: bool,
    host: Option<String>,
    source: Option<String>,
    tags: Vec<String>,
    note: Option<String>,
}

#[derive(Serialize)]
struct FindingObject {
    lost: bool,
    kind: &'static str,
    time: Option<String>,
    what: String,
}

/// All of it.
pub(crate) fn object(url: &str, inventory: &Inventory) -> StoreObject {
    let chain = |sets: &Vec<Set>| ChainObject { sets: of_sets(sets) };
    StoreObject {
        url: url.to_owned(),
        time: inventory.now.to_string(),
        identity: inventory.doubts.belonging.identity.map(|identity| identity.to_string()),
        last_good: inventory.last_good.map(|time| time.to_string()),
        age: inventory.last_good.map(|time| inventory.now.seconds() - time.seconds()),
        chains: inventory.chains.iter().map(chain).collect(),
        orphaned: of_sets(&inventory.orphans),
        incomplete: of_sets(&inventory.incomplete),
        foreign: inventory.foreign.clone(),
        findings: inventory.findings.iter().map(of_finding).collect(),
    }
}

fn of_sets(sets: &[Set]) -> Vec<SetObject> {
    sets.iter().map(of_set).collect()
}

fn of_set(set: &Set) -> SetObject {
    let (id, known) = (set.stored.id, set.known.as_ref());
    let text = |bytes: &Vec<u8>| escape(bytes);
    SetObject {
        kind: shown::kind(id),
        time: id.time.to_string(),
        base: id.base.map(|time| time.to_string()),
        volumes: set.stored.volumes.len(),
        volumes_named: known.map(|known| known.volumes),
        bytes: set.bytes,
        wrapping: set.wrapping.iter().map(|&wrapping| word(wrapping)).collect(),
        signatures: set.stored.signatures.is_some(),
        sealed: set.stored.seal.is_some(),
        host: known.and_then(|known| known.host.as_ref()).map(text),
        source: known.and_then(|known| known.source.as_ref()).map(text),
        tags: set.labels.tags().to_vec(),
        note: set.labels.note().map(str::to_owned),
    }
}

fn of_finding(finding: &Finding) -> FindingObject {
    FindingObject {
        lost: finding.lost,
        kind: finding.kind,
        time: finding.set.map(|set| set.time.to_string()),
        what: finding.what.clone(),
    }
}
