//! What is known of each set while its files pass by: the seal, the manifest, what has come.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use archive::{FileKind, FileName, Manifest, Seal, SetId, parse_seal};
use failure::{Failure, OrFail, Status};
use openpgp::{Cert, SealState, read_text};
use selection::{Part, Reach};
use stream::{RestoreRequest, SetRef};

use crate::belonging::Belonging;
use crate::broken;
use crate::hold::Hashed;
use crate::vouched::Vouched;

/// The sets of a stream.
pub(crate) struct Sets {
    /// What a restore asks for; none for a stream that is no restore.
    pub(crate) wanted: Option<RestoreRequest>,
    /// Where in a set something of what is wanted may be.
    pub(crate) reach: Reach,
    /// The only volumes that are wanted: the set's time and the number of each.
    pub(crate) chosen: Option<HashSet<(archive::SetTime, u64)>>,
    pub(crate) signers: Vec<Cert>,
    keep_going: bool,
    /// Which backup the sets are of.
    pub(crate) belonging: Belonging,
    pub(crate) sets: BTreeMap<SetId, Set>,
    /// Seals whose set has not begun, and their own hashes: a seal's name tells only its time.
    seals: HashMap<archive::SetTime, (Seal, String)>,
    /// What the last seal tells, for the thread that reads ahead.
    vouched: Arc<Vouched>,
    /// The set of the last seal, and that seal's hash.
    last_sealed: Option<(SetId, String)>,
    /// The sets that are wanted, in their order, and the place of each in it.
    pub(crate) ids: Vec<SetId>,
    pub(crate) turns: HashMap<SetId, usize>,
    /// How many of them have been checked to be whole.
    pub(crate) begun: usize,
    /// How many of them have no gap that has not been told.
    pub(crate) filled: usize,
}

/// A set.
#[derive(Default)]
pub(crate) struct Set {
    /// The hashes that the seal tells, by name.
    pub(crate) sealed: Option<HashMap<String, String>>,
    pub(crate) contents: Option<Contents>,
    /// Whether the manifest is encrypted and could not have been changed on the way.
    pub(crate) vouches: bool,
    /// Whether it is not the set that it should be, whatever its files are.
    pub(crate) distrusted: bool,
    /// Whether some volume has the hash that the manifest tells.
    pub(crate) matched: bool,
    /// Those that have come, or have been given up.
    pub(crate) volumes: BTreeSet<u64>,
    /// The volumes that should come, by their numbers, and how many of them have been checked.
    pub(crate) due: Vec<u64>,
    pub(crate) checked: usize,
    /// Where the manifest tells of each volume.
    pub(crate) blocks: HashMap<u64, usize>,
}

/// What a file is to its set.
pub(crate) enum Admission {
    /// What the seal and the manifest tell, as far as there are any.
    Whole,
    /// What the manifest tells, but not the seal. Nobody signed that, so it is the damaged one.
    AgainstSeal(Failure),
    /// Nothing that is needed.
    PassedOver,
}

/// Which volumes a set has.
pub(crate) enum Contents {
    /// Those that its manifest tells, with their hashes.
    Manifest(Arc<Manifest>),
    /// Those of a set whose manifest is lost: what the seal names; none without a seal.
    Sealed(BTreeSet<u64>),
}

impl Sets {
    pub(crate) fn new(
        wanted: Option<RestoreRequest>,
        signers: Vec<Cert>,
        keep_going: bool,
        vouched: &Arc<Vouched>,
    ) -> Result<Sets, Failure> {
        let part = wanted.as_ref().map(Part::of).transpose()?;
        let reach = part.map(|part| part.reach().clone()).unwrap_or_default();
        let chosen = wanted.as_ref().and_then(|wanted| wanted.volumes.as_ref());
        let chosen = chosen.map(|volumes| volumes.iter().map(|v| (v.set, v.number)).collect());
        let (sets, seals) = (BTreeMap::new(), HashMap::new());
        let ids: Vec<SetId> =
            wanted.iter().flat_map(|wanted| &wanted.sets).map(SetRef::id).collect();
        let turns = ids.iter().enumerate().map(|(turn, id)| (*id, turn)).collect();
        let belonging = Belonging::new(wanted.as_ref().and_then(|wanted| wanted.identity));
        let (begun, filled, last_sealed) = (0, 0, None);
        Ok(Sets {
            wanted,
            reach,
            chosen,
            signers,
            keep_going,
            belonging,
            sets,
            seals,
            vouched: Arc::clone(vouched),
            last_sealed,
            ids,
            turns,
            begun,
            filled,
        })
    }

