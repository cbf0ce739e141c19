//! `moo-list` tells what a store holds, and what is in a backup.

mod entries;
mod out;
mod sets;
mod shown;

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::SystemTime;

use archive::{Identity, SetTime};
use cli::{Common, Program};
use failure::{Failure, OrFail, Status};
use stream::Totals;

/// Tell what a store holds, or what is in a backup
///
/// With a URL it lists the sets of that store, and what is wrong with them; it needs no key, and
/// with the archive it notices more. Without one it lists the files of a backup, from the archive
/// alone: those of one state, what differs between two, or all versions of one.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-list", version, after_help = EXAMPLES)]
pub struct List {
    /// Where the store is, such as file:///srv/backup or sftp://user@host/backup; or, for the
    /// files of a backup, those to list with all that is below them, relative to the source
    #[arg(value_name = "URL|PATH")]
    words: Vec<OsString>,
    /// The local archive
    #[arg(short, long, value_name = "FOLDER")]
    archive: Option<PathBuf>,
    /// The state at this time: now, 3D, 2026-11-22, 2026-11-22T20:15:00Z …
    #[arg(short, long, allow_hyphen_values = true)]
    time: Option<String>,
    /// What differs between the states at two times
    #[arg(long, num_args = 2, value_name = "TIME", conflicts_with = "time")]
    changes: Option<Vec<String>>,
    /// All states of one file or directory
    #[arg(long, value_name = "PATH", allow_hyphen_values = true, conflicts_with_all = ["time", "changes"])]
    versions: Option<OsString>,
    /// Of the files of a state only so many, chosen at random, and none that is very large
    #[arg(long, value_name = "N", conflicts_with_all = ["changes", "versions"])]
    random: Option<usize>,
    /// Fail if the last good set is older than this, such as 26h; all being well, print nothing
    #[arg(long, value_name = "AGE")]
    max_age: Option<String>,
    /// Take no set for good whose seal is not signed by this certificate
    #[arg(long, value_name = "KEY")]
    seal_key: Vec<String>,
    /// Take no set of another backup for good than that of this identity: 32 hexadecimal digits.
    /// Without it, the newest seal of --archive tells
    #[arg(long, value_name = "ID")]
    identity: Option<Identity>,
    /// JSON: one object for a store, a line for each file of a backup
    #[arg(long)]
    json: bool,
    /// Paths alone, as they are, each ended by NUL
    #[arg(short = '0', long, conflicts_with_all = ["json", "versions"])]
    null: bool,
    #[command(flatten)]
    reached: store::Options,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  moo-list file:///srv/backup
  moo-list --archive ~/archive --max-age 26h file:///srv/backup
  moo-list --archive ~/archive --time 3D ssh
  moo-list --archive ~/archive --changes 3D now
  moo-list --archive ~/archive --versions ssh/sshd_config
  moo-fetch --metadata file:///srv/backup | moo-decrypt | moo-upload file://$HOME/copy |
      moo-commit && moo-list --archive ~/copy";

impl Program for List {
    const NAME: &'static str = "moo-list";
    type Outlet = ();

    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, (): &mut ()) -> Result<Totals, Failure> {
        match self.url()? {
            Some(url) => sets::list(&self, url)?,
            None => entries::list(&self)?,
        }
        Ok(Totals::default())
    }
}

impl List {
    /// The store, if it is one that is to be listed.
    fn url(&self) -> Result<Option<&str>, Failure> {
        let usage = |why: &str| Err(Failure::new(Status::Usage, format!("{why} (see --help)")));
        let Some(url) = self.words.first().and_then(|word| word.to_str()).filter(|w| is_url(w))
        else {
            return match self.max_age {
                Some(_) => usage("--max-age: needs a url"),
                None => Ok(None),
            };
        };
        let of_entries = self.random.is_some()
            || self.time.is_some()
            || self.changes.is_some()
            || self.versions.is_some();
        if of_entries || self.null || self.words.len() > 1 {
            return usage(&format!("{url}: a url comes alone, and lists sets, not files"));
        }
        Ok(Some(url))
    }
}

/// Whether a word begins as a URL; a path that does can be given with `./` before it.
fn is_url(word: &str) -> bool {
    let scheme = word.split_once("://").map(|(scheme, _)| scheme);
    word.starts_with("rclone:")
        || scheme.is_some_and(|scheme| {
            !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+')
        })
}

/// The time by the clock.
fn now() -> Result<SetTime, Failure> {
    SetTime::try_from(SystemTime::now()).or_fail(Status::Failed, "clock")
}

/// A path as it was given.
fn path(word: &OsString) -> Result<archive::TreePath, Failure> {
    archive::TreePath::parse(word.as_bytes()).or_fail(Status::Usage, "path")
}
