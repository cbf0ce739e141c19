//! `moo-encrypt` compresses and encrypts the files of a set, and seals it.

mod copy;
mod hashing;
mod keys;
mod sealed;
mod wrap;

use std::fs::File;

use archive::{FileKind, FileName, Seal, Wrapping};
use cli::{Common, Jobs, Program};
use deflate::Effort;
use failure::{Failure, OrFail, Status};
use openpgp::Signer;
use stream::{Begin, FileWriter, FilesInput, Job, Output, SetHeader, StreamKind, Totals, pipe};

use crate::copy::Copy;
use crate::hashing::Hashing;
use crate::keys::Keys;
use crate::sealed::SealedSet;
use crate::wrap::Wrap;

/// Compress and encrypt the files of a set, and write its seal
///
/// Each file becomes one OpenPGP message that GnuPG 2.2, and so duplicity, can read. Without a
/// certificate, moo-encrypt encrypts with a passphrase. The hash of each volume goes into the
/// manifest, and the checksums of all files go into the seal. With sets that moo-decrypt reads from
/// a store, moo-encrypt encrypts them again and writes new seals.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-encrypt", version, after_help = EXAMPLES)]
pub struct Encrypt {
    #[command(flatten)]
    keys: Keys,
    /// Do not compress
    #[arg(long)]
    no_compression: bool,
    /// Compress at LEVEL, from 1 (fast) to 9 (small)
    #[arg(long, value_name = "LEVEL", default_value_t = 1,
          value_parser = clap::value_parser!(u8).range(1..=9))]
    compress_level: u8,
    #[command(flatten)]
    jobs: Jobs,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  moo-scan /etc | moo-sign | moo-delta | moo-pack | moo-encrypt --encrypt-key KEY | tar tv
  moo-scan --archive ~/archive /etc | moo-sign | moo-delta --archive ~/archive |
      moo-pack --archive ~/archive | moo-encrypt --encrypt-key KEY --seal-key ~/seal.secret.pgp |
      moo-upload file:///srv/backup | moo-commit --archive ~/archive
  moo-fetch --all file:///srv/backup | moo-decrypt | moo-encrypt --encrypt-key KEY |
      moo-upload file:///mnt/second | moo-commit";

impl Program for Encrypt {
    const NAME: &'static str = "moo-encrypt";
    type Outlet = Output<File>;

    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, output: &mut Output<File>) -> Result<Totals, Failure> {
        // What the stages before have to say comes first: it may be the reason for the rest.
        let mut input = FilesInput::open(pipe::input()?)?;
        let effort = self.effort();
        let passphrase = self.keys.passphrase();
        let wrap = Wrap::new(self.keys.encryption(effort, &passphrase)?, effort);
        let signer = self.keys.seal_signer(&passphrase)?;
        let stored_bytes = match input.begin().job.clone() {
            Job::Backup(head) => backup(*head, &mut input, &wrap, signer.as_ref(), output)?,
            Job::Copy { newest_seal } => {
                output.begin(&Begin::copy(StreamKind::Files, None))?;
                Copy::new(&wrap, signer.as_ref(), newest_seal, output)?.run(&mut input)?
            }
            Job::Restore(_) => return Err(broken("is a restore, and neither a backup nor a copy")),
        };
        Ok(Totals { stored_bytes, ..input.totals() })
    }
}

/// Encrypts the one set of a backup. Returns how many bytes its volumes have.
fn backup(
    mut head: SetHeader,
    input: &mut FilesInput<File>,
    wrap: &Wrap,
    signer: Option<&Signer>,
    output: &mut Output<File>,
) -> Result<u64, Failure> {
    let key = wrap.key(&head);
    // Where the keys do not fit, the last stage is still told whose run that ends.
    head.key = key.as_ref().ok().cloned().flatten();
    output.begin(&Begin::backup(StreamKind::Files, head.clone()))?;
    let passphrase = key?.filter(|_| wrap.is_by_passphrase());
    let (identity, origin) = head.belongs().unzip();
    let mut sealed = SealedSet::new(Seal {
        previous: head.previous_seal.clone(),
        identity,
        origin,
        labels: head.labels.clone(),
        passphrase,
        ..Seal::of(head.id())
    });
    sealed.resume(&head, wrap)?;
    while let Some(name) = input.next_file()? {
        let name = file_name(&name, &head)?;
        if name.kind == FileKind::Manifest {
            sealed.finish(input, wrap, signer, output)?;
        } else {
            seal_file(name, input, wrap, &mut sealed, output)?;
        }
    }
    match sealed.is_finished() {
        true => Ok(sealed.volume_bytes()),
        false => Err(broken("ends without a manifest")),
    }
}

impl Encrypt {
    fn effort(&self) -> Option<Effort> {
        if self.no_compression {
            return None;
        }
        Some(Effort { level: self.compress_level, jobs: self.jobs.count() })
    }
}

/// Sends a volume or the signatures on, wrapped.
fn seal_file(
    name: FileName,
    input: &mut FilesInput<File>,
    wrap: &Wrap,
    sealed: &mut SealedSet,
    output: &mut Output<File>,
) -> Result<(), Failure> {
    let stored = FileName { wrapping: wrap.wrapping(name.kind), ..name }.encode();
    let mut hashing = Hashing::new(FileWriter::new(output, &stored));
    wrap.write(name.kind, &mut hashing, |to| {
        while let Some(chunk) = input.chunk()? {
            to.write_all(&chunk).or_fail(Status::Failed, &stored)?;
        }
        Ok(())
    })?;
    let (writer, hashes) = hashing.finish();
    writer.close(hashes.annotations())?;
    sealed.add(name.kind, stored, hashes);
    Ok(())
}

/// The parsed name of a file that belongs to the set.
fn file_name(name: &str, head: &SetHeader) -> Result<FileName, Failure> {
    let parsed = FileName::parse(name).filter(|parsed| {
        parsed.set == head.id() && parsed.wrapping == Wrapping::Plain && parsed.encode() == name
    });
    parsed.ok_or_else(|| broken(&format!("{name}: no plain file of the {}", head.id())))
}

fn broken(why: &str) -> Failure {
    Failure::new(Status::Integrity, format!("standard input: {why}"))
}
