//! What is left out by its size, by the tag of a cache, or by a flag.

use tests::{Sandbox, Tree, not_tried};

use crate::moo::Moo;

const SIGNATURE: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55\n# a cache\n";

/// What a dry run with these options lists, in its order.
fn listed(sandbox: &Sandbox, options: &str) -> String {
    let run = sandbox.sh(&format!("moo-scan --dry-run {options} src")).succeeds();
    run.out().lines().map(|line| format!("{} ", line.trim_start_matches("new").trim())).collect()
}

#[test]
fn of_a_cache_only_its_directory_and_its_tag_are_kept() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    for name in ["cache/CACHEDIR.TAG", "cache/junk", "cache/deep/junk", "kept"] {
        tree.file(name, SIGNATURE);
    }
    // None of these is a cache: no signature, a link to one, a directory, a pipe, one that is too short.
    tree.file("unsigned/CACHEDIR.TAG", b"Signature: something else that is as long as it is");
    tree.symlink("linked/CACHEDIR.TAG", "../cache/CACHEDIR.TAG");
    tree.folder("folder/CACHEDIR.TAG");
    tree.fifo("pipe/CACHEDIR.TAG");
    tree.file("short/CACHEDIR.TAG", &SIGNATURE[..20]);
    let all = listed(&sandbox, "");
    assert_eq!(
        listed(&sandbox, "--exclude-caches"),
        all.replace("cache/deep cache/deep/junk cache/junk ", "")
    );
    assert!(all.contains("cache/CACHEDIR.TAG cache/deep cache/deep/junk cache/junk "), "{all}");
    // Whatever else is said.
    let both = "--include src/cache --exclude-caches --exclude '**'";
    assert_eq!(listed(&sandbox, both), ". cache cache/CACHEDIR.TAG ");
    assert!(!listed(&sandbox, "--exclude-caches --exclude src/cache").contains("cache/"));
    let named = sandbox.sh("moo-scan --dry-run -v info --exclude-caches src").succeeds();
    named.stderr_has("src/cache: its content is left out by --exclude-caches");
}

#[test]
fn a_directory_that_becomes_a_cache_loses_its_content_in_the_next_set_alone() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    tree.file("cache/junk", b"junk");
    let moo = Moo::plain(&sandbox).option("--exclude-caches");
    moo.backup("").silent();
    tree.file("cache/CACHEDIR.TAG", SIGNATURE);
    moo.backup("").silent();
    moo.restore("").succeeds();
    sandbox.sh("ls out/cache").stdout_is("CACHEDIR.TAG");
    let verify = "moo verify --archive-dir . --name archive";
    sandbox.sh(&format!("{verify} --exclude-caches file://$PWD/store src")).silent();
    sandbox.sh(&format!("{verify} file://$PWD/store src")).fails_with(3).stdout_has("cache/junk");
}

#[test]
fn files_above_a_size_are_left_out_unless_something_before_includes_them() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    tree.noise("small", 2048);
    tree.noise("large", 2049);
    tree.noise("larger.iso", 5000);
    tree.folder("folder");
    let all = ". folder large larger.iso small ";
    assert_eq!(listed(&sandbox, ""), all);
    assert_eq!(listed(&sandbox, "--exclude-larger-than 2K"), ". folder small ");
    assert_eq!(listed(&sandbox, "--exclude-larger-than 2049"), ". folder large small ");
    assert_eq!(listed(&sandbox, "--exclude-larger-than 1G"), all);
    let some = "--include src/larger.iso --exclude-larger-than 2KiB";
    assert_eq!(listed(&sandbox, some), ". folder larger.iso small ");
    for wrong in ["1.5G", "-1", "G", "1X", "99999999999999T"] {
        let run = sandbox.sh(&format!("moo-scan --dry-run --exclude-larger-than={wrong} src"));
        run.fails_with(2).one_message().stderr_has("not a size");
    }
    // One that has grown too large is recorded as deleted.
    let moo = Moo::plain(&sandbox).option("--exclude-larger-than 3K");
    moo.backup("").silent();
    tree.noise("small", 4000);
    moo.backup("").silent();
    moo.restore("").succeeds();
    sandbox.sh("ls out").stdout_is("folder\nlarge");
}

#[test]
fn what_chattr_sets_apart_is_left_out() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    for name in ["apart", "folder/file", "kept", "other"] {
        tree.file(name, b"");
    }
    if sandbox.sh("chattr +d src/apart src/folder && lsattr -d src/apart | grep -q d").status != 0 {
        return not_tried("the file system has no flags for chattr");
    }
    assert_eq!(listed(&sandbox, ""), ". apart folder folder/file kept other ");
    assert_eq!(listed(&sandbox, "--exclude-nodump"), ". kept other ");
    let more = "--include src/apart --exclude-nodump --exclude src/kept";
    assert_eq!(listed(&sandbox, more), ". other ");
}

#[test]
fn a_dry_run_names_the_sockets_that_are_never_stored() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    tree.socket("folder/socket");
    tree.file("file", b"");
    let run = sandbox.sh("moo-scan --dry-run src").succeeds();
    run.stdout_is("new      .\nnew      file\nnew      folder\nsocket   folder/socket");
    Moo::plain(&sandbox).backup("").silent();
    Moo::plain(&sandbox).restore("").succeeds();
    sandbox.sh("ls out out/folder").stdout_is("out:\nfile\nfolder\n\nout/folder:");
}

#[test]
fn the_configuration_has_keys_for_them() {
    let sandbox = Sandbox::new();
    let text =
        "encrypt-key = '/k'\n[stores.disk]\nurl = 'file:///mnt'\n[sources.etc]\npath = '/etc'
exclude-caches = true\nexclude-nodump = true\nexclude-larger-than = '2G'\n";
    std::fs::write(sandbox.path("moo.toml"), text).unwrap();
    let show = sandbox.sh("moo config --config moo.toml show").succeeds();
    show.stdout_has("--exclude-larger-than=2G --exclude-caches --exclude-nodump");
    std::fs::write(sandbox.path("moo.toml"), text.replace("2G", "much")).unwrap();
    let check = sandbox.sh("moo config --config moo.toml check");
    check.fails_with(2).stderr_has("exclude-larger-than").stderr_has("a size such as");
}
