//! Brings together what there is: the names in the store, and what the archive knows of them.

use std::collections::{BTreeMap, BTreeSet};

use archive::{Collection, Labels, SetId, SetTime, StoredSet, Wrapping};
use failure::Failure;
use local::Folder;
use survey::Survey;

use crate::findings;
use crate::inventory::{Damage, Doubts, Facts, Inventory, Known, Set};

/// Brings the two together.
pub(crate) fn gather(
    (survey, labels): (&Survey, &BTreeMap<SetId, Labels>),
    doubts: Doubts,
    folder: Option<&Folder>,
    now: SetTime,
) -> Result<Inventory, Failure> {
    let known = folder.map(known).transpose()?;
    let gatherer = Gatherer { survey, labels, archive: folder.zip(known.as_ref()) };
    let Collection { chains, orphans, incomplete, partial, .. } = survey.collection.clone();
    let strangers = survey.strangers().into_iter().map(str::to_owned);
    let chains = chains.into_iter().map(|chain| gatherer.sets(chain.sets));
    let others = partial.into_iter().chain(strangers);
    let (unfinished, foreign): (Vec<_>, _) =
        others.partition(|name| store::final_name(name).is_some());
    let (unnamed, renamed): (Vec<_>, Vec<_>) = survey
        .renamed()
        .into_iter()
        .partition(|(name, there)| store::final_name(there) == Some(*name));
    let mut inventory = Inventory {
        now,
        chains: chains.collect::<Result<_, _>>()?,
        orphans: gatherer.sets(orphans)?,
        incomplete: gatherer.sets(incomplete)?,
        lost: survey.lost().keys().copied().collect(),
        hidden: survey.hidden().collect(),
        cut: survey.cut().collect(),
        foreign,
        damage: Damage {
            misfits: survey.misfits(),
            here: survey.damaged_here().collect(),
            there: survey.damaged_there().collect(),
        },
        unfinished: (unfinished.len() + unnamed.len()) as u64,
        renamed: renamed.len() as u64,
        doubts,
        findings: Vec::new(),
        last_good: None,
    };
    inventory.findings = findings::all(&inventory, known.as_ref());
    inventory.last_good = last_good(&inventory, known.as_ref());
    Ok(inventory)
}

fn known(folder: &Folder) -> Result<Known, Failure> {
    let Collection { chains, orphans, .. } = folder.collection()?;
    let orphans = orphans.into_iter().map(|set| vec![set]);
    let chains: Vec<_> = chains.into_iter().map(|chain| chain.sets).chain(orphans).collect();
    Ok(Known {
        chains: chains.iter().map(|sets| sets.iter().map(|set| set.id).collect()).collect(),
        sets: chains.into_iter().flatten().map(|set| (set.id, set)).collect(),
    })
}

struct Gatherer<'a> {
    survey: &'a Survey,
    labels: &'a BTreeMap<SetId, Labels>,
    archive: Option<(&'a Folder, &'a Known)>,
}

impl Gatherer<'_> {
    fn sets(&self, sets: Vec<StoredSet>) -> Result<Vec<Set>, Failure> {
        sets.into_iter().map(|set| self.set(set)).collect()
    }

    fn set(&self, stored: StoredSet) -> Result<Set, Failure> {
        let size = |name: &str| self.survey.size(name);
        let bytes = stored.files().fold(0u64, |sum, name| sum.saturating_add(size(name)));
        let content = stored.volumes.values().chain(&stored.signatures);
        let wrapping = content.map(|name| Wrapping::of_name(name)).collect();
        let known = self.facts(stored.id)?;
        let labels = self.labels.get(&stored.id).cloned().unwrap_or_default();
        Ok(Set { stored, bytes, wrapping, labels, known })
    }

    fn facts(&self, id: SetId) -> Result<Option<Facts>, Failure> {
        let Some((folder, set)) =
            self.archive.and_then(|(f, known)| Some((f, known.sets.get(&id)?)))
        else {
            return Ok(None);
        };
        Ok(folder.manifest(set)?.map(|manifest| Facts::new(set, manifest)))
    }
}

/// The newest state whose sets are all whole. One that is dated later than the clock, or that somebody
/// else may have added, counts only where there is no other.
fn last_good(inventory: &Inventory, known: Option<&Known>) -> Option<SetTime> {
    let ahead = inventory.now.seconds() + findings::SKEW;
    let strange = |set: &Set| {
        let id = set.stored.id;
        let unknown = known.is_some_and(|known| known.is_strange(id));
        unknown || inventory.doubts.about(id) || id.time.seconds() > ahead
    };
    last_whole(inventory, &strange).or_else(|| {
        // A store of strange sets alone is not one of good ones, but for those of a wrong clock.
        let strange = |set: &Set| inventory.doubts.about(set.stored.id);
        last_whole(inventory, &strange)
    })
}

fn last_whole(inventory: &Inventory, strange: &dyn Fn(&Set) -> bool) -> Option<SetTime> {
    let lossy: BTreeSet<SetId> =
        inventory.findings.iter().filter(|finding| finding.lost).filter_map(|f| f.set).collect();
    let good = inventory.chains.iter().filter_map(|sets| {
        let good = |set: &&Set| !lossy.contains(&set.stored.id) && !strange(set);
        let whole = sets.iter().take_while(good);
        whole.last().map(|set| set.stored.id.time)
    });
    good.max()
}
