//! What goes wrong with duplicity, both the old one and the new one, and must not with us: also not
//! with archives that duplicity has written. Each of these stories was seen to happen.

mod changes;
mod content;
mod names;
mod resumed;
mod sets;
mod times;

use tests::{Run, Sandbox};

/// A restore without any archive at hand.
fn restore(sandbox: &Sandbox, options: &str) -> Run {
    sandbox.sh(&format!("moo restore --archive-dir . --name lost {options} file://$PWD/store out"))
}

/// Nothing has taken the name of the destination, nor any other.
#[track_caller]
fn nothing_came_of_it(sandbox: &Sandbox) {
    sandbox.sh("ls -A | grep out").fails_with(1);
}
