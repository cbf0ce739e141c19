//! Reading seals, and whom to believe.

use std::fs;
use std::io::Read;

use archive::{Identity, Link, Seal, SealedFile, SetId, StoredSet, seal_name};
use failure::{Failure, OrFail, Status};
use local::Folder;
use openpgp::{Cert, SealState, read_text};
use sha2::{Digest, Sha256};
use store::Store;
use survey::Survey;

use crate::findings::Findings;

/// The largest seal that is read.
const LARGEST: u64 = 64 << 20;

/// What a set's seal says.
pub(crate) struct Sealed {
    pub(crate) set: SetId,
    /// The SHA-256 of the seal itself.
    pub(crate) sha256: String,
    /// That of the seal before it.
    pub(crate) previous: Option<String>,
    /// The identity of the set's backup, if the seal names one.
    pub(crate) identity: Option<Identity>,
    pub(crate) files: Vec<SealedFile>,
}

impl Sealed {
    /// Its place among the others.
    pub(crate) fn link(&self) -> Link {
        Link { set: self.set, sha256: self.sha256.clone(), previous: self.previous.clone() }
    }
}

/// Where seals come from, and who must have signed them.
pub(crate) struct Seals<'a> {
    pub(crate) store: &'a mut dyn Store,
    pub(crate) survey: &'a Survey,
    pub(crate) folder: Option<&'a Folder>,
    pub(crate) certs: &'a [Cert],
}

impl Seals<'_> {
    /// What the seal of a set says; none where there is none that can be believed.
    pub(crate) fn read(
        &mut self,
        set: &StoredSet,
        findings: &mut Findings,
    ) -> Result<Option<Sealed>, Failure> {
        let kept = self.kept(set.id);
        let Some(name) = &set.seal else {
            if kept.is_some() {
                findings.wrong(format!("the {}", set.id), "its seal is missing");
            } else if !self.certs.is_empty() {
                let why = "has no seal, and the seal key demands one";
                findings.wrong(format!("the {}", set.id), why);
            } else {
                log::info!("the {} has no seal", set.id);
            }
            return Ok(None);
        };
        let bytes = self.fetch(name)?;
        if kept.is_some_and(|kept| kept != bytes) {
            findings.wrong(name, "differs from the seal in the archive directory");
        }
        match self.parse(name, &bytes, set.id) {
            Ok(sealed) => Ok(Some(sealed)),
            Err(failure) => {
                findings.wrong(name, failure.beside(name));
                Ok(None)
            }
        }
    }

    fn parse(&self, name: &str, bytes: &[u8], set: SetId) -> Result<Sealed, Failure> {
        let wrong = |why: &str| Failure::of(Status::Integrity, name, why);
        let (text, state) = read_text(name, bytes, self.certs)?;
        if !self.certs.is_empty() && !matches!(state, SealState::SignedBy(_)) {
            return Err(wrong("is not signed by the seal key"));
        }
        let seal = Seal::parse(&text).or_fail(Status::Integrity, name)?;
        if seal.set != set {
            return Err(wrong(&format!("is the seal of the {}", seal.set)));
        }
        let sha256 = format!("{:x}", Sha256::digest(bytes));
        let Seal { previous, identity, files, .. } = seal;
        Ok(Sealed { set, sha256, previous, identity, files })
    }

    /// The seal of a set as the archive has it.
    fn kept(&self, set: SetId) -> Option<Vec<u8>> {
        fs::read(self.folder?.path(&seal_name(set.time))).ok()
    }

    fn fetch(&mut self, name: &str) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        let from = self.survey.open(self.store, name)?;
        from.take(LARGEST).read_to_end(&mut bytes).or_fail(Status::Refused, name)?;
        Ok(bytes)
    }
}