    /// Takes a seal, once it has been checked.
    pub(crate) fn seal(&mut self, name: &str, bytes: &[u8], sha256: &str) -> Result<(), Failure> {
        let (text, state) = read_text(name, bytes, &self.signers)?;
        if !self.signers.is_empty() && !matches!(state, SealState::SignedBy(_)) {
            return Err(broken(name, "is not signed by the seal key"));
        }
        let seal = Seal::parse(&text).or_fail(Status::Integrity, name)?;
        if Some(seal.set.time) != parse_seal(name) {
            return Err(broken(name, &format!("is the seal of the {}", seal.set)));
        }
        self.vouched.take_seal(&seal);
        self.seals.insert(seal.set.time, (seal, sha256.to_owned()));
        Ok(())
    }

    /// A seal is lost: whether the next one was made after it can't be told.
    pub(crate) fn lose_seal(&mut self) {
        self.last_sealed = None;
    }

    /// Whether a signature covers the hash of each file that is admitted.
    pub(crate) fn are_signed(&self) -> bool {
        !self.signers.is_empty()
    }

    /// Checks a file against the seal and the manifest of its set.
    pub(crate) fn admit(
        &mut self,
        stored: &str,
        name: &FileName,
        file: &mut impl Hashed,
    ) -> Result<Admission, Failure> {
        if !self.sets.contains_key(&name.set) {
            self.begin(name.set, stored)?;
        }
        let is_restore = self.wanted.is_some();
        let may_doubt_seals = self.may_doubt_seals();
        let set = self.sets.entry(name.set).or_default();
        let FileKind::Volume(number) = name.kind else {
            if set.distrusted {
                return Ok(Admission::PassedOver);
            }
            return set.check_seal(stored, file.sha256()).map(|()| Admission::Whole);
        };
        match set.has(number, stored, file)? {
            true => {}
            false if set.is_lost() => return Ok(Admission::PassedOver),
            false if is_restore => {
                log::warn!("{stored}: not listed in the manifest, skipped");
                return Ok(Admission::PassedOver);
            }
            false => return Err(broken(stored, "the manifest does not name it")),
        }
        set.matched = true;
        let admission = match set.check_seal(stored, file.sha256()) {
            Ok(()) => Admission::Whole,
            Err(why) if may_doubt_seals && set.has_manifest() => Admission::AgainstSeal(why),
            Err(why) => return Err(why),
        };
        if is_restore {
            set.check_volumes(&name.set, number)?;
        }
        if !set.volumes.insert(number) {
            return Err(broken(stored, "comes twice"));
        }
        Ok(admission)
    }

    /// Takes what the manifest of a set says. It vouches for the volumes if it is encrypted and
    /// protected against changes.
    pub(crate) fn manifest(&mut self, set: SetId, manifest: Manifest, vouches: bool) {
        let manifest = Arc::new(manifest);
        // With --keep-going, what is damaged must not be in the stream, not even its beginning.
        if (vouches || self.are_signed()) && !self.keep_going {
            self.vouched.take_manifest(set, &manifest);
        }
        self.set_contents(set, Contents::Manifest(manifest));
        self.sets.entry(set).or_default().vouches = vouches;
    }

    /// Whether the hash of a file that has been admitted is one that nobody could change who can't
    /// make whole messages.
    pub(crate) fn vouch_for(&self, name: &FileName) -> bool {
        let is_volume = matches!(name.kind, FileKind::Volume(_));
        is_volume && self.sets.get(&name.set).is_some_and(|set| set.vouches && set.has_manifest())
    }

