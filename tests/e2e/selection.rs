//! Which parts of a source are backed up: as stock duplicity selects them, and friendlier where it
//! is needlessly picky.

pub(crate) mod dice;
mod increments;
mod marked;
pub(crate) mod oracle;
mod random;
mod restored;
mod spelling;

use std::time::Instant;

use oracle::{compare, ours};
use tests::{Duplicity, Sandbox, Tree};

use crate::mount::Mount;

/// A tree in `src` with something for each kind of option.
fn tree(sandbox: &Sandbox) -> Tree {
    let tree = Tree::empty(sandbox.path("src"));
    for name in ["a/b/f", "a/b/F.TXT", "a/g", "a/é", "b/f", "c/b/f", "c/h", "c/.nobackup", "i.py"]
    {
        tree.file(name, b"");
    }
    for name in ["src/a/z", "q s/\"x\"", "a/[x", "b/x/b"] {
        tree.file(name, b"");
    }
    tree.folder("a/e");
    tree.folder("c/empty");
    tree.symlink("link", "a");
    tree.symlink("c/b/dangling", "nowhere");
    tree.fifo("pipe");
    tree.file("a/old", b"");
    tree.mtime("a/old", 1_000_000_000, 0);
    tree
}

/// Selections with an idea behind them.
const SELECTIONS: [&str; 40] = [
    "--exclude src/a",
    "--exclude src/a/",
    "--exclude src/i.py/",
    "--exclude '**'",
    "--exclude src",
    "--exclude 'src/a/*'",
    "--exclude '**b'",
    "--exclude '**/b'",
    "--exclude 'src/**/b'",
    "--exclude 'src[!x]a'",
    "--exclude 'src/a[!x]b'",
    "--exclude 'ignorecase:SRC/A/B/f.txt'",
    "--include src/a/b --exclude src/a --include src/c/h --exclude '**'",
    "--include src/a/b/nothing --include src/a --exclude '**'",
    "--include src/a/b/nothing --exclude '**'",
    "--include src/a/e/nothing --exclude src/c",
    "--include src/i.py/nothing --exclude src/c",
    "--include '**/b/f' --exclude '**'",
    "--include '**/b/' --exclude '**'",
    "--include '**/' --exclude '**'",
    "--include 'src/*/' --exclude '**'",
    "--include src/c/empty --exclude '**'",
    "--include 'src/c/empty/**' --exclude '**'",
    "--include src/link/ --exclude '**'",
    "--include 'src/a/[[]x' --exclude '**'",
    "--include 'src/a/?' --exclude '**'",
    "--include-regexp 'py$' --exclude '**'",
    "--include-regexp '^src/(a|a/b|a/b/f)$' --exclude '**'",
    "--include src/a/b/f --exclude-regexp 'src/a$' --exclude '**'",
    "--include src/a/b/nothing --include-regexp 'src/a$' --exclude '**'",
    "--exclude-regexp 'a/b/(?=f)'",
    "--exclude-if-present .nobackup",
    "--include src/c/h --exclude-if-present .nobackup --exclude '**'",
    "--exclude-if-present i.py",
    "--exclude-if-present dangling",
    "--exclude-if-present b",
    "--exclude-older-than 2005-01-01",
    "--include src/a/old --exclude-older-than 2005-01-01",
    "--exclude-older-than 2005-01-01 --include src/a/old --exclude '**'",
    "--exclude-older-than 1Y --exclude 'src/[!a-b]*'",
];

#[test]
fn each_kind_of_option_selects_what_both_duplicities_select() {
    let sandbox = Sandbox::new();
    tree(&sandbox);
    for duplicity in [Duplicity::old(&sandbox).plain(), Duplicity::new(&sandbox).plain()] {
        for options in SELECTIONS {
            let comparable = compare(&sandbox, &duplicity, options, "src");
            // The one pattern that could not match the source.
            assert!(comparable || options.contains("src[!x]a"));
        }
    }
}

