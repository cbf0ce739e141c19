//! The volumes that are here, and what is known of those that are not.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, Instant};

use archive::{Manifest, SetTime, StoredSet, VolumeRange};
use failure::{Failure, Status};
use stream::FilesInput;

use crate::requests::{Receiver, Requests, Wanted};
use crate::volume::Volume;

/// A volume, by its set and its number. Two chains have no set in common.
pub(crate) type VolumeKey = (SetTime, u64);

/// Volumes and manifests of a store.
pub(crate) struct Volumes {
    requests: Option<Requests>,
    manifests: HashMap<SetTime, Arc<Manifest>>,
    here: Here,
    /// What could not be had, and has been reported: volumes, and sets as number 0.
    missed: Missed,
}

/// What could not be had. Damage stays; after anything else, such as a lost connection, it is tried again
/// later, so that a program that reads all files does not ask and report for each of them.
#[derive(Default)]
struct Missed(HashMap<VolumeKey, Option<Instant>>);

/// How long it takes until something is tried again.
const PATIENCE: Duration = Duration::from_secs(10);

impl Missed {
    fn has(&self, key: VolumeKey) -> bool {
        let missed = self.0.get(&key);
        missed.is_some_and(|since| since.is_none_or(|since| since.elapsed() < PATIENCE))
    }

    fn add(&mut self, key: VolumeKey, failure: &Failure) {
        let is_damage = failure.status() == Status::Integrity;
        self.0.insert(key, (!is_damage).then(Instant::now));
    }
}

/// The volumes that are here, up to a limit of bytes.
struct Here {
    volumes: HashMap<VolumeKey, (Arc<Volume>, u64)>,
    /// The volumes by their last use.
    used: BTreeMap<u64, VolumeKey>,
    clock: u64,
    size: u64,
    limit: u64,
}

/// The failure of what has been reported before: it is no news.
fn reported(which: impl std::fmt::Display) -> Failure {
    Failure::upstream("moo-fetch", Status::Integrity, format!("{which}: could not be had"))
}

impl Volumes {
    /// With so many bytes of volumes at most, the newest aside.
    pub(crate) fn new(requests: Option<Requests>, limit: u64) -> Volumes {
        let here =
            Here { volumes: HashMap::new(), used: BTreeMap::new(), clock: 0, size: 0, limit };
        Volumes { requests, manifests: HashMap::new(), here, missed: Missed::default() }
    }

    /// Checks the seals and manifests of these first sets of a chain, once.
    ///
    /// # Errors
    /// A restore would refuse them.
    pub(crate) fn check(&mut self, sets: &[StoredSet]) -> Result<(), Failure> {
        let known = sets.iter().take_while(|set| self.manifests.contains_key(&set.id.time)).count();
        if known == sets.len() {
            return Ok(());
        }
        if let Some(refused) = sets.iter().find(|set| self.missed.has((set.id.time, 0))) {
            return Err(reported(refused.id));
        }
        // That each seal follows the one before it is checked too.
        let unknown = &sets[known.saturating_sub(1)..];
        let wanted = |set: &StoredSet| Wanted { set: set.id.time, volumes: Vec::new() };
        let wanted: Vec<Wanted> = unknown.iter().map(wanted).collect();
        let mut new = HashMap::new();
        let asked =
            self.ask(&wanted, &mut Manifests { known: &self.manifests.clone(), new: &mut new });
        let missing = unknown.iter().find(|set| !new.contains_key(&set.id.time));
        let asked = asked.and_then(|()| match missing {
            Some(set) => Err(Failure::of(Status::Integrity, set.id, "its manifest is missing")),
            None => Ok(()),
        });
        if let Err(failure) = asked {
            if let Some(last) = sets.last() {
                self.missed.add((last.id.time, 0), &failure);
            }
            return Err(failure);
        }
        self.manifests.extend(new);
        Ok(())
    }

    /// The manifest of a set that has been checked.
    pub(crate) fn manifest(&self, set: SetTime) -> Result<Arc<Manifest>, Failure> {
        let manifest = self.manifests.get(&set).cloned();
        manifest.ok_or_else(|| Failure::of(Status::Failed, set, "has not been checked"))
    }

    /// A volume of a set that has been checked.
    pub(crate) fn volume(&mut self, key: VolumeKey) -> Result<Arc<Volume>, Failure> {
        if let Some(volume) = self.here.get(key) {
            return Ok(volume);
        }
        if self.missed.has(key) {
            return Err(reported(format!("volume {} of the set of {}", key.1, key.0)));
        }
        self.fetch(&[key]).inspect_err(|failure| self.missed.add(key, failure))?;
        let volume = self.here.get(key);
        volume.ok_or_else(|| Failure::of(Status::Integrity, key.0, "a volume has not come"))
    }

    /// Fetches volumes together that are going to be used. What can't be had is found out later.
    pub(crate) fn prefetch(&mut self, keys: &[VolumeKey]) {
        let is_wanted = |key: &VolumeKey| !self.here.has(*key) && !self.missed.has(*key);
        let mut keys: Vec<VolumeKey> = keys.iter().copied().filter(is_wanted).collect();
        keys.sort_unstable();
        if keys.len() > 1 {
            let _ = self.fetch(&keys);
        }
    }

