//! `moo-check` checks what a store holds against its seals and the archive, without a secret key.

mod belonging;
mod content;
mod findings;
mod links;
mod parity;
mod seals;
mod sets;
mod share;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use archive::{Chain, Identity};
use cli::{Common, Program};
use failure::{Failure, Reason, Status};
use local::Folder;
use openpgp::find_signers;
use stream::Totals;
use survey::Survey;

use crate::content::Due;
use crate::findings::Findings;
use crate::seals::Seals;
use crate::share::{Share, Turn};

/// Check the files of a store against their seals
///
/// moo-check needs no secret key. It checks that each set has the files that its seal lists, and no
/// others, and that the seals are valid and in sequence. Each run also reads and hashes a different
/// share of the files, so that consecutive runs read all of them. With the archive directory,
/// moo-check also detects missing and added sets. It names everything that is wrong; the exit
/// status is then 5.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-check", version, after_help = EXAMPLES)]
pub struct Check {
    /// URL of the store, such as file:///srv/backup, sftp://user@host/backup or rclone:REMOTE:PATH
    url: String,
    /// Use the archive directory FOLDER to detect missing and added sets
    #[arg(short, long, value_name = "FOLDER")]
    archive: Option<PathBuf>,
    /// Require that the certificate KEY has signed the seal of each set
    #[arg(long, value_name = "KEY")]
    seal_key: Vec<OsString>,
    /// Report sets that do not have the identity ID: 32 hexadecimal digits, from moo status or the
    /// recovery kit. The default is the identity in the newest seal of --archive
    #[arg(long, value_name = "ID")]
    identity: Option<Identity>,
    /// Read PERCENT of the files; each run reads different ones
    #[arg(long, value_name = "PERCENT", default_value = "5%")]
    sample: Share,
    /// Print the time of the newest set of each chain, for --time, and read the files that no
    /// restore of these times reads
    #[arg(long, conflicts_with = "sample")]
    chains: bool,
    #[command(flatten)]
    reached: store::Options,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  moo-check file:///srv/backup
  moo-check --sample 100% --archive ~/archive file:///srv/backup
  moo-check --chains file:///srv/backup | while read time; do
      moo-fetch --time $time file:///srv/backup </dev/null | moo-decrypt | moo-patch --check; done";

impl Program for Check {
    const NAME: &'static str = "moo-check";
    type Outlet = ();

    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, (): &mut ()) -> Result<Totals, Failure> {
        let certs = find_signers(&self.seal_key)?;
        let folder = self.archive.as_deref().map(Folder::open).transpose()?;
        let mut store = store::open(&self.url, &self.reached)?;
        let files = store.list()?;
        let survey = Survey::of(store.as_mut(), &files, folder.as_ref(), &certs)?;
        let collection = &survey.collection;
        let known = folder.as_ref().map(Folder::collection).transpose()?.unwrap_or_default();
        let is_empty = collection.chains.is_empty() && known.chains.is_empty();
        if is_empty && survey.lost().is_empty() && survey.cut().next().is_none() {
            let failure = Failure::of(Status::Absent, &self.url, "there is no backup");
            return Err(failure.because(Reason::NoBackup));
        }
        let mut findings = Findings::default();
        let (store, folder) = (store.as_mut(), folder.as_ref());
        let mut seals = Seals { store, survey: &survey, folder, certs: &certs };
        let sealed = sets::seals(collection, &known, &mut seals, &mut findings)?;
        sets::check(collection, &known, &sealed, &mut findings);
        sets::check_names(&survey, &mut findings);
        belonging::check(self.identity.or(survey.identity()), &sealed, &mut findings);
        links::check(collection, &sealed, &mut findings);
        let due = content::hashes((collection, &known), folder, &sealed, &mut findings)?;
        findings.empty_files(&files);
        let turn = Turn::of(folder);
        let takes = |due: &Due| match self.chains {
            true => !due.is_restored,
            false => self.sample.takes(&due.name, turn.number()),
        };
        content::check((&mut *store, &survey), due.into_iter().filter(takes), &mut findings)?;
        let takes = |name: &str| self.chains || self.sample.takes(name, turn.number());
        parity::check((store, &survey), collection, takes, &mut findings)?;
        if self.chains {
            tell(&collection.chains)?;
        } else {
            turn.done();
        }
        Ok(Totals { lost: findings.count(), ..Totals::default() })
    }
}

/// Prints the newest state of each chain.
fn tell(chains: &[Chain]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let tell = |chain: &Chain| writeln!(out, "{}", chain.end());
    chains.iter().try_for_each(tell).map_err(|error| Failure::of_output(&error))
}
