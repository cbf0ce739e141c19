//! `moo consolidate`: a full set out of a chain, without the source.

mod chains;
mod faults;
mod state;

use tests::damage::find_all;
use tests::{Run, Sandbox};

/// `moo consolidate OPTIONS` of the store in the folder `store`, with the archive `archive`; what it
/// leaves among the temporary files is told on standard output.
fn consolidate(sandbox: &Sandbox, options: &str) -> Run {
    sandbox.sh(&script(options))
}

fn script(options: &str) -> String {
    format!(
        "mkdir -p tmp && export TMPDIR=$PWD/tmp && moo consolidate --archive-dir . --name archive \
         {options} file://$PWD/store && status=0 || status=$?; ls -A tmp; exit $status"
    )
}

/// The times of the full sets in the store.
fn fulls(sandbox: &Sandbox) -> Vec<String> {
    let manifests = find_all(sandbox.path("store"), "duplicity-full.");
    let names = manifests.iter().filter_map(|path| path.file_name()?.to_str());
    let names = names.filter(|name| !name.starts_with('.') && name.contains(".manifest"));
    names.map(|name| name.split('.').nth(1).unwrap().to_owned()).collect()
}