    fn fetch(&mut self, keys: &[VolumeKey]) -> Result<(), Failure> {
        let mut wanted: Vec<Wanted> = Vec::new();
        for (set, number) in keys {
            match wanted.last_mut().filter(|last| last.set == *set) {
                Some(last) => last.volumes.push(*number),
                None => wanted.push(Wanted { set: *set, volumes: vec![*number] }),
            }
        }
        let known = self.manifests.clone();
        let mut arrived = Vec::new();
        let asked = self.ask(&wanted, &mut Arrivals { known: &known, keys, arrived: &mut arrived });
        for (key, volume) in arrived {
            self.here.put(key, volume);
        }
        asked
    }

    fn ask(&mut self, wanted: &[Wanted], receiver: &mut impl Receiver) -> Result<(), Failure> {
        match &mut self.requests {
            Some(requests) => requests.ask(wanted, receiver),
            None => {
                let why = "only names are known; --volumes says where the volumes come from";
                Err(Failure::of(Status::Usage, "content", why))
            }
        }
    }
}

/// Takes manifests only.
struct Manifests<'a> {
    known: &'a HashMap<SetTime, Arc<Manifest>>,
    new: &'a mut HashMap<SetTime, Arc<Manifest>>,
}

impl Receiver for Manifests<'_> {
    fn manifest(&mut self, set: SetTime, manifest: Manifest) -> Result<(), Failure> {
        check_same(self.known.get(&set), set, &manifest)?;
        self.new.insert(set, Arc::new(manifest));
        Ok(())
    }

    fn volume(
        &mut self,
        set: SetTime,
        number: u64,
        _body: &mut FilesInput<File>,
    ) -> Result<(), Failure> {
        Err(unexpected(set, number))
    }
}

/// Takes volumes that were asked for.
struct Arrivals<'a> {
    known: &'a HashMap<SetTime, Arc<Manifest>>,
    keys: &'a [VolumeKey],
    arrived: &'a mut Vec<(VolumeKey, Volume)>,
}

impl Receiver for Arrivals<'_> {
    fn manifest(&mut self, set: SetTime, manifest: Manifest) -> Result<(), Failure> {
        check_same(self.known.get(&set), set, &manifest)
    }

    fn volume(
        &mut self,
        set: SetTime,
        number: u64,
        body: &mut FilesInput<File>,
    ) -> Result<(), Failure> {
        if !self.keys.contains(&(set, number)) {
            return Err(unexpected(set, number));
        }
        let volume = Volume::receive(&format!("volume {number} of the set of {set}"), body)?;
        self.arrived.push(((set, number), volume));
        Ok(())
    }
}

/// A set whose seal was checked with those around it can't be replaced afterwards.
fn check_same(
    known: Option<&Arc<Manifest>>,
    set: SetTime,
    manifest: &Manifest,
) -> Result<(), Failure> {
    if known.is_none_or(|known| **known == *manifest) {
        return Ok(());
    }
    let why = "its manifest has changed since it was mounted";
    Err(Failure::of(Status::Integrity, format!("the set of {set}"), why))
}

fn unexpected(set: SetTime, number: u64) -> Failure {
    let why = format!("standard input: volume {number} of the set of {set} was not asked for");
    Failure::new(Status::Integrity, why)
}

impl Here {
    fn has(&self, key: VolumeKey) -> bool {
        self.volumes.contains_key(&key)
    }

    fn get(&mut self, key: VolumeKey) -> Option<Arc<Volume>> {
        let (volume, used) = self.volumes.get_mut(&key)?;
        self.used.remove(used);
        self.clock += 1;
        *used = self.clock;
        self.used.insert(self.clock, key);
        Some(Arc::clone(volume))
    }

    /// Makes room, and takes a volume.
    fn put(&mut self, key: VolumeKey, volume: Volume) {
        while self.size + volume.size() > self.limit
            && let Some((_, oldest)) = self.used.pop_first()
        {
            let gone = self.volumes.remove(&oldest);
            self.size -= gone.map_or(0, |(volume, _)| volume.size());
        }
        self.clock += 1;
        self.size += volume.size();
        self.used.insert(self.clock, key);
        if let Some((before, used)) = self.volumes.insert(key, (Arc::new(volume), self.clock)) {
            self.size -= before.size();
            self.used.remove(&used);
        }
    }
}

/// The volumes of a set that may hold a path from one piece on to another.
pub(crate) fn holding<'a>(
    manifest: &'a Manifest,
    path: &'a archive::TreePath,
    pieces: std::ops::RangeInclusive<u64>,
) -> impl Iterator<Item = u64> + 'a {
    let (first, last) = pieces.into_inner();
    let holds = move |volume: &&VolumeRange| {
        let (start, end) = (&volume.start, &volume.end);
        let begins = (&start.path, start.piece.unwrap_or(0)) <= (path, last);
        begins && (&end.path, end.piece.unwrap_or(u64::MAX)) >= (path, first)
    };
    manifest.volumes.iter().filter(holds).map(|volume| volume.number)
}
