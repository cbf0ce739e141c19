//! Restoring: a tree is built out of the file stream of its sets, beside its destination, and
//! delivered when all of it has been checked.
//!
//! One restored entry goes this way: [`restore`] takes it from `entries`, `tree` applies it, `file`
//! writes its content at the place where `cursor` is, and `metadata` is set on it. `keep_going` and
//! `tombstones` matter only to a restore past damage, `destination`, `merge` and `moves` only to the
//! delivery.

mod cursor;
mod destination;
mod direct;
mod doomed;
mod entries;
mod file;
mod hard_links;
mod keep_going;
mod kept;
mod link_groups;
mod matching;
mod merge;
mod metadata;
mod moves;
mod needed;
mod objects;
mod outside;
mod plan;
mod planned;
mod rearrangement;
mod resume;
mod scratch_restore;
mod selected;
mod set_metadata;
mod skipped;
mod staging;
mod standard_output;
mod state;
mod sync;
mod there;
mod tombstones;
mod tree;
mod trusted_path;
mod within;

use std::os::fd::AsFd;
use std::path::Path;

use archive::TreePath;
use cli::note::{self, Note};
use failure::{Failure, Reason, Status, shown};
use selection::Part;
use stream::{FilesInput, RestoreRequest, SetRef, Totals, pipe};

pub use direct::stream_file;
pub use entries::entry_name;
pub use matching::{has_anything, match_destination};
pub use merge::MergeMode;
pub use metadata::Owners;
pub use outside::check_outside;
pub use plan::Plan;
pub use rearrangement::Rearrangement;
pub use scratch_restore::{Purpose, ScratchRestore, ScratchTree, check};
pub use standard_output::{write_file, write_tar};
pub use state::StateRecorder;

use crate::destination::Destination;
use crate::entries::Entries;
use crate::kept::Kept;
use crate::planned::Planned;
use crate::set_metadata::Input;
use crate::staging::{Scratch, Staging};
use crate::tree::Tree;

/// The file stream of a restore, which comes on standard input.
pub struct RestoreInput {
    input: Input,
    request: RestoreRequest,
    part: Part,
    keep_going: bool,
}

impl RestoreInput {
    /// Reads the start of the stream. With `keep_going` the restore continues past damage.
    ///
    /// # Errors
    /// Standard input is no stream of a restore, or the first set is no full set.
    pub fn open(keep_going: bool) -> Result<RestoreInput, Failure> {
        RestoreInput::begin(keep_going, None)
    }

    /// Reads the start of a stream that has the volumes which a plan needs.
    ///
    /// # Errors
    /// Standard input is no stream of a restore, or is another one.
    pub fn open_for(plan: &Plan) -> Result<RestoreInput, Failure> {
        RestoreInput::begin(false, Some(plan))
    }

    fn begin(keep_going: bool, plan: Option<&Plan>) -> Result<RestoreInput, Failure> {
        let input = FilesInput::open(pipe::input()?)?.keep_going(keep_going);
        let Some(request) = input.begin().request().cloned() else {
            let why =
                "standard input: no stream to restore from (moo-fetch without --all makes one)";
            return Err(Failure::new(Status::Usage, why));
        };
        if request.volumes.is_some() && plan.is_none() {
            let why =
                "standard input: has only some volumes of its sets, see --volume of moo-fetch";
            return Err(Failure::new(Status::Usage, why));
        }
        if plan.is_some_and(|plan| !plan.is_for(&request)) {
            let why = "standard input: has other volumes than --matched needs, see moo-match";
            return Err(Failure::new(Status::Usage, why));
        }
        let part = Part::of(&request)?;
        match request.sets.first().map(SetRef::id).filter(|id| !id.is_full()) {
            Some(id) if !keep_going => {
                let why = format!("the {id}: the set before it is missing");
                Err(Failure::new(Status::Integrity, why))
            }
            _ => Ok(RestoreInput { input, request, part, keep_going }),
        }
    }

    /// What was requested: the sets, and the path in the backup.
    pub fn request(&self) -> &RestoreRequest {
        &self.request
    }

    /// The path in the backup that is restored; the root for all of it.
    pub fn path(&self) -> &TreePath {
        self.part.path()
    }

    /// Whether some of what is at or below that path may be left out.
    pub fn is_filtered(&self) -> bool {
        self.part.is_filtered()
    }

