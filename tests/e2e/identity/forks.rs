//! Two copies of one backup that were extended separately.

use super::{Host, SEALED};

/// A copy of the store of etc, and a set more in each of the two, made without the other.
fn forked() -> Host {
    let host = Host::new();
    host.0.sh("cp -a stores/etc stores/copy && cp -a archives/etc archives/copy").silent();
    for name in ["etc", "copy"] {
        host.0.sh(&format!("sleep 1.1; echo {name} >etc/file")).silent();
        let archive = format!("--archive-dir archives --name {name}");
        let backup = format!("moo backup {archive} {SEALED} etc file://$PWD/stores/{name}");
        host.0.sh(&backup).silent();
    }
    host
}

#[test]
fn copies_that_were_extended_separately_are_not_joined() {
    let host = forked();
    host.0.sh("cp -a stores before").silent();
    for (from, to) in [("etc", "copy"), ("copy", "etc")] {
        let run =
            host.0.sh(&format!("moo replicate file://$PWD/stores/{from} file://$PWD/stores/{to}"));
        run.fails_with(5).one_message().stderr_has("a fork");
    }
    host.0.sh("diff -r stores before").silent();
    let sync = "moo sync --archive-dir archives --name etc file://$PWD/stores/copy";
    host.0.sh(sync).fails_with(5).stderr_has("a fork");
    // Each is whole by itself.
    for name in ["etc", "copy"] {
        let restore = format!("moo restore --archive-dir none file://$PWD/stores/{name} out");
        host.0.sh(&format!("{restore} && grep -qx {name} out/file && rm -r out")).silent();
    }
}

#[test]
fn a_copy_that_only_lags_behind_is_brought_up_to_date() {
    let host = Host::new();
    host.0.sh("cp -a stores/etc stores/copy").silent();
    host.0.sh("sleep 1.1; echo 3 >etc/file").silent();
    host.backup("etc", "").silent();
    host.0.sh("moo replicate file://$PWD/stores/etc file://$PWD/stores/copy").silent();
    host.0.sh("diff -r stores/etc stores/copy").silent();
    host.0.sh("moo replicate file://$PWD/stores/etc file://$PWD/stores/copy").silent();
}
