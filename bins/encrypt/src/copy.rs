//! The sets of a copy, encrypted anew: each gets the hashes of its new volumes into its manifest,
//! and a new seal.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Seek};

use archive::{FileKind, FileName, Seal, SetId, Wrapping, parse_seal};
use failure::{Failure, OrFail, Status, TemporaryFile};
use openpgp::{Signer, read_seal};
use stream::{FilesInput, NewestSeal, Output};
use tempfile::SpooledTempFile;

use crate::sealed::SealedSet;
use crate::wrap::{Wrap, check_passphrase};
use crate::{broken, seal_file};

/// Manifests up to this size stay in memory.
const IN_MEMORY: usize = 8 << 20;

/// The set that the stream has come to.
struct Current {
    id: SetId,
    /// The manifest comes first, but can be stored only when the volumes are known.
    manifest: Option<SpooledTempFile>,
    sealed: SealedSet,
}

/// Encrypts set after set.
pub(crate) struct Copy<'a> {
    wrap: &'a Wrap,
    signer: Option<&'a Signer>,
    output: &'a mut Output<File>,
    /// What the new seals say of the new passphrase.
    passphrase: Option<String>,
    current: Option<Current>,
    newest_seal: Option<NewestSeal>,
    /// The seal that came last: that of the set that comes next, if it has one.
    old_seal: Option<Seal>,
    done: BTreeSet<SetId>,
    stored_bytes: u64,
}

impl<'a> Copy<'a> {
    /// The next seal is made after the newest one of the store that the copy goes to.
    pub(crate) fn new(
        wrap: &'a Wrap,
        signer: Option<&'a Signer>,
        newest_seal: Option<NewestSeal>,
        output: &'a mut Output<File>,
    ) -> Result<Copy<'a>, Failure> {
        let last = newest_seal.as_ref().and_then(|seal| seal.passphrase.as_deref());
        let passphrase = wrap.passphrase_digest(last)?;
        Ok(Copy {
            wrap,
            signer,
            output,
            passphrase,
            current: None,
            newest_seal,
            old_seal: None,
            done: BTreeSet::new(),
            stored_bytes: 0,
        })
    }

    /// Takes all of the stream. Returns how many bytes the new volumes have.
    pub(crate) fn run(mut self, input: &mut FilesInput<File>) -> Result<u64, Failure> {
        while let Some(name) = input.next_file()? {
            match parse_seal(&name) {
                Some(_) => self.seal(&name, input)?,
                None => self.file(&name, input)?,
            }
        }
        self.finish_set()?;
        Ok(self.stored_bytes)
    }

    /// Notes where the next set belongs: its new seal says the same. The seal has been checked by
    /// moo-decrypt.
    fn seal(&mut self, name: &str, input: &mut FilesInput<File>) -> Result<(), Failure> {
        let mut bytes = Vec::new();
        input.read_to_end(&mut bytes).or_fail(Status::Failed, name)?;
        self.old_seal = Some(read_seal(name, &bytes)?);
        Ok(())
    }

    fn file(&mut self, name: &str, input: &mut FilesInput<File>) -> Result<(), Failure> {
        let plain = |parsed: &FileName| parsed.wrapping == Wrapping::Plain;
        let parsed =
            FileName::parse(name).filter(|parsed| plain(parsed) && parsed.encode() == name);
        let parsed = parsed.ok_or_else(|| broken(&format!("{name}: no plain file of a set")))?;
        if self.current.as_ref().is_none_or(|current| current.id != parsed.set) {
            self.finish_set()?;
            self.begin_set(parsed.set)?;
        }
        let Some(current) = &mut self.current else { return Ok(()) };
        if parsed.kind == FileKind::Manifest {
            current.manifest = Some(hold(input)?);
            return Ok(());
        }
        seal_file(parsed, input, self.wrap, &mut current.sealed, self.output)
    }

    fn begin_set(&mut self, id: SetId) -> Result<(), Failure> {
        if !self.done.insert(id) {
            return Err(broken(&format!("the {id} comes in two parts")));
        }
        // An increment was made on the very set before it; a full one after any.
        let before =
            self.newest_seal.as_ref().filter(|seal| id.base.is_none_or(|b| b == seal.time));
        if let (Some(_), Some(now)) = (id.base, &self.passphrase) {
            let last = before.and_then(|seal| seal.passphrase.as_deref());
            check_passphrase(last, now, "copy to an empty store")?;
        }
        let previous = before.map(|seal| seal.sha256.clone());
        let old = self.old_seal.take().filter(|seal| seal.set == id);
        let passphrase = self.passphrase.clone();
        let old = old.unwrap_or_else(|| Seal::of(id));
        let sealed = SealedSet::new(Seal { previous, passphrase, files: Vec::new(), ..old });
        self.current = Some(Current { id, manifest: None, sealed });
        Ok(())
    }

    fn finish_set(&mut self) -> Result<(), Failure> {
        let Some(Current { id, manifest, mut sealed }) = self.current.take() else { return Ok(()) };
        let mut manifest =
            manifest.ok_or_else(|| broken(&format!("the {id} comes without its manifest")))?;
        let sha256 = sealed.finish(&mut manifest, self.wrap, self.signer, self.output)?;
        self.newest_seal =
            Some(NewestSeal { time: id.time, sha256, passphrase: self.passphrase.clone() });
        self.stored_bytes += sealed.volume_bytes();
        Ok(())
    }
}

fn hold(input: &mut FilesInput<File>) -> Result<SpooledTempFile, Failure> {
    let mut held = SpooledTempFile::new(IN_MEMORY);
    io::copy(input, &mut held)
        .and_then(|_| held.rewind())
        .or_fail(Status::Failed, TemporaryFile)?;
    Ok(held)
}
