//! Extended attributes, access control lists and capabilities.

use tests::{Duplicity, Sandbox, Snapshot, Tree, assert_same};

use crate::kept::{is_root, stock_restores};
use crate::moo::{Moo, stored};

/// Objects with attributes of all kinds that this user may set.
fn tree(sandbox: &Sandbox) -> Tree {
    let tree = Tree::empty(sandbox.path("src"));
    tree.noise("file", 10);
    tree.attribute("file", "user.binary", b"\0=\xff\n 100%\n");
    tree.attribute("file", "user.empty", b"");
    tree.attribute("file", "user.long", &[b'x'; 2000]);
    tree.noise("large", 200_000);
    tree.attribute("large", "user.a=b%3D%", b"odd name");
    tree.noise("plain", 70_000);
    tree.noise("goes", 10);
    tree.attribute("goes", "user.moo", b"1");
    tree.folder("folder");
    tree.attribute("folder", "user.of folder", b"1");
    tree.fifo("fifo");
    // Files that a folder gives its default list, one of which has lost it again.
    let lists = "cd src && setfacl -m u:daemon:rx,g:54321:r plain fifo folder &&
        setfacl -d -m u:daemon:rwx,m::rx folder && echo 1 >folder/heir && echo 1 >folder/without &&
        mkdir folder/below && echo 1 >folder/below/heir && setfacl -b folder/without";
    sandbox.sh(lists).silent();
    if is_root() {
        only_root(sandbox, &tree);
    }
    tree
}

fn only_root(sandbox: &Sandbox, tree: &Tree) {
    tree.attribute("file", "trusted.moo", b"1");
    tree.symlink("link", "file");
    tree.attribute("link", "trusted.of link", b"1");
    tree.char_device("null", 1, 3);
    sandbox.sh("cp /bin/true src/ping && chown 1:1 src/ping").silent();
    sandbox.sh("setcap cap_net_raw+ep src/ping && setfacl -m u:daemon:rw src/null").silent();
}

/// What a dry run says has changed, without the folders.
fn changed(sandbox: &Sandbox) -> String {
    let run = sandbox.sh("moo-scan --dry-run --archive archive src | sort");
    run.succeeds().stderr_is("").out()
}

#[test]
fn attributes_lists_and_capabilities_come_back_at_each_state() {
    let sandbox = Sandbox::new();
    let moo = Moo::plain(&sandbox);
    let tree = tree(&sandbox);
    let mut states = vec![Snapshot::kept(tree.root())];
    moo.backup("").silent();
    assert_eq!(changed(&sandbox), "");
    // Attributes alone: one changes, one goes, one comes, a list goes.
    tree.attribute("file", "user.binary", b"2");
    tree.attribute("large", "user.more", b"1");
    sandbox.sh("setfattr -x user.moo src/goes && setfacl -k src/folder").silent();
    sandbox.sh("setfacl -m u:daemon:w src/fifo").silent();
    let names = ["fifo", "file", "folder", "goes", "large"];
    let words = names.map(|name| format!("changed  {name}\n")).concat();
    assert_eq!(changed(&sandbox), words);
    states.push(Snapshot::kept(tree.root()));
    moo.backup("").silent();
    assert_eq!(changed(&sandbox), "");
    // Content alone: the attributes come along.
    tree.edit("large", |content| content[100_000] ^= 1);
    tree.mtime("large", 1_700_000_001, 0);
    tree.noise("plain", 70_001);
    states.push(Snapshot::kept(tree.root()));
    moo.backup("").silent();
    for (time, state) in stored(&sandbox).iter().zip(&states) {
        moo.brings_back(time, state);
    }
    stock_restores(&sandbox, &states);
}

#[test]
fn gnu_tar_takes_attributes_in_silence_and_gives_them_back_when_asked() {
    let sandbox = Sandbox::new();
    let tree = tree(&sandbox);
    Moo::plain(&sandbox).backup("").silent();
    sandbox.sh("moo-scan src | moo-sign | tar tv >/dev/null").silent();
    for tar in ["store/*.difftar.gz", "archive/*.sigtar.gz"] {
        sandbox.sh(&format!("tar tvf {tar} >/dev/null")).silent();
        sandbox.sh(&format!("rm -rf x && mkdir x && tar xpf {tar} -C x")).silent();
    }
    sandbox.sh("mkdir y && tar xpf store/*.difftar.gz --xattrs -C y").silent();
    let given = "getfattr -d -m user y/snapshot/file y/snapshot/folder | sed 's|y/snapshot|src|'";
    let had = sandbox.sh("getfattr -d -m user src/file src/folder").succeeds().out();
    sandbox.sh(given).succeeds().stdout_is(&had);
    assert!(had.contains("user.binary") && had.contains("user.long") && tree.root().exists());
}

#[test]
fn a_set_without_attributes_is_no_change_of_them_and_takes_none_away() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    tree.noise("file", 70_000);
    tree.folder("folder");
    for name in ["file", "folder"] {
        tree.attribute(name, "user.moo", b"1");
    }
    let old = Duplicity::old(&sandbox).plain();
    old.full("src").succeeds();
    // A file that is so new could have changed while duplicity read it; a folder has no content.
    assert_eq!(changed(&sandbox), "changed  file\n");
    let moo = Moo::plain(&sandbox);
    moo.backup("full").silent();
    // Of a file that duplicity has changed, its set does not tell what the attributes are.
    tree.edit("file", |content| content[1] ^= 1);
    tree.mtime("file", 1_700_000_001, 0);
    tree.mode("folder", 0o700);
    old.increment("src").succeeds();
    assert_eq!(changed(&sandbox), "changed  file\n");
    let mut state = Snapshot::kept(tree.root()).lines();
    moo.restore("").silent();
    let mut out = Snapshot::kept(sandbox.path("out")).lines();
    for lines in [&mut state, &mut out] {
        lines.iter_mut().for_each(|line| *line = line.replace(".123456789", ".000000000"));
    }
    assert_eq!(state, out);
}

#[test]
fn who_wants_no_attributes_stores_none_and_loses_none_that_the_chain_has() {
    let sandbox = Sandbox::new();
    let tree = tree(&sandbox);
    let moo = Moo::plain(&sandbox);
    let backup = |kind: &str| moo.backup(&format!("{kind} --no-xattrs"));
    let restored = || {
        moo.restore("").silent();
        let names =
            "getfattr -R --absolute-names -dm - out; getcap -r out; getfacl -Rs out; rm -r out";
        sandbox.sh(names).succeeds().out()
    };
    backup("full").silent();
    assert_eq!(restored(), "");
    moo.backup("full").silent();
    let all = restored();
    assert!(all.contains("user.binary") && all.contains("cap_net_raw"), "{all}");
    tree.edit("file", |content| content[1] ^= 1);
    tree.mtime("file", 1_700_000_001, 0);
    backup("").silent();
    assert_eq!(restored(), all);
}

#[test]
fn what_the_destination_gives_its_files_by_itself_is_not_kept() {
    let sandbox = Sandbox::new();
    let tree = Tree::small(sandbox.path("src"));
    Moo::plain(&sandbox).backup("").silent();
    sandbox.sh("mkdir shared && setfacl -d -m u:daemon:rwx shared").silent();
    sandbox.sh("moo restore --archive-dir . file://$PWD/store shared/out").silent();
    assert_same(&Snapshot::kept(tree.root()), &Snapshot::kept(sandbox.path("shared/out")));
}
