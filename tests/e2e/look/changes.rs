//! `moo list --changes`: what differs between two states.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tests::{Duplicity, Sandbox, Tree};

use super::{list, objects, paths, text};
use crate::moo::{Moo, stored};

#[test]
fn each_way_to_change_has_its_sign_and_says_what_differs() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    for name in ["content", "gone", "mode", "same", "turned", "touched"] {
        tree.file(format!("d/{name}"), name.as_bytes());
    }
    tree.symlink("d/link", "one");
    let moo = Moo::plain(&sandbox);
    moo.backup("").silent();
    tree.file("d/content", b"other content");
    tree.mtime("d/content", 1_800_000_000, 0);
    tree.remove("d/gone");
    tree.mode("d/mode", 0o600);
    tree.folder("d/turned");
    tree.mtime("d/touched", 1_800_000_000, 0);
    tree.file("d/new", b"");
    tree.symlink("d/link", "two");
    moo.backup("full").silent();
    let times = stored(&sandbox);
    let changes = |from: &str, to: &str, options: &str, paths: &str| {
        list(&sandbox, "archive", &format!("{options} --changes {from} {to}"), paths).succeeds()
    };
    changes(&times[0], &times[1], "", "").stdout_is(
        "M content,mtime        d/content\n- file                 d/gone\n\
         M target               d/link -> two\nM mode                 d/mode\n\
         + file                 d/new\nM mtime                d/touched\n\
         T file to directory    d/turned\n",
    );
    changes(&times[0], "now", "", "d/mode d/same").stdout_is("M mode                 d/mode");
    changes(&times[1], "now", "", "").silent();
    let back = changes("now", &times[0], "-0", "");
    assert_eq!(paths(&back).len(), 7);
    back.stdout_has("d/gone\0");
    list(&sandbox, "archive", "--changes 0D 0D", "d/nothing").fails_with(10).one_message();
}

/// A listing by path.
fn by_path(sandbox: &Sandbox, time: &str) -> BTreeMap<String, Value> {
    let listed =
        objects(&list(sandbox, "archive", &format!("--json --time {time}"), "").succeeds());
    listed.into_iter().map(|object| (text(&object["path"]), object)).collect()
}

/// The changes that two listings amount to, as pairs of word and path.
fn expected(
    old: &BTreeMap<String, Value>,
    new: &BTreeMap<String, Value>,
) -> BTreeSet<(String, String)> {
    let all: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let changes = all.into_iter().filter_map(|path| {
        let word = match (old.get(path), new.get(path)) {
            (Some(_), None) => "deleted",
            (None, Some(_)) => "added",
            (Some(old), Some(new)) if old["type"] != new["type"] => "replaced",
            (Some(old), Some(new)) if old != new => "modified",
            _ => return None,
        };
        Some((word.to_owned(), path.clone()))
    });
    changes.collect()
}

fn compare(sandbox: &Sandbox, times: &[String]) -> usize {
    let states: Vec<_> = times.iter().map(|time| by_path(sandbox, time)).collect();
    let mut count = 0;
    for (from, old) in times.iter().zip(&states) {
        for (to, new) in times.iter().zip(&states) {
            let run = list(sandbox, "archive", &format!("--json --changes {from} {to}"), "");
            let told = objects(&run.succeeds()).into_iter().map(|change| {
                let side = if change["new"].is_null() { "old" } else { "new" };
                (text(&change["change"]), text(&change[side]["path"]))
            });
            let expected = expected(old, new);
            count += expected.len();
            assert_eq!(told.collect::<BTreeSet<_>>(), expected, "{from} {to}");
        }
    }
    count
}

#[test]
fn the_changes_between_any_two_states_are_those_between_their_listings() {
    let sandbox = Sandbox::new();
    let tree = Tree::every_kind(sandbox.path("src"));
    let moo = Moo::plain(&sandbox);
    for day in 0..3 {
        if day > 0 {
            tree.day(day);
        }
        moo.backup(if day == 2 { "full" } else { "" }).silent();
    }
    let times = stored(&sandbox);
    println!("{} changes in {} pairs of states", compare(&sandbox, &times), times.len().pow(2));
}

#[test]
fn contents_that_duplicity_has_stored_are_told_apart_by_their_signatures() {
    let sandbox = Sandbox::new();
    let tree = Tree::small(sandbox.path("src"));
    tree.file("sly", b"one");
    let old = Duplicity::old(&sandbox).plain();
    old.full("src").succeeds();
    tree.file("sly", b"two");
    tree.noise("folder/other", 31_000);
    tree.mtime("folder/other", 1_800_000_000, 0);
    old.full("src").succeeds();
    Moo::plain(&sandbox).backup("full").silent();
    let times = stored(&sandbox);
    let changes = |from: &str, to: &str| {
        list(&sandbox, "archive", &format!("--changes {from} {to}"), "").succeeds()
    };
    let two = "M content,mtime        folder/other\nM content              sly";
    changes(&times[0], &times[1]).stdout_is(two);
    // Signatures of another kind tell nothing: what has the same time is held to be the same.
    changes(&times[1], &times[2]).stdout_is("");
    changes(&times[0], &times[2]).stdout_is("M content,mtime        folder/other");
}
