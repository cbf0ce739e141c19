//! What is printed for programs, and the schemas that are published for it.

use tests::{Sandbox, Tree, assert_by_schema};

use super::{list, status, three_sets};
use crate::moo::{Moo, stored};

#[test]
fn status_is_by_its_schema_whatever_it_finds() {
    let sandbox = Sandbox::new();
    drop(three_sets(&sandbox));
    sandbox.sh("mv archive lost; mkdir archive").silent();
    let look = |archive| status(&sandbox, archive, "--json").out();
    assert_by_schema(&sandbox, "status", &look("lost"));
    assert_by_schema(&sandbox, "status", &look("archive"));
    // Without the manifest of the second set, a volume of the first, and with files of others.
    let times = stored(&sandbox);
    let harm = format!(
        "rm store/*.to.{}.manifest* store/*{}.vol1.*; touch store/other store/.upload-x",
        times[1], times[0]
    );
    sandbox.sh(&harm).silent();
    for archive in ["lost", "archive"] {
        let told = look(archive);
        assert!(told.contains(r#""lost":true"#), "{told}");
        assert_by_schema(&sandbox, "status", &told);
    }
}

#[test]
fn lists_of_entries_changes_versions_and_finds_are_by_their_schema() {
    let sandbox = Sandbox::new();
    let tree = Tree::every_kind(sandbox.path("src"));
    let moo = Moo::plain(&sandbox);
    moo.backup("").silent();
    tree.file("new", b"1");
    moo.backup("").silent();
    sandbox.sh("rm src/new").silent();
    moo.backup("--allow-deletions").silent();
    let times = stored(&sandbox);
    let changes = format!("--json --changes {} {}", times[0], times[1]);
    let lists = ["--json", &changes, "--json --versions new"];
    for options in lists {
        assert_by_schema(
            &sandbox,
            "list",
            &list(&sandbox, "archive", options, "").succeeds().out(),
        );
    }
    let shared = "--archive-dir . --name archive --json file://$PWD/store";
    for command in [
        format!("moo find {shared} 'n*'"),
        format!("moo diff {shared} {} {}", times[0], times[2]),
        format!("moo diff {shared} {} {}", times[0], times[1]),
    ] {
        let told = sandbox.sh(&command).succeeds().out();
        if !told.is_empty() {
            assert_by_schema(&sandbox, "list", &told);
        }
    }
}
