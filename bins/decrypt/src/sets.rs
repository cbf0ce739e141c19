//! What is known of each set while its files pass by: the seal, the manifest, what has come.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{BufRead, BufReader, Read};

use archive::{FileKind, FileName, Manifest, ManifestParser, Seal, SetId, TreePath, parse_seal};
use openpgp::{Cert, SealState, read_text};
use stream::{Failure, OrFail, Status, Wanted};

use crate::digests::Digests;
use crate::hold::Held;

/// The longest line of a manifest.
const LONGEST_LINE: u64 = 1 << 20;

/// The sets of a stream.
pub(crate) struct Sets {
    /// What a restore asks for; none for a stream that is no restore.
    wanted: Option<Wanted>,
    path: TreePath,
    signers: Vec<Cert>,
    sets: BTreeMap<SetId, Set>,
    /// Seals whose set has not begun: a seal's name tells only its time.
    seals: HashMap<archive::SetTime, Seal>,
}

/// A set.
#[derive(Default)]
struct Set {
    /// The hashes that the seal tells, by name.
    sealed: Option<HashMap<String, String>>,
    manifest: Option<Manifest>,
    volumes: BTreeSet<u64>,
}

impl Sets {
    pub(crate) fn new(wanted: Option<Wanted>, signers: Vec<Cert>) -> Result<Sets, Failure> {
        let path = wanted.as_ref().and_then(|wanted| wanted.path.as_deref()).unwrap_or_default();
        let path = TreePath::parse(path).or_fail(Status::Integrity, "standard input")?;
        Ok(Sets { wanted, path, signers, sets: BTreeMap::new(), seals: HashMap::new() })
    }

    /// Takes a seal, once it has been checked.
    pub(crate) fn seal(&mut self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let (text, state) = read_text(name, bytes, &self.signers)?;
        if !self.signers.is_empty() && !matches!(state, SealState::SignedBy(_)) {
            return Err(broken(name, "is not signed by the seal key"));
        }
        let seal = Seal::parse(&text).or_fail(Status::Integrity, name)?;
        if Some(seal.set.time) != parse_seal(name) {
            return Err(broken(name, &format!("is the seal of the {}", seal.set)));
        }
        self.seals.insert(seal.set.time, seal);
        Ok(())
    }

    /// Checks a file against the seal and the manifest of its set. False where it is to be passed
    /// over: a volume that the manifest does not name.
    pub(crate) fn admit(
        &mut self,
        stored: &str,
        name: &FileName,
        digests: &Digests,
    ) -> Result<bool, Failure> {
        if !self.sets.contains_key(&name.set) {
            self.begin(name.set, stored)?;
        }
        let is_restore = self.wanted.is_some();
        let set = self.sets.entry(name.set).or_default();
        let FileKind::Volume(number) = name.kind else {
            return set.check_seal(stored, digests).map(|()| true);
        };
        let listed = set
            .manifest
            .as_ref()
            .map(|manifest| manifest.volumes.iter().find(|volume| volume.number == number));
        match listed {
            None => return Err(broken(stored, "comes before its manifest")),
            Some(None) if is_restore => return Ok(false),
            Some(None) => return Err(broken(stored, "the manifest does not name it")),
            Some(Some(volume)) if !digests.hold(&volume.hashes) => {
                return Err(broken(stored, "does not have the hash that its manifest tells"));
            }
            Some(Some(_)) => {}
        }
        set.check_seal(stored, digests)?;
        if !set.volumes.insert(number) {
            return Err(broken(stored, "comes twice"));
        }
        Ok(true)
    }

    /// Takes the plain manifest of a set.
    pub(crate) fn manifest(
        &mut self,
        stored: &str,
        name: &FileName,
        manifest: &mut Held,
    ) -> Result<(), Failure> {
        let parsed = parse(stored, manifest)?;
        self.sets.entry(name.set).or_default().manifest = Some(parsed);
        Ok(())
    }

    /// Checks that nothing is missing.
    pub(crate) fn finish(&self) -> Result<(), Failure> {
        let Some(wanted) = &self.wanted else {
            return Ok(());
        };
        for id in wanted.sets.iter().map(stream::WantedSet::id) {
            let set = self.sets.get(&id);
            let manifest = set.and_then(|set| set.manifest.as_ref());
            let Some((set, manifest)) = set.zip(manifest) else {
                return Err(broken(&format!("the {id}"), "its manifest is missing"));
            };
            let mut due = manifest.volumes_for(&self.path).map(|volume| volume.number);
            if let Some(missing) = due.find(|number| !set.volumes.contains(number)) {
                return Err(broken(&format!("the {id}"), &format!("volume {missing} is missing")));
            }
        }
        Ok(())
    }

    fn begin(&mut self, id: SetId, stored: &str) -> Result<(), Failure> {
        if let Some(wanted) = &self.wanted
            && !wanted.sets.iter().any(|set| set.id() == id)
        {
            return Err(broken(stored, "belongs to no set that was asked for"));
        }
        let seal = self.seals.remove(&id.time);
        if seal.is_none() && !self.signers.is_empty() {
            return Err(broken(&format!("the {id}"), "has no seal, and the seal key demands one"));
        }
        if seal.is_none() {
            log::info!("the {id} has no seal");
        }
        if let Some(other) = seal.as_ref().filter(|seal| seal.set != id) {
            return Err(broken(stored, &format!("its seal is of the {}", other.set)));
        }
        let hashes = |seal: Seal| seal.files.into_iter().map(|file| (file.name, file.sha256));
        let sealed = seal.map(|seal| hashes(seal).collect());
        self.sets.insert(id, Set { sealed, ..Set::default() });
        Ok(())
    }
}

impl Set {
    fn check_seal(&self, stored: &str, digests: &Digests) -> Result<(), Failure> {
        let Some(sealed) = &self.sealed else {
            return Ok(());
        };
        match sealed.get(stored) {
            None => Err(broken(stored, "the seal does not name it")),
            Some(hash) if *hash != digests.sha256 => {
                Err(broken(stored, "does not have the hash that its seal tells"))
            }
            Some(_) => Ok(()),
        }
    }
}

fn parse(stored: &str, manifest: &mut Held) -> Result<Manifest, Failure> {
    manifest.rewind()?;
    let mut lines = BufReader::new(manifest);
    let mut parser = ManifestParser::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        let n = lines.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
        if n.or_fail(Status::Failed, stored)? == 0 {
            return parser.finish().or_fail(Status::Integrity, stored);
        }
        parser.line(&line).or_fail(Status::Integrity, stored)?;
    }
}

fn broken(which: &str, why: &str) -> Failure {
    Failure::new(Status::Integrity, format!("{which}: {why}"))
}
