//! `moo-patch` builds a tree out of the files of its sets, beside its destination, and delivers it
//! when all of it has been checked. The crate `restore` does the work.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use archive::TreePath;
use cli::{Common, Program};
use failure::{Failure, OrFail, Reason, Status, TemporaryFile, shown};
use restore::{MergeMode, Owners, Plan, Rearrangement, RestoreInput};
use stream::Totals;

/// Rebuild a source from the files of its sets
///
/// moo-patch builds the tree beside its destination. It renames the tree into place when the stream
/// is complete and every hash is correct. It writes nowhere else. A destination that exists is
/// refused without --merge or --delete, unless it is an empty directory.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-patch", version, after_help = EXAMPLES)]
pub struct Patch {
    /// Directory or file to create; a restored file goes into an existing directory. - writes the content
    /// of one file, or a tar with --tar, to standard output
    #[arg(required_unless_present_any = ["check", "clear"])]
    destination: Option<PathBuf>,
    /// Restore into an existing directory: replace files that are in the backup, and keep all
    /// others
    #[arg(long, visible_alias = "force")]
    merge: bool,
    /// Restore into an existing directory, and delete files that are not in the backup
    #[arg(long)]
    delete: bool,
    /// Write a tar of everything to standard output; the destination is -
    #[arg(long, conflicts_with_all = ["merge", "delete", "check", "no_restore_ownership"])]
    tar: bool,
    /// Write the file to standard output as it arrives, before all of it has been verified
    #[arg(long, conflicts_with_all = ["tar", "check", "merge", "delete"])]
    no_spool: bool,
    /// Fail if the destination is in the folder of the store URL, or if --delete would delete that
    /// folder
    #[arg(long, value_name = "URL", conflicts_with = "check")]
    store: Option<String>,
    /// Keep what moo-match has found in place, as it wrote down in the folder FOLDER; the stream has the
    /// other volumes, see --needed of moo-fetch
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["tar", "no_spool", "keep_going", "check", "rename",
        "strip_components"])]
    matched: Option<PathBuf>,
    /// Restore intact files and name the others; moo-fetch and moo-decrypt need this option too
    #[arg(long, conflicts_with_all = ["merge", "delete"])]
    keep_going: bool,
    /// Verify the backup: build the tree as temporary files, then delete it
    #[arg(long, conflicts_with_all = ["destination", "merge", "delete"])]
    check: bool,
    /// Restore owners by number, even if this machine knows their names
    #[arg(long, conflicts_with = "no_restore_ownership")]
    numeric_owner: bool,
    /// Do not restore owners: all files belong to the calling user
    #[arg(long, alias = "do-not-restore-ownership")]
    no_restore_ownership: bool,
    /// Delete the folder of a restore that was interrupted, and nothing else
    #[arg(long, hide = true, value_name = "FOLDER", conflicts_with_all = ["check", "destination"])]
    clear: Option<PathBuf>,
    /// Restore PATH as NEW, both relative to the destination. Can be repeated; all renames are done at
    /// once. If PATH is not restored, the exit status is 3
    #[arg(long, num_args = 2, value_names = ["PATH", "NEW"], allow_hyphen_values = true,
        conflicts_with_all = ["check", "tar", "no_spool"])]
    rename: Vec<OsString>,
    /// Remove the first N components of each path, after --rename. Objects whose paths have no more
    /// components are not restored
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true,
        conflicts_with_all = ["check", "tar", "no_spool"])]
    strip_components: u16,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  moo-fetch file:///srv/backup | moo-decrypt | moo-patch /tmp/etc
  moo-fetch --time 3D --path ssh/sshd_config file:///srv/backup | moo-decrypt |
      moo-patch /tmp/sshd_config
  moo-fetch --path hosts file:///srv/backup | moo-decrypt | moo-patch - | wc -l
  moo-fetch --path ssh file:///srv/backup | moo-decrypt |
      moo-patch --rename sshd_config sshd_config.old /tmp/ssh
  moo-fetch --time 3D file:///srv/backup | moo-decrypt | moo-patch --check";

