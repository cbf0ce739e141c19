//! A restore that delivers nothing: it shows that a state can be brought back, and what it is.

use archive::TreePath;
use failure::Failure;
use stream::{Totals, Wanted};

use crate::compare::{What, compare};
use crate::entries::Entries;
use crate::proof::{Proof, Purpose};
use crate::source::Source;
use crate::staging::Staging;
use crate::{Input, Patch};

/// Builds the wanted state among the temporary files, and compares it if that is asked for.
pub(crate) fn prove(
    arguments: &Patch,
    input: Input,
    wanted: &Wanted,
    path: &TreePath,
) -> Result<Totals, Failure> {
    arguments.check_start(wanted)?;
    // What the stage that reads the source has to say comes before all the work.
    let source = arguments.compare.as_deref().map(Source::open).transpose()?;
    let staging = Staging::temporary()?;
    let keep_going = arguments.keep_going;
    let purpose = match () {
        () if source.is_some() => Purpose::Compare,
        () if keep_going => Purpose::Rescue,
        () => Purpose::Check,
    };
    let mut proof = Proof::new(&staging, path, purpose)?;
    let scratch = keep_going.then(|| staging.scratch()).transpose()?;
    let mut entries = Entries::new(input, wanted, scratch);
    proof.take_all(&mut entries)?;
    let (degraded, lost) = proof.tree.finish()?;
    let totals = entries.totals();
    let lost = totals.lost + lost;
    if !staging.has_tree()? {
        return Err(arguments.nothing(path, lost));
    }
    let what = if arguments.unchanged { What::Unchanged(path.clone()) } else { What::All };
    let differences = match source {
        Some(source) => compare(proof.ledger.state()?, source, &what)?,
        None => 0,
    };
    Ok(Totals { unreadable: degraded + differences, lost, ..totals })
}
