//! `moobacker-duplicity` in duplicity's place: its command line, its texts and codes, and the programs
//! that call it.

mod calls;
mod codes;
mod deja_dup;
mod duply;
mod jsonstat;
mod links;
mod mail_in_a_box;
mod prefixes;
mod public_scripts;
mod random;
mod refusals;
mod restores;
mod texts;

use tests::Sandbox;
use tests::sandbox::{programs, workspace};

/// The programs of the system, where stock duplicity is.
pub(crate) const STOCK: &str = "PATH=/usr/local/bin:/usr/bin:/bin";

/// A sandbox in which `duplicity` is ours, with a source `src`, and a passphrase.
pub(crate) fn drop_in() -> Sandbox {
    let mut sandbox = Sandbox::new();
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", sandbox.path(".drop").display());
    sandbox.set("PATH", path).set("PASSPHRASE", "a b");
    let link = programs().join("moobacker-duplicity");
    sandbox.sh(&format!("mkdir .drop && ln -s {} .drop/duplicity", link.display())).silent();
    sandbox
        .sh("mkdir -p src/sub && echo one >src/a && echo two >'src/sub/b c' && ln -s a src/link")
        .silent();
    sandbox
}

/// Lets the sandbox find `moo`, too.
pub(crate) fn with_moo(sandbox: &mut Sandbox) {
    let moo = workspace().join("pipelines/moo");
    sandbox.sh(&format!("ln -s {} .drop/moo", moo.display())).silent();
}

/// A second later: two sets have two times.
pub(crate) fn later(sandbox: &Sandbox) {
    sandbox.sh("sleep 1.1").silent();
}
