//! `moo-fetch` fetches from a store the files that a restore needs.

mod absent;
mod archive_directory;
mod copy;
mod fork;
mod inventory;
mod known;
mod part;
mod place;
mod remains;
mod sealed;
mod selection;
mod strangers;
mod wanted;

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::PathBuf;

use archive::Identity;
use cli::{Common, Program};
use failure::{Failure, OrFail, Status};
use openpgp::{Cert, find_certificate};
use progress::Files;
use store::Store;
use stream::{Annotations, Begin, FileWriter, Output, Scope, StreamKind, Totals};
use survey::{Judge, Survey};

use crate::archive_directory::ArchiveDirectory;
use crate::part::Part;
use crate::place::Place;
use crate::selection::Selection;
use crate::wanted::WantedFile;

/// Fetch the files that a restore needs from a store
///
/// The output is a file stream. For each set it has the seal, the manifest and the volumes. With
/// the archive directory, moo-fetch fetches only the volumes that may hold what is requested, and
/// detects sets that the store has lost.
///
/// The options that include and exclude work as those of moo-scan(1). Patterns are relative to the
/// source.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-fetch", version, after_help = EXAMPLES)]
pub struct Fetch {
    /// URL of the store, such as file:///srv/backup, sftp://user@host/backup or rclone:REMOTE:PATH
    url: String,
    /// Fetch the state at TIME: now, 3D, 2026-11-22, 2026-11-22T20:15:00Z …
    #[arg(short, long, default_value = "now", allow_hyphen_values = true)]
    time: String,
    #[command(flatten)]
    part: Part,
    /// Use the archive directory FOLDER to find volumes and lost sets
    #[arg(short, long, value_name = "FOLDER")]
    archive: Option<PathBuf>,
    /// Fetch all files of all sets, unchanged
    #[arg(long, group = "what", conflicts_with = "time", conflicts_with_all = part::OPTIONS)]
    all: bool,
    /// Fetch the manifests, signature files and seals of all sets, to rebuild an archive directory
    #[arg(long, group = "what", conflicts_with = "time", conflicts_with_all = part::OPTIONS)]
    metadata: bool,
    /// Fetch the manifests and seals of the sets of the state
    #[arg(long, group = "what", conflicts_with = "archive")]
    manifests: bool,
    /// Fetch the manifests, signature files and seals of the sets of the state, for moo-match
    #[arg(long, group = "what")]
    signatures: bool,
    /// Fetch the volumes that moo-match needs: standard input is the file needed.json of its plan, which
    /// decides on the state, too
    #[arg(long, group = "what")]
    needed: bool,
    /// Fetch only volume N of the set of the time SET, such as 20261122T201500Z:3, with the set's seal
    /// and manifest; without :N only these. Can be repeated, for sets of the state in their order
    #[arg(long, value_name = "SET[:N]", group = "what", value_parser = wanted::parse,
        conflicts_with = "path")]
    volume: Vec<WantedFile>,
    /// Fetch no files: write receipts of all files in the store, for moo-commit --reconcile
    #[arg(long, group = "what", conflicts_with = "time", conflicts_with_all = part::OPTIONS)]
    receipts: bool,
    /// With --receipts, take URL for the URL of an archive directory, file://FOLDER
    #[arg(long, requires = "receipts")]
    of_archive: bool,
    /// Print the path of the store's archive directory below FOLDER, and read nothing
    #[arg(long, group = "what", value_name = "FOLDER", conflicts_with_all = ["time", "archive"])]
    archive_in: Option<PathBuf>,
    /// With --archive-in, take the archive directory NAME there, or, with prefixes, the one for these
    /// inside of it, which is made
    #[arg(long, value_name = "NAME", requires = "archive_in")]
    archive_name: Option<PathBuf>,
    /// Leave out sets that another store has; FILE holds the output of --receipts for that store
    #[arg(long, value_name = "FILE", requires = "what", conflicts_with = "receipts")]
    known: Option<PathBuf>,
    /// Use only sets with the identity ID: 32 hexadecimal digits, from moo status or the recovery
    /// kit. The default is the identity in the newest seal of --archive
    #[arg(long, value_name = "ID", conflicts_with = "receipts")]
    identity: Option<Identity>,
    /// Continue after files that are missing or unreadable; moo-decrypt and moo-patch need this
    /// option too
    #[arg(long, conflicts_with = "what")]
    keep_going: bool,
    /// Use only sets whose seal the certificate KEY has signed; moo-decrypt needs this option too
    #[arg(long, value_name = "KEY")]
    seal_key: Vec<OsString>,
    /// Use only encrypted sets, even if the store has no encrypted set
    #[arg(long)]
    encrypted: bool,
    /// Use unencrypted sets in a store of encrypted sets
    #[arg(long, conflicts_with = "encrypted")]
    allow_unprotected: bool,
    #[command(flatten)]
    reached: store::Options,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  moo-fetch file:///srv/backup | tar tv
  moo-fetch --time 3D file:///srv/backup | moo-decrypt | moo-patch /tmp/etc
  moo-fetch --path ssh/sshd_config --archive ~/archive file:///srv/backup | moo-decrypt |
      moo-patch /tmp/sshd_config
  moo-fetch --all file:///srv/backup | moo-upload file:///mnt/second | moo-commit
  moo-fetch --receipts file:///mnt/second > /tmp/known;
      moo-fetch --all --known /tmp/known file:///srv/backup | moo-upload file:///mnt/second |
      moo-commit
  moo-fetch --metadata file:///srv/backup | moo-decrypt | moo-upload --archive ~/archive |
      moo-commit";