    /// For what needs all that is at or below the path.
    ///
    /// # Errors
    /// Patterns or several paths were requested.
    pub fn unfiltered(self) -> Result<RestoreInput, Failure> {
        if !self.is_filtered() {
            return Ok(self);
        }
        let why = "standard input: takes one --path of moo-fetch at most, and no patterns";
        Err(Failure::new(Status::Usage, why))
    }

    /// The entries of all sets. To restore past damage takes a place for what is known of the sets.
    fn entries(self, scratch: Option<Scratch>) -> (Entries, Part) {
        (Entries::new(self.input, &self.request, scratch), self.part)
    }
}

/// Restores to `destination`, which appears at the end, after the tree has been rearranged. Returns the
/// totals of the stream; objects that could not get all their metadata count as unreadable.
///
/// # Errors
/// Status 2 if something at the destination is in the way, 5 if anything of the stream is damaged,
/// 10 if the path is not in the backup, else that of the failure. Unless the message says otherwise,
/// the destination is as it was.
pub fn restore(
    input: RestoreInput,
    destination: &Path,
    mode: MergeMode,
    owners: Owners,
    rearrangement: &Rearrangement,
    plan: Option<Plan>,
) -> Result<Totals, Failure> {
    let path = input.path().clone();
    let which = destination;
    let destination = Destination::open(destination, mode, path.file_name())?;
    let left = if plan.is_some() { destination.leftover()? } else { None };
    let mut staging = match left {
        Some(left) => left,
        None => destination.staging()?,
    };
    let root = path.clone();
    let built =
        Built::new(input, &staging, owners.again(), plan.as_ref(), !rearrangement.is_empty());
    // What was lost was the connection, so the next run resumes from what is there.
    let built = built.inspect_err(|failure| {
        if failure.status() == Status::Lost && staging.is_resumable() {
            staging.stay();
        }
    })?;
    let lost = built.totals.lost;
    if !staging.has_tree()? {
        return Err(nothing_restored(which, &path, lost));
    }
    let idle = rearrangement.apply(staging.as_fd(), mode.delete)?;
    let degraded = destination.deliver(&staging, Kept::of(plan, root)?, owners)?;
    note::leave(&Note::Complete);
    Ok(Totals { unreadable: built.totals.unreadable + degraded + idle, ..built.totals })
}

/// A tree in the staging folder, and the totals of its stream.
struct Built {
    totals: Totals,
}

impl Built {
    fn new(
        input: RestoreInput,
        staging: &Staging,
        owners: Owners,
        plan: Option<&Plan>,
        is_rearranged: bool,
    ) -> Result<Built, Failure> {
        let keep_going = input.keep_going;
        // Of what moo-match finds no plan for, nothing is kept.
        let is_resumable = !keep_going && !input.is_filtered() && !is_rearranged;
        let scratch = keep_going.then(|| staging.scratch()).transpose()?;
        let (mut entries, part) = input.entries(scratch);
        if let Some(plan) = plan {
            resume::sweep(staging.as_fd(), plan, part.path())?;
        }
        let mut tree = Tree::new(staging.open()?, part, keep_going, owners)?;
        tree.planned = plan.map(Planned::new).transpose()?;
        while let Some(event) = entries.advance()? {
            tree.take(event, &mut entries)?;
            staging.note_resumable(is_resumable)?;
        }
        let (degraded, lost) = tree.finish()?;
        let totals = entries.totals();
        let (unreadable, lost) = (totals.unreadable + degraded, totals.lost + lost);
        Ok(Built { totals: Totals { unreadable, lost, ..totals } })
    }
}

/// Deletes the folder of a restore that was interrupted, and nothing else.
///
/// # Errors
/// It can't be deleted.
pub fn delete_leftover(folder: &Path) -> Result<(), Failure> {
    Staging::delete(folder)
}

/// Why a path is not restored.
pub(crate) const NOT_THERE: &str =
    "not in the backup at that time; a path is relative to the source, and moo list shows all";

/// The failure of a restore that built nothing: all was lost, or there is no such path.
fn nothing_restored(destination: &Path, path: &TreePath, lost: u64) -> Failure {
    if lost > 0 {
        let why = format!("{}: nothing could be brought back", shown(&destination));
        return Failure::new(Status::Integrity, why);
    }
    Failure::of(Status::Absent, path, NOT_THERE).because(Reason::NoSuchPath)
}
