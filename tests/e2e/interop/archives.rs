//! Archive folders that are shared, of one program each, or lost.

use tests::{Key, Sandbox, Snapshot, Tree};

use super::programs::{Moo, New, Old, Program};

/// Makes our archive again out of what the store has.
const SYNC: &str = "moo-fetch --metadata file://$PWD/store | moo-decrypt |
    moo-upload file://$PWD/of-Moo >receipts";

#[test]
fn programs_with_an_archive_each_extend_the_chain_of_the_others() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let tree = Tree::small(sandbox.path("src"));
    let mut states = Vec::new();
    for (day, who) in [New, Moo, Old, Moo, New].into_iter().enumerate() {
        tree.noise(format!("day {day}"), 1000);
        states.push(Snapshot::by_stock(tree.root()));
        let own = Program::new(&sandbox, who, &format!("--encrypt-key {key}"));
        let own = own.archive(&format!("of-{who:?}"));
        if who == Moo {
            sandbox.sh(&format!("rm -rf of-Moo; {SYNC}")).silent();
        }
        if day == 0 { own.full("src") } else { own.increment("src") }
    }
    sandbox.sh("test $(ls store/*full-sig* | wc -l) = 1").silent();
    for who in [Moo, Old, New] {
        let lost = Program::new(&sandbox, who, &format!("--encrypt-key {key}")).archive("lost");
        lost.brings_back("now", states.last().unwrap());
        if who == Moo {
            lost.brings_back_all(&states);
        }
        sandbox.sh("rm -rf lost").silent();
    }
}

#[test]
fn an_archive_that_another_program_has_overtaken_begins_a_new_chain_and_a_lost_one_is_made_again() {
    for lost in [false, true] {
        let sandbox = Sandbox::new();
        let key = Key::open(&sandbox, "Moo <moo@example.org>");
        let tree = Tree::small(sandbox.path("src"));
        let own = |who: super::programs::Who| {
            let own = Program::new(&sandbox, who, &format!("--encrypt-key {key}"));
            own.archive(&format!("of-{who:?}"))
        };
        let mut states = Vec::new();
        for (day, who) in [Moo, Old, Moo, New].into_iter().enumerate() {
            tree.noise(format!("day {day}"), 1000);
            states.push(Snapshot::by_stock(tree.root()));
            // Who does not know the sets before can't wait for a later second.
            sandbox.sh("sleep 1.1").silent();
            match who {
                Moo if day == 0 || lost => drop(own(Moo).moo("", "src").silent()),
                Moo => {
                    let told = own(Moo).moo("", "src").succeeds().one_message();
                    drop(told.stderr_has("which the archive directory does not know"));
                }
                _ => own(who).increment("src"),
            }
            if lost {
                sandbox.sh("rm -rf of-*").silent();
            }
        }
        // Where the archive is lost and the secret key is at hand, it is read from the store.
        let fulls = if lost { "1" } else { "2" };
        assert_eq!(sandbox.sh("ls store/*full-sig* | wc -l").out().trim(), fulls);
        own(Moo).archive("lost").brings_back_all(&states);
        own(Old).archive("lost").brings_back("now", &states[3]);
        own(New).archive("lost").is_content("src");
    }
}
