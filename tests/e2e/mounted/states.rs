//! Names and metadata, which no volume is needed for.

use tests::{Key, Sandbox, Tree};

use super::{ARCHIVE, Mounted, beside, folders};
use crate::kept::links::groups;
use crate::moo::{Moo, stored};

/// Lists a tree: name, type, mode, owner, time, size of files, target of links, names of files.
const LIST: &str = "list() { cd \"$1\" &&
    find . -printf '%P %y %m %U:%G %T@ %l\\n' -type f -printf '%s %n\\n' | LC_ALL=C sort; ls -AR; }";

#[test]
fn every_state_is_listed_as_its_restore_without_a_volume_in_the_store() {
    let sandbox = Sandbox::new();
    let tree = Tree::every_kind(sandbox.path("src"));
    let moo = Moo::plain(&sandbox);
    for day in 0..5 {
        if day > 0 {
            tree.day(day);
        }
        moo.backup(if day == 3 { "full" } else { "" }).succeeds();
    }
    sandbox.sh("mkdir away && cp -r store whole && mv store/*.vol*.difftar* away").silent();
    let Some(mounted) = Mounted::new(&sandbox, ARCHIVE) else { return };
    let all = folders(&sandbox);
    assert_eq!(all.len(), 5);
    let names = format!("{}\nlatest\n", all.join("\n"));
    sandbox.sh("ls mnt").stdout_is(&names);
    sandbox.sh("readlink mnt/latest").stdout_is(&format!("{}\n", all[4]));
    for folder in &all {
        let same = format!("{LIST}; (list $state) >one; (list $out) >other; diff one other");
        sandbox.sh("mv store empty && cp -r whole store").silent();
        beside(&sandbox, folder, "", &same).silent();
        sandbox.sh("rm -r store && mv empty store").silent();
    }
    assert_eq!(mounted.said(), "");
    assert_eq!(mounted.unmount().status, 0);
}

#[test]
fn names_of_one_file_are_one_inode_in_each_state() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    tree.noise("a", 5000);
    tree.hard_link("two/a", "a");
    tree.hard_link("z", "a");
    tree.noise("two/b", 10);
    tree.hard_link("two/c", "two/b");
    let moo = Moo::plain(&sandbox);
    let mut states = Vec::new();
    for day in [
        "true",
        "rm a",
        "ln z 0",
        "cp -p z copy && mv copy z",
        "printf moo >>0",
        "rm two/b",
        "ln two/a two/x && chmod 600 two/a",
    ] {
        sandbox.sh(&format!("cd src && {day}")).silent();
        states.push(groups(tree.root()));
        moo.backup("").silent();
    }
    let Some(_mounted) = Mounted::new(&sandbox, ARCHIVE) else { return };
    for (folder, groups_then) in folders(&sandbox).iter().zip(states) {
        assert_eq!(groups(sandbox.path(format!("mnt/{folder}"))), groups_then, "{folder}");
        for group in groups_then {
            let count = format!("stat -c %h mnt/{folder}/{}", group[0]);
            sandbox.sh(&count).stdout_is(&format!("{}\n", group.len()));
        }
    }
}

#[test]
fn without_an_archive_directory_one_is_fetched_and_leaves_nothing_behind() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "moo");
    Tree::small(sandbox.path("src"));
    Moo::encrypted(&sandbox, &key).backup("").silent();
    let Some(mounted) = Mounted::new(&sandbox, "--archive-dir none") else { return };
    let folder = folders(&sandbox).remove(0);
    beside(&sandbox, &folder, "", "diff -r --no-dereference $state $out").silent();
    assert_eq!(mounted.unmount().status, 0);
    sandbox.sh("ls -A .tmp && ! test -e none").stdout_is("");
}

#[test]
fn a_backup_of_one_file_is_a_file_in_each_state() {
    let sandbox = Sandbox::new();
    let moo = Moo::plain(&sandbox);
    for text in ["one", "two and more"] {
        sandbox.sh(&format!("printf '{text}' >src")).silent();
        moo.backup("").silent();
    }
    let Some(_mounted) = Mounted::new(&sandbox, ARCHIVE) else { return };
    sandbox.sh("cat mnt/2*").stdout_is("onetwo and more");
    sandbox.sh("stat -L -c '%F %s' mnt/latest").stdout_is("regular file 12\n");
}

#[test]
fn a_large_directory_is_read_to_its_end_in_parts() {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir src && cd src && seq -f 'a file with a long name %.0f' 3000 | xargs -d '\\n' touch").silent();
    Moo::plain(&sandbox).backup("").silent();
    let Some(_mounted) = Mounted::new(&sandbox, ARCHIVE) else { return };
    sandbox.sh("ls src >one && ls mnt/latest/ >other && diff one other").silent();
    assert_eq!(stored(&sandbox).len(), 1);
}

#[test]
fn what_can_be_no_mount_point_is_refused_and_so_is_no_backup() {
    let sandbox = Sandbox::new();
    Tree::small(sandbox.path("src"));
    sandbox.sh("mkdir full empty && touch full/file").silent();
    let at = |folder: &str| sandbox.sh(&format!("moo mount {ARCHIVE} file://$PWD/store {folder}"));
    at("empty").fails_with(10).one_message();
    Moo::plain(&sandbox).backup("").silent();
    at("full").fails_with(2).stderr_has("full: not empty");
    at("none").fails_with(1).stderr_has("none: no such file or directory");
    at("full/file").fails_with(1).one_message();
    sandbox.sh("ls -A .tmp").stdout_is("");
}
