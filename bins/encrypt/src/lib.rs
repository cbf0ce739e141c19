//! `moo-encrypt` compresses and encrypts the files of a set, and seals it.

mod hashing;
mod keys;
mod sealed;
mod wrap;

use std::fs::File;
use std::num::NonZero;
use std::thread;

use archive::{FileKind, FileName, Wrapping};
use cli::{Common, Program};
use deflate::Effort;
use stream::{Failure, FileWriter, FilesInput, OrFail, Output, SetHead, Status, Totals, pipe};

use crate::hashing::Hashing;
use crate::keys::Keys;
use crate::sealed::SealedSet;
use crate::wrap::Wrap;

/// Compress, encrypt and seal the files of a set
///
/// Each file becomes one OpenPGP message that GnuPG 2.2 and thereby duplicity can read. With no
/// key to encrypt to, a passphrase does it. The hash of each volume goes into the manifest, and
/// the hashes of all files into the seal, which a seal key signs.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-encrypt", version, after_help = EXAMPLES)]
pub struct Encrypt {
    #[command(flatten)]
    keys: Keys,
    /// Do not compress
    #[arg(long)]
    no_compression: bool,
    /// How hard to compress: from 1, fast, to 9, small
    #[arg(long, value_name = "LEVEL", default_value_t = 1,
          value_parser = clap::value_parser!(u8).range(1..=9))]
    compress_level: u8,
    /// Compress with so many threads [default: as many as there are processors]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZero<u8>>,
    #[command(flatten)]
    common: Common,
}

/// How many threads are started unasked: more need more memory, and wait for the encryption.
const MOST_JOBS: NonZero<usize> = NonZero::new(8).unwrap();

const EXAMPLES: &str = "\
Examples:
  moo-scan /etc | moo-sign | moo-delta | moo-pack | moo-encrypt --encrypt-key KEY | tar tv
  moo-scan --archive ~/archive /etc | moo-sign | moo-delta --archive ~/archive |
      moo-pack --archive ~/archive | moo-encrypt --encrypt-key KEY --seal-key ~/seal.secret.pgp |
      moo-upload file:///srv/backup | moo-commit --archive ~/archive";

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
        let mut begin = input.begin().clone();
        let Some(head) = &mut begin.set else {
            return Err(broken("tells of no set"));
        };
        let key = wrap.key(head);
        // Where the keys do not fit, the last stage is still told whose run that ends.
        head.key = key.as_ref().ok().cloned().flatten();
        output.begin(&begin)?;
        key?;
        let Some(head) = &begin.set else {
            return Err(broken("tells of no set"));
        };
        let mut sealed = SealedSet::new(head);
        sealed.resume(head, &wrap)?;
        while let Some(name) = input.next_file()? {
            let name = file_name(&name, head)?;
            if name.kind == FileKind::Manifest {
                sealed.finish(&mut input, &wrap, signer.as_ref(), output)?;
            } else {
                seal_file(name, &mut input, &wrap, &mut sealed, output)?;
            }
        }
        if !sealed.is_finished() {
            return Err(broken("ends without a manifest"));
        }
        Ok(Totals { stored_bytes: sealed.volume_bytes(), ..input.totals() })
    }
}

impl Encrypt {
    fn effort(&self) -> Option<Effort> {
        if self.no_compression {
            return None;
        }
        let processors = || thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
        let jobs = self.jobs.map_or_else(|| processors().min(MOST_JOBS), NonZero::from);
        Some(Effort { level: self.compress_level, jobs })
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
    writer.close(hashes.facts())?;
    sealed.add(name.kind, stored, hashes);
    Ok(())
}

/// The parsed name of a file that belongs to the set.
fn file_name(name: &str, head: &SetHead) -> Result<FileName, Failure> {
    let parsed = FileName::parse(name).filter(|parsed| {
        parsed.set == head.id() && parsed.wrapping == Wrapping::Plain && parsed.encode() == name
    });
    parsed.ok_or_else(|| broken(&format!("{name}: no plain file of the {}", head.id())))
}

fn broken(why: &str) -> Failure {
    Failure::new(Status::Integrity, format!("standard input: {why}"))
}
