//! What `moo status` shows of a store where all is well.

use tests::peers::times;
use tests::{Key, Sandbox, Tree};

use super::{list, objects, status, text, three_sets};
use crate::moo::Moo;

/// The bytes in the files of a set.
fn bytes(sandbox: &Sandbox, time: &str) -> String {
    let files = format!("ls | grep -F .{time}. | grep -vF .{time}.to.");
    let size = sandbox.sh(&format!("cd store && cat $({files}) | wc -c")).succeeds().out();
    size.trim().to_owned()
}

#[test]
fn each_set_is_shown_with_its_volumes_size_and_source_and_no_key_is_needed() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let tree = Tree::small(sandbox.path("src"));
    let moo = Moo::encrypted(&sandbox, &key);
    moo.backup("").silent();
    tree.noise("more", 100);
    moo.backup("").silent();
    moo.backup("full").silent();
    key.forget(&sandbox);
    let times = times(sandbox.path("store"));
    let store = &objects(&status(&sandbox, "archive", "--json").succeeds())[0];
    let chains = store["chains"].as_array().unwrap();
    let sets: Vec<_> = chains.iter().flat_map(|chain| chain["sets"].as_array().unwrap()).collect();
    assert_eq!(sets.iter().map(|set| text(&set["time"])).collect::<Vec<_>>(), times);
    assert_eq!(
        sets.iter().map(|set| text(&set["type"])).collect::<Vec<_>>(),
        ["full", "inc", "full"]
    );
    assert_eq!((chains.len(), &sets[1]["base"]), (2, &times[0].as_str().into()));
    let host = sandbox.sh("uname -n").succeeds().out();
    for (set, time) in sets.iter().zip(&times) {
        assert_eq!((text(&set["host"]), text(&set["source"])), (host.trim().into(), "src".into()));
        assert_eq!(set["bytes"].to_string(), bytes(&sandbox, time));
        assert_eq!((&set["volumes"], &set["volumes_named"]), (&1.into(), &1.into()));
        assert_eq!(set["wrapping"].to_string(), "[\"gpg\"]");
        assert!(set["sealed"] == true && set["signatures"] == true);
    }
    assert_eq!(text(&store["last_good"]), times[2]);
    assert!(
        store["age"].as_i64().unwrap() < 60 && store["findings"].as_array().unwrap().is_empty()
    );
}

#[test]
fn the_times_that_are_shown_are_local_and_choose_the_set_that_they_are_of() {
    let mut sandbox = Sandbox::new();
    three_sets(&sandbox);
    sandbox.set("TZ", "<+0330>-3:30");
    let table = status(&sandbox, "archive", "").succeeds().out();
    let words = table.lines().filter_map(|line| line.split_whitespace().nth(1));
    let times: Vec<_> = words.filter(|word| word.ends_with("+03:30")).collect();
    assert_eq!(times.len(), 3, "{table}");
    for (day, time) in times.iter().enumerate() {
        let run = list(&sandbox, "archive", &format!("--time {time}"), "").succeeds();
        let newest = run.out().lines().rfind(|line| line.contains("new ")).unwrap().to_owned();
        assert!(newest.ends_with(&format!("new {day}/file")), "{time}: {newest}");
    }
    assert!(
        table.contains("a chain of 3 sets of ") && table.contains("The newest good set is of ")
    );
}

#[test]
fn stores_of_duplicity_are_shown_too() {
    let sandbox = Sandbox::new();
    let tree = Tree::small(sandbox.path("src"));
    tests::Duplicity::old(&sandbox).plain().full("src").succeeds();
    tree.noise("more", 100);
    tests::Duplicity::new(&sandbox).plain().increment("src").succeeds();
    let run = status(&sandbox, "archive", "").succeeds();
    run.stdout_has("a chain of 2 sets of ").stdout_has("  gz     -\n");
}

#[test]
fn what_has_no_url_or_a_wrong_option_is_wrong_usage() {
    let sandbox = Sandbox::new();
    for words in [
        "status",
        "status src",
        "status --max-age",
        "status --max-age never file:///x",
        "status --time 3D file:///x",
        "list",
        "list --changes 1D file:///x",
        "status file:///x y",
    ] {
        sandbox.sh(&format!("moo {words}")).fails_with(2).one_message();
    }
    for words in [
        "moo-status",
        "moo-status --max-age never file:///x",
        "moo-status file:///x src",
        "moo-status src",
        "moo-list",
        "moo-list file:///x",
        "moo-list --json --null --archive x",
        "moo-list --archive x --versions a b",
    ] {
        sandbox.sh(&format!("mkdir -p x; {words}")).fails_with(2).one_message();
    }
}
