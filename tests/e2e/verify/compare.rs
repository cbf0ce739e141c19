//! A state beside the source.

use tests::peers::times;
use tests::{Duplicity, Key, Sandbox, Snapshot, Tree, assert_same};

use super::verify;
use crate::moo::{Moo, stored};

#[test]
fn each_state_of_a_chain_is_the_same_as_what_it_restores_and_as_the_source_of_its_day() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let moo = Moo::encrypted(&sandbox, &key).option("--volsize 1");
    let tree = Tree::every_kind(sandbox.path("src"));
    for day in 0..3 {
        if day > 0 {
            tree.day(day);
        }
        moo.backup("").silent();
        let before = Snapshot::of(tree.root());
        verify(&sandbox, "", "src").silent();
        assert_same(&before, &Snapshot::of(tree.root()));
    }
    for time in stored(&sandbox) {
        moo.restore(&format!("--time {time}")).silent();
        verify(&sandbox, &format!("--time {time}"), "out").silent();
        verify(&sandbox, &format!("--time {time} --path order"), "out/order").silent();
        sandbox.remove("out");
    }
}

/// A change of the source, and the line that tells of it.
type Case = (&'static str, fn(&Tree), &'static str);

const CASES: [Case; 15] = [
    ("content", |tree| tree.file("file", b"moo moo mop"), "M content              file"),
    ("size", |tree| tree.file("file", b"moo"), "M content              file"),
    ("mode", |tree| tree.mode("file", 0o640), "M mode                 file"),
    ("mtime", |tree| tree.mtime("file", 1_700_000_000, 124), "M mtime                file"),
    ("owner", |tree| tree.owner("file", 12, 0), "M owner                file"),
    ("group", |tree| tree.owner("file", 0, 12), "M group                file"),
    ("set user", |tree| tree.mode("large", 0o4644), "M mode                 large"),
    (
        "end",
        |tree| tree.edit("large", |all| *all.last_mut().unwrap() ^= 1),
        "M content              large",
    ),
    ("target", |tree| tree.symlink("link", "elsewhere"), "M target               link"),
    ("added", |tree| tree.file("new\n\x1b[2J", b""), "+ file                 new\\x0a\\x1b[2J"),
    ("removed", |tree| tree.remove("file"), "- file                 file"),
    ("type", |tree| tree.folder("file"), "T file to directory    file"),
    ("device", |tree| tree.char_device("device", 1, 5), "M device               device"),
    (
        "attribute",
        |tree| tree.attribute("marked", "user.moo", b"2"),
        "M attributes           marked",
    ),
    ("below", |tree| tree.file("folder/new", b""), "+ file                 folder/new"),
];

#[test]
fn each_difference_is_named_in_one_line_and_nothing_else_is() {
    let sandbox = Sandbox::new();
    let root = rustix::process::geteuid().is_root();
    let tree = Tree::small(sandbox.path("src"));
    tree.file("file", b"moo moo moo");
    tree.noise("large", 300_000);
    tree.symlink("link", "file");
    tree.noise("marked", 10);
    tree.attribute("marked", "user.moo", b"1");
    if root {
        tree.char_device("device", 1, 3);
    }
    steady(&tree);
    Moo::plain(&sandbox).backup("").silent();
    sandbox.sh("cp -a src day && test ! -e tmp").silent();
    let mut count = 0;
    for (name, change, line) in CASES {
        if !root && ["owner", "group", "device"].contains(&name) {
            tests::not_tried(&format!("not root: {name} can't be changed"));
            continue;
        }
        if matches!(name, "target" | "type" | "device") {
            let old = line.rsplit_once(' ').unwrap().1;
            sandbox.sh(&format!("rm src/{old}")).silent();
        }
        change(&tree);
        if name != "mtime" {
            steady(&tree);
        }
        verify(&sandbox, "", "src").fails_with(3).stderr_is("").stdout_is(line);
        sandbox.sh("rm -r src && cp -a day src").silent();
        count += 1;
    }
    verify(&sandbox, "", "src").silent();
    eprintln!("{count} differences, each told by one line");
}

/// All times are what they were.
fn steady(tree: &Tree) {
    for name in ["file", "large", "marked", "folder", "."] {
        if tree.path(name).symlink_metadata().is_ok() {
            tree.mtime(name, 1_700_000_000, 123);
        }
    }
    let link = tree.path("link");
    let touched =
        std::process::Command::new("touch").args(["-h", "-d", "@1700000000"]).arg(link).status();
    assert!(touched.unwrap().success());
}

