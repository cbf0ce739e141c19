//! What a fuzzer does with each parser of what came from outside, and the laws that must hold
//! whatever it finds. The bodies panic where one does not.

pub mod deflated;
pub mod manifests;
pub mod messages;
pub mod names;
pub mod rsyncs;
pub mod seeds;
pub mod streams;
pub mod tars;

/// Feeds one input to a parser.
pub type Body = fn(&[u8]);

/// Each target by its name.
pub const TARGETS: [(&str, Body); 19] = [
    ("collection", names::collection),
    ("delta", rsyncs::delta),
    ("entry_name", names::entry_name),
    ("file_name", names::file_name),
    ("file_stream", streams::file_stream),
    ("inflate", deflated::inflate),
    ("manifest", manifests::manifest),
    ("openpgp", messages::openpgp),
    ("place", manifests::place),
    ("receipts", streams::receipts),
    ("rsync_pair", rsyncs::pair),
    ("seal", manifests::seal),
    ("seal_text", messages::seal_text),
    ("set_time", names::set_time),
    ("signature", rsyncs::signature),
    ("signatures", rsyncs::signatures),
    ("tar", tars::tar),
    ("tree_path", names::tree_path),
    ("tree_stream", streams::tree_stream),
];

/// The target of that name.
pub fn body(name: &str) -> Body {
    let found = TARGETS.iter().find(|(target, _)| *target == name);
    found.expect("the name of a target").1
}
