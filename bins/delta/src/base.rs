//! The state that an increment builds on.

use std::path::Path;

use failure::{Failure, Status, shown};
use local::{Folder, Lock, Signatures};
use stream::{Begin, Entry};

/// The signatures of the last backup; none of them for a full set.
pub(crate) struct Base {
    signatures: Option<Signatures>,
    _lock: Option<Lock>,
}

impl Base {
    /// Finds the chain that the stream says it extends.
    pub(crate) fn open(archive: Option<&Path>, begin: &Begin) -> Result<Base, Failure> {
        let Some((set, base)) = begin.set().and_then(|set| Some((set, set.base?))) else {
            return Ok(Base { signatures: None, _lock: None });
        };
        let Some(archive) = archive else {
            let why = "--archive: is missing, and the stream is an increment";
            return Err(Failure::new(Status::Usage, why));
        };
        let folder = Folder::open(archive)?;
        let lock = Lock::join(&folder, set.run.as_deref())?;
        let collection = folder.collection()?;
        let chain = collection.chains.iter().find(|chain| chain.end() == base);
        let Some(chain) = chain else {
            let why = format!("{}: has no set of {base}", shown(&archive));
            return Err(Failure::new(Status::Absent, why));
        };
        let signatures = Some(folder.signatures(&chain.sets)?);
        Ok(Base { signatures, _lock: Some(lock) })
    }

    /// The signature against which the content that starts with `entry` makes a delta; none where
    /// it has to stay whole: also where the signature is one that we can't read.
    pub(crate) fn signature(&mut self, entry: &Entry) -> Result<Option<Vec<u8>>, Failure> {
        let first = entry.name.piece.is_none_or(|piece| piece == 1);
        let Some(signatures) = self.signatures.as_mut().filter(|_| entry.is_content() && first)
        else {
            return Ok(None);
        };
        let found = signatures.seek(&entry.name.path)?;
        if !found || !signatures.peek().is_some_and(|known| known.has_signature) {
            return Ok(None);
        }
        let signature = signatures.signature()?;
        let known = rsync::file_size(&signature, signature.len() as u64).is_some();
        Ok(known.then_some(signature))
    }
}
