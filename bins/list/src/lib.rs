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

/// List the sets of a store, or the files of a backup
///
/// With a URL, moo-list lists the sets of the store and what is wrong with them. It needs no key,
/// and it detects more with the archive directory. Without a URL, it lists the files of a backup
/// from the archive directory: the files of one state, the differences of two states, or all
/// versions of one file.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-list", version, after_help = EXAMPLES)]
pub struct List {
    /// URL of the store, such as file:///srv/backup or sftp://user@host/backup. Without a URL, the
    /// paths to list from --archive, with everything below them, relative to the source
    #[arg(value_name = "URL|PATH")]
    words: Vec<OsString>,
    /// Use the archive directory FOLDER
    #[arg(short, long, value_name = "FOLDER")]
    archive: Option<PathBuf>,
    /// List the state at TIME: now, 3D, 2026-11-22, 2026-11-22T20:15:00Z …
    #[arg(short, long, allow_hyphen_values = true)]
    time: Option<String>,
    /// List the differences of the states at two times
    #[arg(long, num_args = 2, value_name = "TIME", conflicts_with = "time")]
    changes: Option<Vec<String>>,
    /// List all versions of the file or directory PATH
    #[arg(long, value_name = "PATH", allow_hyphen_values = true, conflicts_with_all = ["time", "changes"])]
    versions: Option<OsString>,
    /// List only N files, chosen at random, and none that is very large
    #[arg(long, value_name = "N", conflicts_with_all = ["changes", "versions"])]
    random: Option<usize>,
    /// Exit with 3 if the newest good set is older than AGE, such as 26h; print nothing if all is
    /// well
    #[arg(long, value_name = "AGE")]
    max_age: Option<String>,
    /// Accept a set as good only if the certificate KEY has signed its seal
    #[arg(long, value_name = "KEY")]
    seal_key: Vec<String>,
    /// Accept a set as good only if it has the identity ID: 32 hexadecimal digits, from moo status
    /// or the recovery kit. The default is the identity in the newest seal of --archive
    #[arg(long, value_name = "ID")]
    identity: Option<Identity>,
    /// Print JSON: one object for a store, or one line per file of a backup
    #[arg(long)]
    json: bool,
    /// Print only paths, unescaped, each followed by NUL
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
