//! `moo-match` finds what of a state is there already, so that a restore fetches and writes only what
//! differs. The crate `restore` does the work.

use std::path::PathBuf;

use cli::{Common, Out, Program};
use failure::Failure;
use restore::{MergeMode, Owners};
use stream::Totals;

/// Find what of a state is at its destination already
///
/// moo-match compares the signature files of a state with the files at the destination, and with those that
/// an interrupted restore has left beside it. It reads each file that may be right once, and changes
/// nothing. Into the folder --plan it writes what a restore keeps, and which volumes it needs.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-match", version, after_help = EXAMPLES)]
pub struct Match {
    /// Directory that is restored to
    destination: PathBuf,
    /// Write the plan into the empty folder FOLDER. Nothing is written if all volumes are needed
    #[arg(long, value_name = "FOLDER", required_unless_present = "probe")]
    plan: Option<PathBuf>,
    /// Keep files at the destination that are right, as moo-patch --merge does
    #[arg(long, visible_alias = "force")]
    merge: bool,
    /// Keep files at the destination that are right, as moo-patch --delete does
    #[arg(long)]
    delete: bool,
    /// Print yes if there is anything that could be kept, and read nothing
    #[arg(long, conflicts_with = "plan")]
    probe: bool,
    /// Compare owners by number, even if this machine knows their names
    #[arg(long, conflicts_with = "no_restore_ownership")]
    numeric_owner: bool,
    /// Compare no owners: all files belong to the calling user
    #[arg(long, alias = "do-not-restore-ownership")]
    no_restore_ownership: bool,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  moo-match --probe --merge /etc
  mkdir /tmp/plan; moo-fetch --signatures file:///srv/backup | moo-decrypt |
      moo-match --merge --plan /tmp/plan /etc &&
      moo-fetch --needed file:///srv/backup </tmp/plan/needed.json | moo-decrypt |
      moo-patch --merge --matched /tmp/plan /etc";

impl Program for Match {
    const NAME: &'static str = "moo-match";
    type Outlet = ();

    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, _: &mut ()) -> Result<Totals, Failure> {
        let mode = MergeMode { merge: self.merge || self.delete, delete: self.delete };
        let Some(plan) = &self.plan else {
            if restore::has_anything(&self.destination, mode)? {
                let mut out = Out::new();
                out.line("yes")?;
                out.flush()?;
            }
            return Ok(Totals::default());
        };
        let owners = match (self.numeric_owner, self.no_restore_ownership) {
            (_, true) => Owners::kept(),
            (true, _) => Owners::by_number(),
            _ => Owners::by_name(),
        };
        restore::match_destination(&self.destination, mode, owners, plan)
    }
}
