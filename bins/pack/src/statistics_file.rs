//! The statistics of a set as JSON, as duplicity 3 stores them beside it.

use std::io::Write;

use archive::FileKind;
use failure::{Failure, OrFail, Status};
use stream::{SetHeader, Totals};

use crate::spool::{Spool, Spools};

/// Writes the statistics of a set that ends now into a waiting file.
pub(crate) fn write(
    head: &SetHeader,
    totals: &Totals,
    url: &str,
    spools: &Spools,
) -> Result<Spool, Failure> {
    let json = statistics::json(head, totals, url, spools.folder())?;
    let spool = spools.open(FileKind::Stats, 0)?;
    spool.file()?.write_all(json.as_bytes()).or_fail(Status::Failed, spool.name())?;
    Ok(spool)
}
