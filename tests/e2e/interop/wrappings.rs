//! Every way to wrap the files of a set, from us to both duplicities and back.

use tests::damage::find_all;
use tests::{Key, Sandbox, Snapshot, Tree, long};

use super::programs::{Moo, New, Old, Program, Who};

/// A way, its options, with ONE and TWO for two keys, and what duplicity alone is told.
const WAYS: [(&str, &str, &str); 12] = [
    ("to a key", "--encrypt-key ONE", ""),
    ("to two keys", "--encrypt-key TWO --encrypt-key ONE", ""),
    ("to a hidden key", "--hidden-encrypt-key ONE", ""),
    ("with a passphrase", "", ""),
    ("signed inside", "--encrypt-key ONE --sign-key ONE", ""),
    ("signed with a passphrase", "--sign-key ONE", ""),
    ("not packed in its message", "--encrypt-key ONE --no-compression", ""),
    ("packed only", "--no-encryption", ""),
    ("as it is", "--no-encryption --no-compression", ""),
    ("with bzip2 inside", "--encrypt-key ONE", "--gpg-options='--compress-algo=bzip2'"),
    ("with zip and 3DES", "", "--gpg-options='--compress-algo=zip --cipher-algo=3DES'"),
    ("armored", "--encrypt-key ONE", "--gpg-options=--armor"),
];

/// A sandbox with both keys, and the options for a way.
fn opened(options: &str) -> (Sandbox, Key, String) {
    let mut sandbox = Sandbox::new();
    let keyless = ["encrypt-key", "--no-encryption"];
    if !keyless.iter().any(|way| options.contains(way)) {
        sandbox.set("PASSPHRASE", "purr");
    }
    if options.contains("--sign-key") {
        sandbox.set("SIGN_PASSPHRASE", "");
    }
    let one = Key::open(&sandbox, "One <one@example.org>");
    let mut words = options.replace("ONE", &one.fingerprint);
    if options.contains("TWO") {
        let two = Key::open(&sandbox, "Two <two@example.org>");
        words = words.replace("TWO", &two.fingerprint);
    }
    (sandbox, one, words)
}

/// A tree of more than one volume.
fn tree(sandbox: &Sandbox) -> Tree {
    let tree = Tree::small(sandbox.path("src"));
    tree.noise("spans", 1_500_000);
    tree
}

fn day(tree: &Tree, day: i64) -> Snapshot {
    tree.edit("folder/large", |content| content.splice(9..9, [7; 9]).for_each(drop));
    tree.mtime("folder/large", 1_700_000_000 + day, 0);
    tree.edit("spans", |content| content[700_000..].reverse());
    tree.mtime("spans", 1_700_000_000 + day, 0);
    tree.noise(format!("news {day}"), 70_000);
    tree.mtime("", 1_700_000_000 + day, 0);
    Snapshot::by_stock(tree.root())
}

/// One program writes a full set and an increment, another extends them, and all read all.
fn exchange((way, options, theirs): (&str, &str, &str), writer: Who, other: Who) {
    eprintln!("{way}: {writer:?}, extended by {other:?}");
    let (sandbox, key, words) = opened(options);
    let of = |who| {
        let more = if who == Moo { "" } else { theirs };
        let signed = if options.contains("sign") { format!("--sign-key {key}") } else { "".into() };
        let words = format!("{words} --volsize 1 {more}");
        Program::new(&sandbox, who, &words).restore_option(&signed)
    };
    let tree = tree(&sandbox);
    let mut states = vec![Snapshot::by_stock(tree.root())];
    of(writer).full("src");
    states.push(day(&tree, 1));
    of(writer).increment("src");
    states.push(day(&tree, 2));
    of(other).increment("src");
    assert!(find_all(sandbox.path("store"), ".vol").len() >= 4);
    for who in [Moo, Old, New] {
        let reader = of(who).archive("lost");
        match (who, long()) {
            (Moo, false) => reader.brings_back("now", &states[2]),
            (Moo, true) => reader.brings_back_all(&states),
            (_, true) => {
                reader.brings_back_all(&states);
                reader.is_content("src");
            }
            _ => {
                if who == writer || who == other {
                    reader.brings_back("now", &states[2]);
                }
            }
        }
        sandbox.sh("rm -rf lost").silent();
    }
}

#[test]
fn each_wrapping_of_ours_is_restored_verified_and_extended_by_duplicity() {
    let mut cases = 0;
    let ours = WAYS.into_iter().filter(|(_, _, theirs)| theirs.is_empty());
    for (number, way) in ours.enumerate() {
        for (place, other) in [Old, New].into_iter().enumerate() {
            if long() || number % 5 == place {
                exchange(way, Moo, other);
                cases += 1;
            }
        }
    }
    eprintln!("wrappings of ours: {cases} cases");
}

#[test]
fn each_wrapping_of_duplicity_is_restored_and_extended_by_us() {
    let mut cases = 0;
    for (number, way) in WAYS.into_iter().enumerate() {
        for (place, writer) in [New, Old].into_iter().enumerate() {
            if long() || number % 4 == place {
                exchange(way, writer, Moo);
                cases += 1;
            }
        }
    }
    eprintln!("wrappings of duplicity: {cases} cases");
}
