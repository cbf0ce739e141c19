//! All that a store holds.

use std::fs;

use tests::damage::{find_all, flip};
use tests::{Duplicity, Key, Sandbox, Tree, scale, spread};

use super::{verify, with_archive};
use crate::moo::Moo;

/// Two chains with increments, and files that each set has changed.
fn chains(sandbox: &Sandbox, moo: &Moo<'_>) {
    let tree = Tree::small(sandbox.path("src"));
    tree.noise("large", 200_000);
    for (day, kind) in ["full", "inc", "inc", "full", "inc"].into_iter().enumerate() {
        tree.noise(format!("day {day}"), 100);
        tree.edit("large", |content| content[day] ^= 1);
        tree.mtime("large", 1_700_000_000 + day as i64, 0);
        moo.backup(kind).silent();
    }
}

#[test]
fn a_store_that_is_whole_is_verified_in_silence_with_and_without_the_archive() {
    let mut sandbox = Sandbox::new();
    sandbox.set("PASSPHRASE", "moo");
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    for options in ["", &format!("--encrypt-key {key}"), "--no-encryption"] {
        if options == "--no-encryption" {
            // A passphrase demands sets that are encrypted.
            sandbox.unset("PASSPHRASE");
        }
        chains(&sandbox, &Moo::new(&sandbox, options));
        for archive in ["archive", "lost"] {
            with_archive(&sandbox, archive, "", "").silent();
            with_archive(&sandbox, archive, "--quick --sample 100%", "").silent();
        }
        sandbox.sh("rm -r store archive src").silent();
    }
    for stock in [Duplicity::old(&sandbox), Duplicity::new(&sandbox)] {
        let tree = Tree::small(sandbox.path("src"));
        let stock = stock.plain();
        stock.full("src").succeeds();
        tree.noise("more", 10);
        stock.increment("src").succeeds();
        verify(&sandbox, "", "").silent();
        sandbox.sh("rm -rf store archive src").silent();
    }
}

#[test]
fn damage_anywhere_in_any_file_of_the_store_is_named() {
    let sandbox = Sandbox::new();
    chains(&sandbox, &Moo::plain(&sandbox));
    let files = find_all(sandbox.path("store"), "");
    let mut count = 0;
    for file in &files {
        let whole = fs::read(file).unwrap();
        let name = file.file_name().unwrap().to_str().unwrap();
        for at in spread(scale(1, 20), whole.len()) {
            flip(file, i64::try_from(at).unwrap());
            verify(&sandbox, "", "").fails_with(5).stdout_is("").stderr_has(name);
            fs::write(file, &whole).unwrap();
            count += 1;
        }
        fs::remove_file(file).unwrap();
        verify(&sandbox, "", "").fails_with(5).stdout_is("");
        fs::write(file, &whole).unwrap();
        count += 1;
    }
    verify(&sandbox, "", "").silent();
    eprintln!("{count} cases of damage in {} files, each told of", files.len());
}

#[test]
fn all_that_is_damaged_is_named_in_one_run() {
    let sandbox = Sandbox::new();
    chains(&sandbox, &Moo::plain(&sandbox));
    let volumes = find_all(sandbox.path("store"), "vol1.difftar");
    for volume in &volumes {
        flip(volume, 50);
    }
    let run = verify(&sandbox, "", "").fails_with(5);
    for volume in &volumes {
        let name = volume.file_name().unwrap().to_str().unwrap();
        assert!(run.err().contains(name), "{name}: {}", run.err());
    }
    assert_eq!(volumes.len(), 5);
}

#[test]
fn there_may_be_no_backup_and_no_key() {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir store").silent();
    verify(&sandbox, "", "").fails_with(10).one_message().stderr_has("no backup");
    verify(&sandbox, "--quick", "").fails_with(10).one_message().stderr_has("no backup");
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    chains(&sandbox, &Moo::encrypted(&sandbox, &key));
    key.forget_secret(&sandbox);
    verify(&sandbox, "", "").fails_with(6);
    verify(&sandbox, "--quick --sample 100%", "").silent();
}

#[test]
fn one_state_of_a_store_is_read_as_a_whole_and_not_only_looked_over() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    Tree::small(sandbox.path("src"));
    Moo::encrypted(&sandbox, &key).backup("").silent();
    for options in ["--time now", "--path folder"] {
        verify(&sandbox, options, "").silent();
    }
    key.forget(&sandbox);
    for options in ["--time now", "--path folder"] {
        verify(&sandbox, options, "").fails_with(6).one_message();
    }
    verify(&sandbox, "--quick", "").silent();
}