impl Program for Patch {
    const NAME: &'static str = "moo-patch";
    type Outlet = ();

    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, _: &mut ()) -> Result<Totals, Failure> {
        if let Some(folder) = &self.clear {
            return restore::delete_leftover(folder).map(|()| Totals::default());
        }
        let rearrangement = self.rearrangement()?;
        let plan = self.matched.as_deref().map(Plan::open).transpose()?;
        let input = match &plan {
            Some(plan) => RestoreInput::open_for(plan)?,
            None => RestoreInput::open(self.keep_going)?,
        };
        if self.check {
            return restore::check(input);
        }
        let Some(destination) = &self.destination else {
            return Err(Failure::new(Status::Usage, "a destination is needed (see --help)"));
        };
        if destination.as_os_str() == "-" {
            return self.write(input);
        }
        if self.tar || self.no_spool {
            let why =
                "--tar and --no-spool write to standard output only: give - as the destination";
            return Err(Failure::of(Status::Usage, shown(destination), why));
        }
        if let Some(store) = &self.store {
            restore::check_outside(store, destination, self.delete)?;
        }
        if self.delete && input.is_filtered() {
            let why = "--delete would delete what is not selected; give one --path at most";
            return Err(Failure::new(Status::Usage, why));
        }
        let mode = MergeMode { merge: self.merge || self.delete, delete: self.delete };
        restore::restore(input, destination, mode, self.owners(), &rearrangement, plan)
            .map_err(|failure| on_disk(failure, destination))
    }
}

/// Names the destination if its disk is full: a path in the backup does not tell which disk that is.
fn on_disk(failure: Failure, destination: &Path) -> Failure {
    let temporary = TemporaryFile.to_string();
    let is_temporary = failure.beside(&temporary) != failure.message();
    let subject = failure.message().split(": ").next().map(Path::new);
    let is_named = subject.and_then(Path::file_name) == destination.file_name();
    if failure.reason() != Reason::DiskFull || is_temporary || is_named {
        return failure;
    }
    failure.inside(shown(destination))
}

impl Patch {
    /// Writes to standard output instead of a destination.
    fn write(&self, input: RestoreInput) -> Result<Totals, Failure> {
        let is_rearranged = !self.rename.is_empty() || self.strip_components > 0;
        if self.merge || self.delete || self.keep_going || is_rearranged {
            let why = "standard output takes no --merge, --delete, --keep-going, --rename or \
                --strip-components";
            return Err(Failure::new(Status::Usage, why));
        }
        match (self.tar, self.no_spool) {
            (true, _) => restore::write_tar(input, self.numeric_owner),
            (_, true) => restore::stream_file(input),
            _ => restore::write_file(input),
        }
    }

    /// Which paths change.
    fn rearrangement(&self) -> Result<Rearrangement, Failure> {
        let parse =
            |path: &OsString| TreePath::parse(path.as_bytes()).or_fail(Status::Usage, "--rename");
        let pairs = self.rename.chunks_exact(2);
        // A new path below the destination would not be what an absolute path says.
        if let Some(pair) = pairs.clone().find(|pair| pair[1].as_bytes().starts_with(b"/")) {
            let why = "the new path is absolute; give one that is relative to the destination";
            let which = format!("--rename {} {}", shown(&pair[0]), shown(&pair[1]));
            return Err(Failure::of(Status::Usage, which, why));
        }
        let renames = pairs.map(|pair| Ok((parse(&pair[0])?, parse(&pair[1])?)));
        let renames = renames.collect::<Result<_, Failure>>()?;
        Rearrangement::new(renames, self.strip_components.into())
    }

    fn owners(&self) -> Owners {
        match (self.numeric_owner, self.no_restore_ownership) {
            (_, true) => Owners::kept(),
            (true, _) => Owners::by_number(),
            _ => Owners::by_name(),
        }
    }
}