impl Fetch {}

impl Program for Fetch {
    const NAME: &'static str = "moo-fetch";
    type Outlet = Output<File>;

    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, output: &mut Output<File>) -> Result<Totals, Failure> {
        if let Some(folder) = &self.archive_in {
            let (name, prefixes) = (self.archive_name.as_deref(), &self.reached.prefixes()?);
            let place = Place { folder, name, url: &self.url, prefixes };
            return place.print(output.text()).map(|()| Totals::default());
        }
        let mut store = match local::store_folder(&self.url).filter(|_| self.of_archive) {
            Some(folder) => store::archive_directory(folder)?,
            None => store::open(&self.url, &self.reached)?,
        };
        if self.receipts {
            return inventory::tell(&self, store.as_mut(), output);
        }
        if self.all || self.metadata {
            return copy::send(&self, store.as_mut(), output);
        }
        let selection = Selection::make(&self, store.as_mut())?;
        output.begin(&match selection.wanted {
            Some(wanted) => Begin::restore(wanted),
            None => Begin::copy(StreamKind::Files, None),
        })?;
        let mut lost = selection.lost;
        let mut reader = sealed::Reader::new(store.as_mut());
        let survey = &selection.survey;
        let mut report = Files::start(selection.names.iter().map(|name| survey.size(name)));
        for name in &selection.names {
            report.next(name, survey.size(name));
            let file = (name.as_str(), survey.stored_name(name));
            lost += u64::from(!self.send(&mut reader, file, &report, output)?);
        }
        Ok(Totals { lost, unreadable: selection.uncounted, ..Totals::default() })
    }
}

impl Fetch {
    /// Which files and sets the store has.
    fn survey(
        &self,
        store: &mut dyn Store,
        known: Option<&ArchiveDirectory>,
    ) -> Result<Survey, Failure> {
        let files = store.list()?;
        let folder = known.map(ArchiveDirectory::folder);
        let mut survey = Survey::of(store, &files, folder, &self.seal_certificates()?)?;
        survey.count_lost();
        Ok(survey)
    }

    /// Who tells which sets count. Where neither an option nor the archive directory tells the
    /// identity of the backup, `other` does, or else the sets of the store, if they agree.
    fn judge(
        &self,
        known: Option<&ArchiveDirectory>,
        (survey, store): (&mut Survey, &mut dyn Store),
        other: Option<Identity>,
    ) -> Result<Judge, Failure> {
        let mut judge = Judge::new(known.map(ArchiveDirectory::folder))?;
        judge.expected = self.identity.or(survey.identity()).or(other);
        if judge.expected.is_none() {
            judge.expected = survey.only_identity(&self.url, store)?;
        }
        judge.encrypted = self.encrypted;
        // A copy of files as they are reads none of them.
        judge.plain = self.allow_unprotected || (self.all && !self.encrypted);
        Ok(judge)
    }

    /// Who may have signed a seal; a secret key does for its certificate.
    fn seal_certificates(&self) -> Result<Vec<Cert>, Failure> {
        let certs = self.seal_key.iter().map(find_certificate);
        certs.map(|cert| Ok(cert?.strip_secret_key_material())).collect()
    }

    /// Sends a file; false where it was lost, and the stream goes on without it.
    fn send(
        &self,
        reader: &mut sealed::Reader<'_>,
        (name, there): (&str, &str),
        report: &Files,
        output: &mut Output<File>,
    ) -> Result<bool, Failure> {
        let mut writer = FileWriter::new(output, name);
        let opened = reader.open(name, there);
        match opened.and_then(|from| transfer(name, &mut report.count(from), &mut writer)) {
            Ok(()) => writer.close(Annotations::default()).map(|()| true),
            Err(failure) if self.keep_going && of_one_file(&failure) => {
                log::warn!("{failure}");
                writer.lose(Scope::File).map(|()| false)
            }
            Err(failure) => Err(failure),
        }
    }
}

/// Whether a failure is one of a single file, and not of the store or of our output.
fn of_one_file(failure: &Failure) -> bool {
    let status = failure.status();
    matches!(status, Status::Refused | Status::Absent | Status::Integrity)
}

/// Copies with reads as large as a store likes them.
fn transfer(name: &str, from: &mut impl io::Read, to: &mut impl io::Write) -> Result<(), Failure> {
    let mut buffer = vec![0; 1 << 20];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => to.write_all(&buffer[..n]).or_fail(Status::Failed, "standard output")?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error).or_fail(Status::Refused, name),
        }
    }
}
