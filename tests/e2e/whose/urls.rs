//! One store, whatever its URL looks like.

use tests::{Run, Sandbox};

struct Barn(Sandbox);

impl Barn {
    fn new() -> Barn {
        let sandbox = Sandbox::new();
        sandbox.sh("mkdir src && echo 1 >src/file").silent();
        Barn(sandbox)
    }

    fn backup(&self, url: &str) -> Run {
        let edit = "sleep 1.1; date >>src/file";
        self.0.sh(&format!("{edit}; moo backup --archive-dir archives --no-encryption src {url}"))
    }

    fn has(&self, sets: &str) {
        self.0
            .sh("ls store/*.manifest | sed 's/.*duplicity-//; s/[.].*//' | xargs")
            .stdout_is(sets);
    }
}

/// Ways to write `file://$PWD/store`.
const SPELLINGS: [&str; 6] = [
    "file://$PWD/store",
    "file://$PWD/store/",
    "file://$PWD//store//",
    "file://$PWD/./store",
    "file:///$PWD/store/.",
    "file://store",
];

#[test]
fn a_store_by_another_spelling_of_its_url_made_a_full_set_and_is_extended() {
    for first in SPELLINGS {
        let barn = Barn::new();
        barn.backup(first).silent();
        for other in SPELLINGS {
            barn.backup(other).silent();
        }
        barn.has("full inc inc inc inc inc inc");
        barn.0.sh("ls archives | wc -l").stdout_is("1");
        for url in SPELLINGS {
            barn.0.sh(&format!("moo status --archive-dir archives {url}")).succeeds();
            barn.0.sh(&format!("moo verify --archive-dir archives {url} src")).silent();
        }
    }
}

#[test]
fn an_archive_directory_that_was_named_after_the_url_as_it_was_typed_is_found() {
    for first in ["file://$PWD/store", "file://$PWD/store/", "file://$PWD//store", "file://store"] {
        let barn = Barn::new();
        // As duplicity and version 0.1 name it.
        let name = format!("$(printf %s {first} | md5sum | cut -c 1-32)");
        let options = format!("--archive-dir archives --name {name} --no-encryption");
        barn.0.sh(&format!("moo backup {options} src {first}")).silent();
        barn.backup(first).silent();
        barn.has("full inc");
        barn.0.sh("ls archives | wc -l").stdout_is("1");
        if first != "file://$PWD//store" && first != "file://store" {
            for other in SPELLINGS {
                barn.backup(other).silent();
            }
            barn.has("full inc inc inc inc inc inc inc");
        }
    }
}

#[test]
fn the_archive_directory_of_a_store_elsewhere_is_named_after_one_spelling() {
    let sandbox = Sandbox::new();
    let place = |url: &str| {
        sandbox.sh(&format!("moo-fetch --archive-in archives '{url}'")).succeeds().out()
    };
    for (one, others) in [
        (
            "sftp://moo@barn/srv/a",
            &["sftp://moo@barn:22/srv/a", "sftp://moo@BARN/srv//a/", "sftp://moo@barn/./srv/a"][..],
        ),
        ("sftp://barn//srv/a", &["sftp://barn//srv/a/", "sftp://barn:22//srv/./a"]),
        ("rclone:cloud:a/b", &["rclone:cloud:a/b/"]),
    ] {
        let name = sandbox.sh(&format!("printf %s {one} | md5sum | cut -c 1-32")).out();
        assert_eq!(place(one).trim(), format!("archives/{}", name.trim()));
        for other in others {
            assert_eq!(place(one), place(other), "{other}");
        }
    }
    for (one, other) in [
        ("sftp://barn/a", "sftp://barn//a"),
        ("sftp://barn/a", "sftp://moo@barn/a"),
        ("sftp://barn/a", "sftp://barn:2222/a"),
        ("sftp://barn/%61", "sftp://barn/a"),
        ("file:///srv/%61", "file:///srv/a"),
    ] {
        assert_ne!(place(one), place(other), "{one} and {other}");
    }
    // One that was made with the port in its name.
    let old = "mkdir -p archives/$(printf %s sftp://moo@barn:22/srv/a | md5sum | cut -c 1-32)";
    let before = place("sftp://moo@barn/srv/a");
    sandbox.sh(old).silent();
    assert_ne!(place("sftp://moo@barn/srv/a/"), before);
    assert_eq!(place("sftp://moo@barn/srv/a/"), place("sftp://moo@barn:22/srv/a"));
}

#[test]
fn a_store_below_a_folder_that_is_missing_was_announced_before_it_failed() {
    let barn = Barn::new();
    let backup = "moo backup --archive-dir archives --no-encryption src file://$PWD/missing/store";
    let run = barn.0.sh(&format!("script -qec \"{backup}\" /dev/null </dev/null"));
    let run = run.fails_with(8).stdout_has("is the disk mounted?");
    assert!(!run.out().contains("a new store"), "{}", run.out());
}
