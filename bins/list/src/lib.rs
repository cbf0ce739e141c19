//! `moo-list` tells what is in a backup, from the signatures in the archive: one state, the changes
//! between two, or all versions of one path.

mod changes;
mod differences;
mod find;
mod line;
mod object;
mod paths;
mod random;
mod state;
mod versions;

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::SystemTime;

use archive::SetTime;
use cli::{Common, Out, Program};
use failure::{Failure, OrFail, Status};
use local::Folder;
use stream::Totals;

/// List the files of a backup
///
/// moo-list lists the files of a backup from the archive directory: the files of one state, the
/// differences of two states, all versions of one file, or what matches a pattern in any state.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-list", version, after_help = EXAMPLES)]
pub struct List {
    /// Paths to list, with everything below them, relative to the source; or patterns for --find
    #[arg(value_name = "PATH")]
    paths: Vec<OsString>,
    /// Use the archive directory FOLDER
    #[arg(short, long, value_name = "FOLDER")]
    archive: PathBuf,
    /// List the state at TIME: now, 3D, 2026-11-22, 2026-11-22T20:15:00Z …
    #[arg(short, long, allow_hyphen_values = true)]
    time: Option<String>,
    /// List the differences of the states at two times
    #[arg(long, num_args = 2, value_name = "TIME", conflicts_with = "time")]
    changes: Option<Vec<String>>,
    /// List all versions of the file or directory PATH
    #[arg(long, value_name = "PATH", allow_hyphen_values = true, conflicts_with_all = ["time", "changes"])]
    versions: Option<OsString>,
    /// List what matches a PATH, a glob, in any set, and which states have it; without a slash, it is
    /// the glob of a name
    #[arg(long, conflicts_with_all = ["time", "changes", "versions"])]
    find: bool,
    /// List only N files, chosen at random, and none that is very large
    #[arg(long, value_name = "N", conflicts_with_all = ["changes", "versions", "find"])]
    random: Option<usize>,
    /// Print one line of JSON per file
    #[arg(long)]
    json: bool,
    /// Print only paths, unescaped, each followed by NUL
    #[arg(short = '0', long, conflicts_with_all = ["json", "versions"])]
    null: bool,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  moo-list --archive ~/archive --time 3D ssh
  moo-list --archive ~/archive --changes 3D now
  moo-list --archive ~/archive --versions ssh/sshd_config
  moo-list --archive ~/archive --find '*.sql' 'ssh/**'
  moo-fetch --metadata file:///srv/backup | moo-decrypt | moo-upload file://$HOME/copy |
      moo-commit && moo-list --archive ~/copy";

impl Program for List {
    const NAME: &'static str = "moo-list";
    type Outlet = ();

    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, (): &mut ()) -> Result<Totals, Failure> {
        list(&self)?;
        Ok(Totals::default())
    }
}

/// The output form of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Lines for people.
    Lines,
    /// A line of JSON each.
    Json,
    /// Paths that end with NUL.
    Null,
}

impl Form {
    fn of(arguments: &List) -> Form {
        match (arguments.json, arguments.null) {
            (true, _) => Form::Json,
            (_, true) => Form::Null,
            _ => Form::Lines,
        }
    }

    fn out(self) -> Result<Out, Failure> {
        if self == Form::Null { Out::raw() } else { Ok(Out::new()) }
    }
}

/// Lists what the arguments ask for.
fn list(arguments: &List) -> Result<(), Failure> {
    if arguments.versions.is_some() && !arguments.paths.is_empty() {
        let why = "--versions: takes one path, and no others (see --help)";
        return Err(Failure::new(Status::Usage, why));
    }
    let form = Form::of(arguments);
    let mut out = form.out()?;
    let folder = Folder::open(&arguments.archive)?;
    let done = match (&arguments.changes, &arguments.versions) {
        (Some(times), _) => changes::list(&folder, times, &arguments.paths, form, &mut out),
        _ if arguments.find => find::list(&folder, &arguments.paths, form, &mut out),
        (_, Some(word)) => versions::list(&folder, &path(word)?, form, &mut out),
        _ => {
            let time = arguments.time.as_deref().unwrap_or("now");
            match arguments.random {
                Some(count) => {
                    random::list(&folder, (time, count), &arguments.paths, form, &mut out)
                }
                None => state::list(&folder, time, &arguments.paths, form, &mut out),
            }
        }
    };
    // The entries before a failure are printed before its message.
    out.flush().and(done)
}

/// The time by the clock.
fn now() -> Result<SetTime, Failure> {
    SetTime::try_from(SystemTime::now()).or_fail(Status::Failed, "clock")
}

/// A path as it was given.
fn path(word: &OsString) -> Result<archive::TreePath, Failure> {
    archive::TreePath::parse(word.as_bytes()).or_fail(Status::Usage, "path")
}
