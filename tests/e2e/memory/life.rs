//! All that happens to a backup, once.

use std::fs;

use tests::Key;

use crate::memory::peaks::{Measured, Peaks};
use crate::memory::trees::Shape;
use crate::moo::stored;

/// What is done, in its order.
pub(crate) const DEEDS: [&str; 11] = [
    "full", "nothing", "some", "restore", "check", "compare", "list", "changes", "versions",
    "quick", "prune",
];

const AT: &str = "--archive-dir . --name archive";
const URL: &str = "file://$PWD/store";

/// What each program takes at most for each deed.
pub(crate) fn life(shape: &Shape) -> Peaks {
    let mut measured = Measured::new();
    let src = measured.sandbox.path("src");
    fs::create_dir(&src).unwrap();
    shape.make(&src);
    let key = Key::open(&measured.sandbox, "Moo <moo@example.org>");
    key.export(&measured.sandbox, "public.pgp");
    key.export_secret(&measured.sandbox, "secret.pgp", "");
    let backup = |kind: &str| format!("moo backup {kind} {AT} --encrypt-key public.pgp src {URL}");
    measured.does("full", &backup("full")).silent();
    measured.does("nothing", &backup("inc")).silent();
    shape.change(&src);
    measured.does("some", &backup("inc")).silent();
    reads(&mut measured);
    lists(&mut measured);
    let next = format!("PEAKS=/dev/null; {} --include src/filled --exclude '**'", backup("full"));
    measured.sandbox.sh(&next).silent();
    measured.does("prune", &format!("moo prune {AT} --keep-full 1 --force {URL}")).silent();
    assert_eq!(stored(&measured.sandbox).len(), 1);
    measured.peaks
}

/// The state is restored, checked and compared.
fn reads(measured: &mut Measured) {
    let read = format!("{AT} --secret-key secret.pgp {URL}");
    measured.does("restore", &format!("moo restore {read} out")).silent();
    let on_disk = measured.sandbox.sh("du -sk src out | cut -f 1").succeeds().out();
    let (src, out) = on_disk.trim().split_once('\n').unwrap();
    let (src, out): (u64, u64) = (src.parse().unwrap(), out.parse().unwrap());
    assert!(out < src + 4096, "holes have been filled: {src} and {out} KiB");
    measured.does("check", &format!("moo verify {read}")).silent();
    measured.does("compare", &format!("moo verify {read} src")).silent();
    measured.does("quick", &format!("moo verify {AT} --quick --sample 100 {URL}")).silent();
}

/// What it holds is listed.
fn lists(measured: &mut Measured) {
    let times = stored(&measured.sandbox);
    let changes = format!("--changes {} {}", times[0], times[2]);
    let lists = [("list", ""), ("changes", &changes), ("versions", "--versions filled")];
    for (deed, words) in lists {
        measured.does(deed, &format!("moo list {AT} {words} {URL} >/dev/null")).silent();
    }
}
