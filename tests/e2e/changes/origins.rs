//! Archive directories that know no inodes, or not those of this source.

use tests::{Duplicity, Sandbox, Tree};

use super::inodes::{OLD, planned, stored};
use crate::moo::Moo;

/// Rewrites one file with its time put back and lets two swap their names, and demands all that of
/// the next backup.
fn every_change_is_stored(sandbox: &Sandbox, tree: &Tree, moo: &Moo) {
    tree.edit("one", |content| content[100] = b'Z');
    tree.mtime("one", OLD, 123_456_789);
    sandbox.sh("mv src/two x && mv src/three src/two && mv x src/three").silent();
    moo.backup("inc").silent();
    sandbox.sh("moo restore file://$PWD/store out && diff -rq src out && rm -r out").silent();
}

fn consolidate(sandbox: &Sandbox, archive: &str) {
    let options = format!("--archive-dir . --name {archive} --no-encryption");
    sandbox.sh(&format!("moo consolidate {options} file://$PWD/store")).succeeds();
}

/// Makes the archive directory anew.
fn sync(sandbox: &Sandbox) {
    let sync = "rm -r archive && moo sync --archive-dir . --name archive file://$PWD/store";
    sandbox.sh(sync).succeeds();
}

#[test]
fn changes_after_a_sync_are_stored() {
    let sandbox = Sandbox::new();
    let (tree, moo) = stored(&sandbox);
    sync(&sandbox);
    assert_eq!(planned(&sandbox, ""), "");
    every_change_is_stored(&sandbox, &tree, &moo);
}

#[test]
fn changes_after_a_consolidation_were_not_stored_and_are() {
    let sandbox = Sandbox::new();
    let (tree, moo) = stored(&sandbox);
    tree.noise("four", 9000);
    moo.backup("").silent();
    consolidate(&sandbox, "archive");
    // The archive directory knew the inodes, and so does the new set.
    assert_eq!(planned(&sandbox, ""), "");
    every_change_is_stored(&sandbox, &tree, &moo);
}

#[test]
fn changes_after_a_consolidation_on_another_machine_were_not_stored_and_are() {
    let sandbox = Sandbox::new();
    let (tree, moo) = stored(&sandbox);
    consolidate(&sandbox, "other");
    sync(&sandbox);
    every_change_is_stored(&sandbox, &tree, &moo);
}

#[test]
fn a_set_consolidated_on_another_machine_knows_no_inodes_and_its_files_are_read_once() {
    let sandbox = Sandbox::new();
    let (_tree, moo) = stored(&sandbox);
    consolidate(&sandbox, "other");
    sync(&sandbox);
    assert_eq!(planned(&sandbox, ""), "reread   one\nreread   three\nreread   two\n");
    moo.backup("").silent();
    sandbox.sh("zcat archive/duplicity-new-signatures.*.gz | tar t").succeeds().stdout_is("");
    assert_eq!(planned(&sandbox, ""), "");
}

#[test]
fn a_file_that_was_in_doubt_stays_so_in_a_consolidated_set() {
    let sandbox = Sandbox::new();
    let (_tree, _moo) = stored(&sandbox);
    // What moo-scan records of a file that it has read in the tick of its last change.
    let mark = "
import glob, io, tarfile
[name] = glob.glob('archive/duplicity-full-signatures.*.gz')
with tarfile.open(name) as old:
    members = [(member, old.extractfile(member)) for member in old]
    members = [(member, body and body.read()) for member, body in members]
with tarfile.open(name, 'w:gz', format=tarfile.PAX_FORMAT) as new:
    for member, body in members:
        if member.name == 'signature/two':
            member.pax_headers['comment'] += ' recent=1'
        new.addfile(member, body and io.BytesIO(body))
";
    std::fs::write(sandbox.path("mark.py"), mark).unwrap();
    sandbox.sh("chmod -R u+w archive && python3 mark.py").silent();
    assert_eq!(planned(&sandbox, ""), "reread   two\n");
    consolidate(&sandbox, "archive");
    assert_eq!(planned(&sandbox, ""), "reread   two\n");
}

