//! The manifest and the signature file of a set: they tell what was in a volume that is lost.

use std::fs::File;
use std::io::{Seek, Write};

use archive::{FileKind, FileName, Manifest, SetId, TreePath};
use failure::{Failure, OrFail, Status, shown};
use stream::{FilesInput, Scope};

use crate::staging::Scratch;

/// The file stream of a restore.
pub(crate) type Input = FilesInput<File>;

/// A part of a set that is lost.
pub(crate) struct Loss {
    /// What it is, such as `volume 1 of the full 20261122T201500Z`.
    pub(crate) which: String,
    /// The first entry that it may have held.
    pub(crate) start: TreePath,
    /// The last one; none where that is not known.
    pub(crate) end: Option<TreePath>,
    /// The signatures of the set, which tell all its entries.
    pub(crate) signatures: Option<File>,
}

impl Loss {
    /// Whether an entry may have been in it.
    pub(crate) fn holds(&self, path: &TreePath) -> bool {
        self.start <= *path && self.end.as_ref().is_none_or(|end| path <= end)
    }

    /// Whether something below a directory may have been in it.
    pub(crate) fn reaches(&self, directory: &TreePath) -> bool {
        let before_end = self.end.as_ref().is_none_or(|end| directory <= end);
        before_end && (self.start <= *directory || self.start.starts_with(directory))
    }
}

/// Manifest and signature file of the set that is being read.
pub(crate) struct SetMetadata {
    /// Where they are kept meanwhile.
    scratch: Scratch,
    set: Option<SetId>,
    manifest: Option<Manifest>,
    signatures: Option<File>,
}

impl SetMetadata {
    pub(crate) fn new(scratch: Scratch) -> SetMetadata {
        SetMetadata { scratch, set: None, manifest: None, signatures: None }
    }

    /// Takes a file that is no volume.
    pub(crate) fn take(&mut self, name: &FileName, input: &mut Input) -> Result<(), Failure> {
        if self.set != Some(name.set) {
            (self.set, self.manifest, self.signatures) = (Some(name.set), None, None);
        }
        match name.kind {
            FileKind::Manifest => self.manifest = manifest(input)?,
            FileKind::Signatures => self.signatures = self.keep(input)?,
            _ => {}
        }
        Ok(())
    }

    /// What is lost with a volume, where `last` is the last entry before.
    pub(crate) fn loss(
        &self,
        (set, number): (SetId, u64),
        scope: Scope,
        last: TreePath,
    ) -> Result<Loss, Failure> {
        let known = self.set == Some(set);
        let manifest = self.manifest.as_ref().filter(|_| known && scope == Scope::File);
        let range = manifest.and_then(|m| m.volumes.iter().find(|v| v.number == number));
        let (start, end) = match range {
            // What began before it and goes on in it is lost, too.
            Some(range) => {
                let (start, end) = (range.start.path.clone(), range.end.path.clone());
                (start.max(last.clone()), Some(end.max(last)))
            }
            None => (last, None),
        };
        let signatures = self.signatures.as_ref().filter(|_| known).map(File::try_clone);
        let signatures =
            signatures.transpose().or_fail(Status::Failed, shown(&self.scratch.path()))?;
        Ok(Loss { which: format!("volume {number} of the {set}"), start, end, signatures })
    }

    fn keep(&self, input: &mut Input) -> Result<Option<File>, Failure> {
        let which = shown(self.scratch.path());
        let mut file = self.scratch.file()?;
        while let Some(chunk) = input.chunk()? {
            file.write_all(&chunk).or_fail(Status::Failed, &which)?;
        }
        file.rewind().or_fail(Status::Failed, &which)?;
        Ok((input.lost().is_none()).then_some(file))
    }
}

/// The manifest that comes; none where it says nothing.
pub(crate) fn manifest(input: &mut Input) -> Result<Option<Manifest>, Failure> {
    let manifest = Manifest::read(input).or_fail(Status::Integrity, "standard input")?;
    Ok(manifest.ok().filter(|_| input.lost().is_none()))
}
