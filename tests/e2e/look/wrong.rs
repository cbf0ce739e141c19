//! What is missing from a store is told, and by whom it can be known.

use std::collections::BTreeSet;

use tests::{Run, Sandbox, Tree};

use super::{objects, status, text, three_sets};
use crate::moo::{Moo, stored};

/// What happens to the store, and the kinds of findings and the status that follow: with the
/// archive, and without it.
struct Case {
    what: &'static str,
    known: (&'static [&'static str], i32),
    blind: (&'static [&'static str], i32),
}

/// A case, where FULL, MIDDLE and LAST stand for the times of the sets.
const fn case(
    what: &'static str,
    known: (&'static [&'static str], i32),
    blind: (&'static [&'static str], i32),
) -> Case {
    Case { what, known, blind }
}

const CASES: [Case; 21] = [
    case(":", (&[], 0), (&[], 0)),
    case("rm *FULL.vol2.*", (&["volume"], 5), (&["volume"], 5)),
    // What was the last number is known to the manifest alone.
    case("rm $(ls -v *FULL.vol* | tail -n 1)", (&["volume"], 5), (&[], 0)),
    case("rm *.to.LAST.vol*", (&["volume"], 5), (&["volume"], 5)),
    case("rm *.to.LAST.manifest", (&["manifest"], 5), (&["manifest"], 5)),
    case("rm *.to.LAST.* moobacker.LAST.*", (&["set"], 5), (&[], 0)),
    case("rm *.to.MIDDLE.* moobacker.MIDDLE.*", (&["set", "base"], 5), (&["base"], 5)),
    case("rm *full*FULL.* moobacker.FULL.*", (&["set", "base"], 5), (&["base"], 5)),
    case("rm *.to.LAST.sigtar*", (&["signatures"], 5), (&["signatures"], 5)),
    case("rm moobacker.MIDDLE.seal", (&["seal"], 5), (&[], 0)),
    case(
        "touch notes duplicity-full.FULL.vol1.difftar.gz.par2",
        (&["foreign"], 0),
        (&["foreign"], 0),
    ),
    case(
        "touch .upload-5.a.0-duplicity-full.FULL.vol1.difftar.gz",
        (&["unfinished"], 0),
        (&["unfinished"], 0),
    ),
    case(
        "cp $(ls *FULL.vol1.*) duplicity-full.FULL.vol99.difftar.gz",
        (&["surplus"], 0),
        (&["volume"], 5),
    ),
    case(
        "for f in *LAST*; do cp $f $(echo $f | sed s/LAST/20980101T000000Z/); done",
        (&["replaced", "future", "unknown"], 0),
        (&["replaced", "future"], 0),
    ),
    // Sizes need no reading, and the seals of sets are read where the archive does not have them.
    case("truncate -s +1 *FULL.vol1.*", (&["size"], 5), (&["size"], 5)),
    case("truncate -s 9 *.to.LAST.manifest *.to.LAST.sigtar*", (&["size"], 5), (&["size"], 5)),
    case("truncate -s 100 moobacker.LAST.seal", (&["size"], 5), (&["damaged"], 0)),
    case("cd ../archive && truncate -s 100 moobacker.MIDDLE.seal", (&["damaged"], 0), (&[], 0)),
    case(
        "dd if=/dev/zero of=moobacker.LAST.seal count=2 bs=9 conv=notrunc status=none",
        (&[], 0),
        (&["damaged"], 0),
    ),
    case("rm ../archive/*LAST*", (&["unknown"], 0), (&[], 0)),
    case("rm *", (&["set"], 5), (&[], 10)),
];

/// The kinds of findings.
fn kinds(run: &Run) -> BTreeSet<String> {
    let object = &objects(run)[0];
    object["findings"].as_array().unwrap().iter().map(|found| text(&found["kind"])).collect()
}

#[test]
fn what_a_store_lacks_is_told_and_what_it_has_too_much_is_no_failure() {
    let sandbox = Sandbox::new();
    three_sets(&sandbox);
    sandbox.sh("mkdir clean && cp -R store archive clean").silent();
    let times = stored(&sandbox);
    for Case { what, known, blind } in CASES {
        let names = [("FULL", &times[0]), ("MIDDLE", &times[1]), ("LAST", &times[2])];
        let what =
            names.iter().fold(what.to_owned(), |what, (name, time)| what.replace(name, time));
        sandbox.sh("rm -r store archive && cp -R clean/* .").silent();
        sandbox.sh(&format!("cd store && {what}")).silent();
        for (archive, (expected, code)) in [("archive", known), ("lost", blind)] {
            let run = status(&sandbox, archive, "--json");
            let expected: BTreeSet<_> = expected.iter().map(|&kind| kind.to_owned()).collect();
            assert_eq!((kinds(&run), run.status), (expected, code), "{what} ({archive})");
            let table = status(&sandbox, archive, "");
            let wrong = table.out().contains("Errors:");
            assert_eq!((wrong, table.status), (code == 5, code), "{what} ({archive})");
            if code != 0 {
                table.one_message();
            }
        }
    }
    println!("{} stores, each with and without the archive", CASES.len());
}

#[test]
fn chains_that_were_removed_behind_newer_ones_are_no_loss() {
    let sandbox = Sandbox::new();
    Tree::small(sandbox.path("src"));
    let moo = Moo::plain(&sandbox);
    moo.backup("").silent();
    moo.backup("").silent();
    moo.backup("full").silent();
    let times = stored(&sandbox);
    sandbox.sh(&format!("cd store && rm -f *{}* *{}*", times[0], times[1])).silent();
    let run = status(&sandbox, "archive", "").succeeds();
    run.stdout_has("2 sets of older chains are missing, although the archive directory knows them");
    status(&sandbox, "archive", "--max-age 1h").silent();
}

#[test]
fn numbers_and_names_of_a_hostile_store_take_no_time_and_command_no_terminal() {
    let sandbox = Sandbox::new();
    let most = u64::MAX;
    let names = format!(
        "mkdir store && cd store && touch duplicity-full.20260101T000000Z.manifest \
         duplicity-full.20260101T000000Z.vol{most}.difftar \"$(printf '\\033[2J\\302\\233')\""
    );
    sandbox.sh(&names).silent();
    let run = status(&sandbox, "archive", "").fails_with(5).one_message();
    assert!(!run.stdout.contains(&0x1b) && !run.stdout.contains(&0x9b));
    run.stdout_has("volumes 1, 2, 3, 4, 5 and ").stdout_has("\\x1b[2J\\xc2\\x9b");
    sandbox.sh("touch store/duplicity-full.20260101T000000Z.manifest.gz").silent();
    status(&sandbox, "archive", "").fails_with(5).one_message();
}