/// A full set and an increment by a stock duplicity.
fn made_by<'a>(sandbox: &'a Sandbox, duplicity: &Duplicity<'_>) -> (Tree, Moo<'a>) {
    let tree = Tree::empty(sandbox.path("src"));
    for name in ["one", "two", "three"] {
        tree.file(name, &name.repeat(3000).as_bytes()[..9000]);
        tree.mtime(name, OLD, 123_456_789);
    }
    duplicity.full("src").succeeds();
    tree.noise("four", 9000);
    duplicity.increment("src").succeeds();
    (tree, Moo::plain(sandbox))
}

#[test]
fn changes_since_a_backup_of_duplicity_were_not_stored_and_are() {
    for new in [false, true] {
        let sandbox = Sandbox::new();
        let peer = if new { Duplicity::new(&sandbox) } else { Duplicity::old(&sandbox) };
        let (tree, moo) = made_by(&sandbox, &peer.plain());
        every_change_is_stored(&sandbox, &tree, &moo);
        assert_eq!(planned(&sandbox, ""), "");
        every_change_is_stored(&sandbox, &tree, &moo);
    }
}

#[test]
fn changes_since_a_backup_of_duplicity_was_consolidated_are_stored() {
    let sandbox = Sandbox::new();
    let (tree, moo) = made_by(&sandbox, &Duplicity::old(&sandbox).plain());
    consolidate(&sandbox, "archive");
    moo.backup("inc").silent();
    // Each file has been read, and has the content that it had, though its time was cut to seconds.
    sandbox
        .sh("zcat $(ls archive/duplicity-new-signatures.* | tail -n 1) | tar t")
        .succeeds()
        .stdout_is("");
    assert_eq!(planned(&sandbox, ""), "");
    every_change_is_stored(&sandbox, &tree, &moo);
}

#[test]
fn changes_in_a_source_that_was_moved_are_stored_and_what_is_the_same_is_not() {
    let sandbox = Sandbox::new();
    let (tree, _moo) = stored(&sandbox);
    let moo = Moo::plain(&sandbox).option("--allow-source-mismatch");
    // To another disk, and to another name on this one.
    sandbox.sh("mv src old && cp -a old src").silent();
    moo.backup("inc").silent();
    sandbox.sh("zcat archive/duplicity-new-signatures.*.gz | tar t").succeeds().stdout_is("");
    every_change_is_stored(&sandbox, &tree, &moo);
    sandbox
        .sh("mv src moved && mv moved/one y && mv moved/three moved/one && mv y moved/three")
        .silent();
    let moved = "moo backup inc --archive-dir . --name archive --no-encryption moved";
    sandbox.sh(&format!("{moved} file://$PWD/store")).fails_with(2);
    sandbox.sh(&format!("{moved} --allow-source-mismatch file://$PWD/store")).silent();
    sandbox.sh("moo restore file://$PWD/store out && diff -rq moved out").silent();
}

#[test]
fn folders_that_swapped_names_are_seen_by_the_inodes_in_them() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    for folder in ["x", "y"] {
        tree.file(format!("{folder}/f"), &folder.repeat(5000).into_bytes());
        tree.mtime(format!("{folder}/f"), OLD, 5);
    }
    let moo = Moo::plain(&sandbox);
    moo.backup("").silent();
    for archive in ["archive", "other"] {
        consolidate(&sandbox, archive);
        sync(&sandbox);
        sandbox
            .sh("touch -r src/x t; touch -r src/y u; mv src/x z; mv src/y src/x; mv z src/y")
            .silent();
        sandbox.sh("touch -r t src/x; touch -r u src/y").silent();
        moo.backup("inc").silent();
        sandbox.sh("moo restore file://$PWD/store out && diff -rq src out && rm -r out").silent();
    }
}
