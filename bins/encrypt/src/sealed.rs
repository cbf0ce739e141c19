//! The end of a set: the manifest with the hashes of the volumes, and the seal over all files.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};

use archive::{FileKind, FileName, Seal, SealedFile, seal_name, volume_hashes, write_hashes};
use failure::{Failure, OrFail, Reason, Status, TemporaryFile};
use openpgp::{Signer, sign_text};
use stream::{FileWriter, Output, SetHeader};

use crate::hashing::{Hashes, Hashing};
use crate::wrap::Wrap;

/// The most checkpoints of a set, of 64 bytes each, for half a TiB of volumes: manifest and seal, which many
/// programs have in memory, do not grow for ever. Later volumes go without, and are held back as a whole when
/// they are read.
const MOST_CHECKPOINTS: usize = 1 << 16;

/// What is known of a set while its files pass by.
pub(crate) struct SealedSet {
    seal: Seal,
    volume_bytes: u64,
    /// Bytes in all checkpoints.
    checkpoints: usize,
    finished: bool,
}

impl SealedSet {
    /// A set with that seal, which names no files yet.
    pub(crate) fn new(seal: Seal) -> SealedSet {
        SealedSet { seal, volume_bytes: 0, checkpoints: 0, finished: false }
    }

    /// Notes the volumes that an interrupted run has stored.
    ///
    /// # Errors
    /// One that is no volume of the set, or whose hashes are not known.
    pub(crate) fn resume(&mut self, head: &SetHeader, wrap: &Wrap) -> Result<(), Failure> {
        for volume in head.stored() {
            let name = FileName::parse(&volume.stored)
                .filter(|name| name.set == head.id() && name.wrapping == wrap.wrapping(name.kind));
            let (Some(FileName { kind: kind @ FileKind::Volume(_), .. }), Some(sha1), Some(sha256)) =
                (name, &volume.sha1, &volume.sha256)
            else {
                let why = "not a possible stored volume";
                let message = format!("standard input: {}: {why}", volume.stored);
                return Err(Failure::new(Status::Integrity, message).because(Reason::CannotResume));
            };
            let (sha1, sha256, bytes) = (sha1.clone(), sha256.clone(), volume.size);
            // The journal of the run has no checkpoints.
            let hashes = Hashes { sha1, sha256, bytes, checkpoints: None };
            self.add(kind, volume.stored.clone(), hashes);
        }
        Ok(())
    }

    /// Notes a file that has passed.
    pub(crate) fn add(&mut self, kind: FileKind, name: String, hashes: Hashes) {
        let Hashes { sha1, sha256, bytes, checkpoints } = hashes;
        let is_volume = matches!(kind, FileKind::Volume(_));
        if is_volume {
            self.volume_bytes += bytes;
        }
        // Only volumes are read piece by piece.
        let checkpoints = checkpoints.filter(|value| is_volume && self.has_room(value));
        let (sha1, size) = (Some(sha1), Some(bytes));
        self.seal.files.push(SealedFile { name, sha256, sha1, size, checkpoints });
    }

    /// Whether the set can have these checkpoints too.
    fn has_room(&mut self, checkpoints: &str) -> bool {
        self.checkpoints += checkpoints.len();
        self.checkpoints <= MOST_CHECKPOINTS * 64
    }

    /// Whether the manifest has passed.
    pub(crate) fn is_finished(&self) -> bool {
        self.finished
    }

    /// Bytes in all volumes as they are stored.
    pub(crate) fn volume_bytes(&self) -> u64 {
        self.volume_bytes
    }

    /// Takes the draft of the manifest, and sends the seal and the manifest. The seal covers the
    /// manifest, but goes before it, since the manifest is the last file of a set. Returns the
    /// SHA-256 of the seal, in hex.
    pub(crate) fn finish(
        &mut self,
        draft: &mut impl Read,
        wrap: &Wrap,
        signer: Option<&Signer>,
        output: &mut Output<File>,
    ) -> Result<String, Failure> {
        let kind = FileKind::Manifest;
        let wrapping = wrap.wrapping(kind);
        let name = FileName { set: self.seal.set, kind, wrapping, partial: false }.encode();
        let spool = tempfile::tempfile().or_fail(Status::Failed, TemporaryFile)?;
        let mut hashing = Hashing::new(Spool(spool));
        let volumes = self.seal.files.iter().filter_map(volume).collect();
        let mut draft = BufReader::new(draft);
        wrap.write(kind, &mut hashing, |to| {
            let written =
                write_hashes(&mut draft, volumes, to).or_fail(Status::Failed, "manifest")?;
            written.or_fail(Status::Integrity, format!("the {}", self.seal.set))
        })?;
        let (Spool(mut spool), hashes) = hashing.finish();
        let facts = hashes.annotations();
        self.add(kind, name.clone(), hashes);
        let sha256 = self.send_seal(signer, output)?;
        spool.rewind().or_fail(Status::Failed, TemporaryFile)?;
        let mut writer = FileWriter::new(output, &name);
        io::copy(&mut spool, &mut writer).or_fail(Status::Failed, TemporaryFile)?;
        self.finished = true;
        writer.close(facts)?;
        Ok(sha256)
    }

    fn send_seal(
        &self,
        signer: Option<&Signer>,
        output: &mut Output<File>,
    ) -> Result<String, Failure> {
        let seal = sign_text(&self.seal.encode(), signer)?;
        let writer = FileWriter::new(output, &seal_name(self.seal.set.time));
        let mut hashing = Hashing::new(writer);
        hashing.write_all(&seal).or_fail(Status::Failed, "standard output")?;
        let (writer, hashes) = hashing.finish();
        writer.close(hashes.annotations())?;
        Ok(hashes.sha256)
    }
}

/// The number of a volume, and its hashes as the manifest has them; none for another file.
fn volume(file: &SealedFile) -> Option<(u64, Vec<(String, String)>)> {
    let FileKind::Volume(number) = FileName::parse(&file.name)?.kind else { return None };
    let SealedFile { sha1, sha256, checkpoints, .. } = file.clone();
    Some((number, volume_hashes(sha1?, sha256, checkpoints)))
}

/// A temporary file, which is named where it can't be written.
struct Spool(File);

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(bytes).or_fail(Status::Failed, TemporaryFile)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