    /// Checks that nothing is missing.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        self.ids.clone().iter().try_for_each(|id| self.check_set(id))
    }

    /// Checks that all of a set has come.
    fn check_set(&mut self, id: &SetId) -> Result<(), Failure> {
        match self.sets.get_mut(id) {
            Some(set) => set.check_volumes(id, u64::MAX),
            None => Err(broken(&format!("the {id}"), "its manifest is missing")),
        }
    }

    pub(crate) fn begin(&mut self, id: SetId, stored: &str) -> Result<(), Failure> {
        if self.wanted.is_some() {
            // What is missing is told before the next set is applied to what is not whole.
            let turn = self.turns.get(&id).copied();
            let turn = turn.ok_or_else(|| broken(stored, "not a file of the requested sets"))?;
            while self.begun < turn {
                let Some(before) = self.ids.get(self.begun).copied() else { break };
                self.check_set(&before)?;
                self.begun += 1;
            }
        }
        let Some((seal, hash)) = self.seals.remove(&id.time) else {
            return self.begin_without_seal(id);
        };
        if seal.set != id {
            if self.may_doubt_seals() {
                // The set is not the one that is damaged: it goes on as one without a seal.
                self.lose_seal();
                self.sets.insert(id, Set::default());
            }
            return Err(broken(stored, &format!("its seal is of the {}", seal.set)));
        }
        self.belonging.set(id, Some(&seal));
        let linked = self.check_link(&seal);
        self.last_sealed = Some((id, hash));
        let hashes = seal.files.into_iter().map(|file| (file.name, file.sha256));
        self.sets.insert(id, Set { sealed: Some(hashes.collect()), ..Set::default() });
        linked
    }

    /// Whether a seal that does not agree with the rest is the damaged one: nobody signed it.
    pub(crate) fn may_doubt_seals(&self) -> bool {
        self.keep_going && self.signers.is_empty()
    }

    fn begin_without_seal(&mut self, id: SetId) -> Result<(), Failure> {
        if !self.signers.is_empty() {
            return Err(broken(&format!("the {id}"), "has no seal, and the seal key demands one"));
        }
        log::info!("the {id} has no seal");
        self.belonging.set(id, None);
        if self.keep_going {
            // It may have had one, after which the next one was made.
            self.lose_seal();
        }
        self.sets.insert(id, Set::default());
        Ok(())
    }

    /// Checks that an increment was made on the very set before it: another one of the same time
    /// may be just as well sealed.
    fn check_link(&self, seal: &Seal) -> Result<(), Failure> {
        let (Some(previous), Some((before, hash))) = (&seal.previous, &self.last_sealed) else {
            return Ok(());
        };
        if self.wanted.is_none() || seal.set.is_full() || previous == hash {
            return Ok(());
        }
        // Of single volumes, the sets between may be left out.
        if self.chosen.is_some() && seal.set.base != Some(before.time) {
            return Ok(());
        }
        let why = format!("its seal does not follow the seal of the {before}");
        Err(broken(&format!("the {}", seal.set), &why))
    }
}

impl Set {
    /// Checks that all volumes have come that hold the path and have a lower number.
    fn check_volumes(&mut self, id: &SetId, below: u64) -> Result<(), Failure> {
        if self.contents.is_none() {
            return Err(broken(&format!("the {id}"), "its manifest is missing"));
        }
        match self.first_missing(below) {
            Some(missing) => {
                Err(broken(&format!("the {id}"), &format!("volume {missing} is missing")))
            }
            None => Ok(()),
        }
    }

    /// Whether the set has a volume of that number, with the hash that its manifest tells.
    fn has(&self, number: u64, stored: &str, file: &mut impl Hashed) -> Result<bool, Failure> {
        let manifest = match &self.contents {
            None => return Err(broken(stored, "comes before its manifest")),
            Some(Contents::Sealed(numbers)) => return Ok(numbers.contains(&number)),
            Some(Contents::Manifest(manifest)) => manifest,
        };
        let block = self.blocks.get(&number).and_then(|&at| manifest.volumes.get(at));
        match block {
            None => Ok(false),
            Some(volume) if file.has_best_of(&volume.hashes)? => Ok(true),
            Some(_) => Err(broken(stored, "its hash differs from that in the manifest")),
        }
    }

    fn has_manifest(&self) -> bool {
        matches!(self.contents, Some(Contents::Manifest(_)))
    }

    fn check_seal(&self, stored: &str, sha256: &str) -> Result<(), Failure> {
        let Some(sealed) = &self.sealed else {
            return Ok(());
        };
        match sealed.get(stored) {
            None => Err(broken(stored, "the seal does not name it")),
            Some(hash) if hash != sha256 => {
                Err(broken(stored, "its hash differs from that in the seal"))
            }
            Some(_) => Ok(()),
        }
    }
}