#[test]
fn lists_of_patterns_select_what_both_duplicities_select() {
    let sandbox = Sandbox::new();
    tree(&sandbox);
    let lists = [
        r"+ src/a/b\n- src/a\n\n# src/c\n  src/c/b  \n",
        r#""src/q s"\n"#,
        r"'src/q s'\r\nsrc/a\r\n",
        r#"- "src/q s"\n+ src/c/h\n- src/c\n"#,
        r"src/a\0src/q s\0 - src/c \0",
        r"",
    ];
    let uses = [
        "--exclude-filelist list",
        "--include-filelist list --exclude '**'",
        "--include src/a/b --exclude-filelist list --exclude src/i.py",
    ];
    for duplicity in [Duplicity::old(&sandbox).plain(), Duplicity::new(&sandbox).plain()] {
        for list in lists {
            let null = if list.contains(r"\0") { "--null-separator" } else { "" };
            sandbox.sh(&format!("printf '%b' '{}' >list", list.replace('\'', r"'\''"))).silent();
            for options in uses {
                assert!(compare(&sandbox, &duplicity, &format!("{options} {null}"), "src"));
            }
        }
    }
}

#[test]
fn a_list_of_all_that_is_asked_for_is_taken_as_duplicity_takes_it() {
    let sandbox = Sandbox::new();
    tree(&sandbox);
    let duplicity = Duplicity::new(&sandbox).plain();
    for (list, options) in [
        (r"a/b/f\nc\n", ""),
        (r"c/h\n\na/b\na/b/f\n", ""),
        (r"a/b/f\nnothing/here\n", ""),
        (r"a/b/f\nc/h\ni.py\n", "--exclude src/c"),
        (r"a/b/f\nc/h\ni.py\n", "--include src/c/h --exclude '**'"),
        (r"a/é\0i.py\0", "--null-separator"),
    ] {
        sandbox.sh(&format!("printf '%b' '{list}' >list")).silent();
        assert!(compare(&sandbox, &duplicity, &format!("--files-from list {options}"), "src"));
    }
    sandbox.sh("printf 'a\\n/etc\\n' >list").silent();
    let refused = sandbox.sh("moo-scan --dry-run --files-from list src").fails_with(2);
    refused.one_message().stderr_has("list, line 2: /etc: not relative to the source");
    sandbox.sh("printf 'nothing\ni.py\n' >list").silent();
    let missed = sandbox.sh("moo-scan --dry-run --files-from list src").succeeds();
    missed.stderr_has("src/nothing: is listed, but does not exist");
    sandbox.sh("echo nothing >list").silent();
    let missed = sandbox.sh("moo-scan --dry-run --files-from list src").fails_with(2);
    let missed = missed.stderr_has("src/nothing: is listed, but does not exist");
    missed.stderr_has("src: nothing in it is selected");
}

#[test]
fn device_files_and_other_file_systems_stay_out_as_with_duplicity() {
    let sandbox = Sandbox::new();
    let tree = tree(&sandbox);
    let Some(_mount) = Mount::new(&sandbox, "src/mounted", "1m") else { return };
    sandbox.sh("mkdir src/mounted/below && touch src/mounted/below/file").silent();
    tree.char_device("device", 1, 3);
    tree.block_device("a/block", 7, 0);
    for duplicity in [Duplicity::old(&sandbox).plain(), Duplicity::new(&sandbox).plain()] {
        for options in [
            "--exclude-other-filesystems",
            "--include src/mounted/below --exclude-other-filesystems",
            "--include src/mounted/nothing --exclude-other-filesystems",
            "--exclude-other-filesystems --include src/mounted --exclude '**'",
            "--exclude-device-files",
            "--include src/device --exclude-device-files --exclude '**/a'",
            "--include src/a --exclude-device-files --exclude '**'",
        ] {
            assert!(compare(&sandbox, &duplicity, options, "src"));
        }
    }
}

#[test]
fn a_list_of_100000_patterns_is_looked_up() {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir src && cd src && seq 1 3000 | xargs touch").silent();
    sandbox
        .sh("seq -f 'src/deep/er/%.0f' 100000 >list; seq -f 'src/%.0f' 2 2 9999 >>list")
        .silent();
    let started = Instant::now();
    let found = ours(&sandbox, "--exclude-filelist list", "src").unwrap();
    assert_eq!(found.len(), 1 + 1500);
    let found = ours(&sandbox, "--include-filelist list --exclude '**'", "src").unwrap();
    assert_eq!(found.len(), 1 + 1500);
    assert!(started.elapsed().as_secs() < 20, "took {:?}", started.elapsed());
}
