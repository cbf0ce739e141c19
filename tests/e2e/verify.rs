//! `moo verify` and `moo drill`: whether a backup is what it was, and what the source is.

mod compare;
mod drill;
mod quick;
mod store;
mod trust;

use tests::{Run, Sandbox};

/// `moo verify OPTIONS` of the store in the folder `store`, with the archive `archive`.
fn verify(sandbox: &Sandbox, options: &str, source: &str) -> Run {
    with_archive(sandbox, "archive", options, source)
}

/// The same with another archive; one that is not there is one that was lost.
fn with_archive(sandbox: &Sandbox, archive: &str, options: &str, source: &str) -> Run {
    sandbox.sh(&format!(
        "mkdir -p tmp && export TMPDIR=$PWD/tmp && moo verify --archive-dir . --name {archive} \
         {options} file://$PWD/store {source} && status=0 || status=$?; \
         ls -A tmp; exit $status"
    ))
}