#[test]
fn what_the_selection_leaves_out_is_no_difference() {
    let sandbox = Sandbox::new();
    let tree = Tree::small(sandbox.path("src"));
    tree.noise("cache/left out", 100);
    tree.noise("kept", 100);
    let selection = "--exclude '**cache'";
    Moo::plain(&sandbox).option(selection).backup("").silent();
    verify(&sandbox, selection, "src").silent();
    tree.noise("cache/another", 100);
    verify(&sandbox, selection, "src").silent();
    let run = verify(&sandbox, "", "src").fails_with(3).stderr_is("");
    assert_eq!(run.out().lines().count(), 3, "{}", run.out());
    run.stdout_has("+ directory            cache\n");
    verify(&sandbox, selection, "").fails_with(2).one_message();
    verify(&sandbox, &format!("{selection} --quick"), "").fails_with(2).one_message();
}

#[test]
fn a_chain_of_either_duplicity_is_compared_with_the_source_as_duplicity_does_it() {
    for new in [false, true] {
        let sandbox = Sandbox::new();
        let key = Key::open(&sandbox, "Moo <moo@example.org>");
        let stock = match new {
            true => Duplicity::new(&sandbox),
            false => Duplicity::old(&sandbox),
        };
        let stock = stock.encrypt_to(&key).option("--volsize 1");
        let tree = Tree::every_kind(sandbox.path("src"));
        stock.full("src").succeeds();
        tree.day(1);
        stock.increment("src").succeeds();
        // Before 1970 it knows no time, and of a socket it stores nothing.
        verify(&sandbox, "", "src").silent();
        verify(&sandbox, "", "").silent();
        let time = &times(sandbox.path("store"))[0];
        let run = verify(&sandbox, &format!("--time {time}"), "src").fails_with(3).stderr_is("");
        assert!(run.out().lines().count() > 3, "{}", run.out());
        tree.edit("sizes/65537", |content| content[0] ^= 1);
        tree.mtime("sizes/65537", 1_700_000_000, 0);
        verify(&sandbox, "", "src").fails_with(3).stdout_has("M content              sizes/65537");
    }
}

#[test]
fn a_source_that_cannot_be_read_to_its_end_is_told_of_once() {
    let sandbox = Sandbox::new();
    let tree = Tree::small(sandbox.path("src"));
    Moo::plain(&sandbox).backup("").silent();
    verify(&sandbox, "", "nowhere").fails_with(1).one_message().stderr_has("nowhere: no such file");
    let killed = "moo-fetch file://$PWD/store | moo-decrypt | moo-compare";
    let scan = "moo-scan src | head -c 3000 >cut; moo-scan src >whole";
    sandbox.sh(scan).succeeds();
    sandbox.sh(&format!("{killed} whole")).silent();
    sandbox
        .sh(&format!("{killed} cut"))
        .fails_with(4)
        .one_message()
        .stderr_has("cut: ends without an end mark");
    sandbox.sh("moo-scan --archive archive src >some").succeeds();
    sandbox
        .sh(&format!("{killed} some"))
        .fails_with(2)
        .one_message()
        .stderr_has("some: not the whole");
    verify(&sandbox, "--path nothing", "src").fails_with(10).one_message();
    tree.noise("more", 10);
    verify(&sandbox, "", "src").fails_with(3);
}

#[test]
fn who_is_not_root_compares_owners_and_devices_too() {
    let sandbox = Sandbox::for_everybody();
    if !rustix::process::geteuid().is_root() {
        tests::not_tried("not root: there is nobody else to verify as");
        return;
    }
    let tree = Tree::small(sandbox.path("src"));
    tree.noise("owned", 10);
    tree.owner("owned", 1, 2);
    tree.mode("owned", 0o6755);
    tree.char_device("null", 1, 3);
    tree.fifo("fifo");
    Moo::plain(&sandbox).backup("").silent();
    let nobody = "chmod -R a+rX . && mkdir home && chown nobody home && cd home &&
        TMPDIR=$PWD XDG_STATE_HOME=$PWD \
        setpriv --reuid nobody --regid nogroup --clear-groups moo verify file://$PWD/../store";
    sandbox.sh(&format!("{nobody} ../src; status=$?; ls -A; exit $status")).silent();
    tree.owner("owned", 3, 2);
    tree.mode("owned", 0o6755);
    let run = sandbox.sh(&format!("rmdir home; {nobody} ../src"));
    run.fails_with(3).stdout_is("M owner                owned");
}

#[test]
fn what_a_killed_run_leaves_among_the_temporary_files_goes_with_the_next_one() {
    let sandbox = Sandbox::new();
    let tree = Tree::small(sandbox.path("src"));
    tree.noise("large", 3_000_000);
    Moo::plain(&sandbox).backup("").silent();
    Moo::plain(&sandbox).backup("").silent();
    let killed = "mkdir tmp; export TMPDIR=$PWD/tmp; moo-fetch file://$PWD/store | moo-decrypt |
        { head -c 2000000; sleep 1; } | { moo-patch --check <&3 & sleep 0.5; kill -9 $!; } 3<&0
        test \"$(ls -A tmp | wc -l)\" = 1 && test \"$(stat -c %a tmp/.verify.*)\" = 700";
    sandbox.sh(killed).succeeds();
    verify(&sandbox, "", "").silent();
}
