//! The texts that people and programs read: beside those of stock, on the same store.

use super::{STOCK, drop_in, later};
use tests::{Duplicity, Sandbox};

fn both(sandbox: &Sandbox, call: &str) -> [String; 2] {
    ["", STOCK].map(|path| sandbox.sh(&format!("{path} duplicity {call}")).succeeds().out())
}

fn assert_both(sandbox: &Sandbox, call: &str) {
    let [ours, stocks] = both(sandbox, call);
    assert_eq!(ours, stocks, "{call}");
}

/// Two chains, the first one with an increment.
fn two_chains() -> Sandbox {
    let sandbox = drop_in();
    for (kind, change) in
        [("full", "date >src/x"), ("inc", "rm src/link; mkfifo src/p"), ("full", ":")]
    {
        sandbox.sh(&format!("{change}; duplicity -v0 {kind} src file://$PWD/store")).silent();
        later(&sandbox);
    }
    sandbox
}

#[test]
fn collection_status_is_that_of_stock_for_people_and_programs() {
    let sandbox = two_chains();
    for options in ["", "--log-fd 1", "-v0 --log-fd 1"] {
        assert_both(&sandbox, &format!("collection-status {options} file://$PWD/store"));
    }
    sandbox.sh("touch store/duplicity-full.20200101T000000Z.vol1.difftar.gpg").silent();
    assert_both(&sandbox, "collection-status --log-fd 1 file://$PWD/store");
    sandbox.sh("mkdir none").silent();
    assert_both(&sandbox, "collection-status --log-fd 1 file://$PWD/none");
}

#[test]
fn list_current_files_is_that_of_stock_for_people_and_programs() {
    let sandbox = two_chains();
    sandbox.sh("touch src/\"a'b\" 'src/a\\b' src/é; duplicity -v0 src file://$PWD/store").silent();
    assert_both(&sandbox, "list-current-files --log-fd 1 file://$PWD/store");
}

#[test]
fn what_would_be_deleted_is_listed_as_stock_does() {
    let sandbox = two_chains();
    for call in [
        "remove-all-but-n-full 1",
        "remove-all-inc-of-but-n-full 1",
        "remove-all-but-n-full 2",
        "remove-older-than 10D",
    ] {
        assert_both(&sandbox, &format!("{call} --log-fd 1 file://$PWD/store"));
    }
    assert_both(&sandbox, "cleanup --log-fd 1 file://$PWD/store");
    sandbox.sh("duplicity -v0 remove-all-but-n-full 1 --force file://$PWD/store").silent();
    sandbox.sh("ls store | grep -c manifest").stdout_is("1");
    sandbox.sh("duplicity -v0 restore file://$PWD/store out").succeeds();
}

#[test]
fn statistics_have_the_lines_of_stock() {
    let sandbox = drop_in();
    sandbox.sh(&format!("{STOCK} duplicity src file://$PWD/stocks >stocks.txt")).succeeds();
    sandbox.sh("duplicity src file://$PWD/ours >ours.txt").succeeds().stderr_is("");
    let form = "sed -E 's/[0-9]+/N/g; s/\\([^)]*\\)/(T)/' ";
    let [ours, stocks] =
        ["ours", "stocks"].map(|which| sandbox.sh(&format!("{form} {which}.txt")).out());
    let [ours, stocks] = [&ours, &stocks].map(|text| {
        let lines = text.lines().filter(|line| !line.contains("full backup") && !line.is_empty());
        lines.map(str::to_owned).collect::<Vec<_>>()
    });
    // Stock says, besides, that it makes a full set.
    for line in &ours {
        assert!(stocks.contains(line) || line.starts_with("Elapsed"), "{line}");
    }
    sandbox.sh("grep -c '^[A-Z][A-Za-z]* [0-9]' ours.txt").stdout_is("15");
}

#[test]
fn verify_ends_with_the_line_of_stock() {
    let sandbox = two_chains();
    for call in ["verify", "verify --compare-data"] {
        let line = format!("{call} file://$PWD/store src");
        let [ours, stocks] = both(&sandbox, &line);
        assert_eq!(ours.lines().last(), stocks.lines().last(), "{call}");
    }
    sandbox.sh("echo new >src/a; touch src/new; rm -r src/sub").silent();
    let last = |path: &str| {
        let verify = format!("{path} duplicity verify --compare-data file://$PWD/store src");
        sandbox.sh(&verify).fails_with(1).out().lines().last().map(str::to_owned)
    };
    assert_eq!(last(""), last(STOCK));
}

#[test]
fn the_changes_of_a_set_are_listed_as_the_new_duplicity_does() {
    let sandbox = drop_in();
    let stock = Duplicity::new(&sandbox);
    sandbox.sh("mv 'src/sub/b c' src/sub/file; echo 1 >src/old").silent();
    let options = "--no-encryption --files-changed src file://$PWD/store";
    stock.run("full", options).succeeds();
    later(&sandbox);
    sandbox.sh("echo more >src/a; rm src/old; mkdir src/new; echo 1 >src/new/file").silent();
    stock.run("incremental", options).succeeds();
    let part = "sed -n '/^-----*$/,$p' | grep -v complete";
    for number in ["0", "1", "-1", "-2"] {
        let call = format!("--no-encryption --show-changes-in-set {number} file://$PWD/store");
        let theirs = stock.run("collection-status", &call).succeeds();
        std::fs::write(sandbox.path("theirs"), &theirs.stdout).unwrap();
        let theirs = sandbox.sh(&format!("<theirs {part}")).out();
        let ours = format!("duplicity collection-status --archive-dir $PWD/mine {call}");
        sandbox.sh(&format!("{ours} >ours")).succeeds();
        assert_eq!(sandbox.sh(&format!("<ours {part}")).succeeds().out(), theirs, "{number}");
    }
    let none =
        "duplicity collection-status --show-changes-in-set 7 --no-encryption file://$PWD/store";
    sandbox.sh(none).fails_with(30).stderr_has("there are 2 sets");
}
