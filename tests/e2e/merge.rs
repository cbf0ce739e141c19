//! Restores into a directory that exists: what is merged, what is deleted, and what is in the way.

use tests::damage::{find_all, remove};
use tests::{Run, Sandbox, Snapshot, Tree, assert_same};

use crate::moo::Moo;
use crate::mount::Mount;

/// A store of a small tree with hard links and a folder of its own mode.
fn stored(sandbox: &Sandbox) -> Snapshot {
    let tree = Tree::small(sandbox.path("src"));
    tree.noise("conf/hosts", 500);
    tree.hard_link("conf/again", tree.path("conf/hosts"));
    tree.folder("conf/empty");
    tree.mode("conf", 0o711);
    tree.mode("", 0o750);
    Moo::plain(sandbox).backup("").silent();
    Snapshot::kept(tree.root())
}

fn restore(sandbox: &Sandbox, words: &str) -> Run {
    let (options, destination) = words.rsplit_once(' ').unwrap_or(("", words));
    sandbox.sh(&format!("moo restore {options} file://$PWD/store {destination}"))
}

/// A refusal that changes nothing and leaves nothing.
#[track_caller]
fn refuses(sandbox: &Sandbox, words: &str, why: &str) {
    let left = |snapshot: Snapshot| snapshot.without(&[".", ".home", ".tmp", ".gnupg", ".run"]);
    let before = left(Snapshot::of(sandbox.path("")));
    restore(sandbox, words).fails_with(2).one_message().stderr_has(why);
    assert_same(&before, &left(Snapshot::of(sandbox.path(""))));
}

#[test]
fn force_deleted_what_the_backup_does_not_have_and_is_merge_now() {
    let sandbox = Sandbox::new();
    stored(&sandbox);
    for option in ["--force", "--merge"] {
        sandbox
            .sh("rm -rf www && mkdir -p www/conf/own && echo keep >www/keep &&
            echo keep >www/conf/own/keep &&
            echo old >www/conf/hosts && ln www/conf/hosts www/other && chmod 700 www/conf")
            .silent();
        restore(&sandbox, &format!("{option} www")).silent();
        sandbox
            .sh("cat www/keep www/conf/own/keep www/other")
            .succeeds()
            .stdout_is("keep\nkeep\nold");
        sandbox
            .sh("cmp src/conf/hosts www/conf/hosts && test www/conf/again -ef www/conf/hosts &&
            stat -c %a www www/conf && ls -A | grep moo-")
            .fails_with(1)
            .stdout_is("750\n711");
    }
}

#[test]
fn delete_leaves_what_the_backup_has_and_no_more() {
    let sandbox = Sandbox::new();
    let state = stored(&sandbox);
    sandbox
        .sh("mkdir -p www/below www/conf/hosts/deep && echo x >www/below/file && chmod 0 www/below &&
            echo x >www/conf/hosts/deep/x && echo file >www/conf/empty")
        .silent();
    restore(&sandbox, "--delete www").silent();
    assert_same(&state, &Snapshot::kept(sandbox.path("www")));
    restore(&sandbox, "--delete www").silent();
    assert_same(&state, &Snapshot::kept(sandbox.path("www")));
    sandbox.sh("ls -A | grep moo-").fails_with(1);
    let volume = find_all(sandbox.path("store"), "vol1").remove(0);
    remove(volume);
    restore(&sandbox, "--delete www").silent();
    sandbox.sh("rm www/conf/hosts www/conf/again && echo x >www/own").silent();
    let before = Snapshot::kept(sandbox.path("www"));
    restore(&sandbox, "--delete www").fails_with(5).one_message();
    assert_same(&before, &Snapshot::kept(sandbox.path("www")));
}

#[test]
fn one_file_took_the_place_of_a_whole_directory_and_goes_into_it() {
    let sandbox = Sandbox::new();
    stored(&sandbox);
    sandbox.sh("mkdir etc empty && echo keep >etc/keep").silent();
    for to in ["etc", "empty/"] {
        restore(&sandbox, &format!("--path conf/hosts {to}")).silent();
    }
    sandbox
        .sh("cmp src/conf/hosts etc/hosts && cmp src/conf/hosts empty/hosts && cat etc/keep")
        .succeeds()
        .stdout_is("keep");
    refuses(&sandbox, "--path conf/hosts etc", "etc/hosts: already exists; use --merge");
    refuses(&sandbox, "--path conf etc", "etc: already exists; use --merge");
    for option in ["--merge", "--force", "--delete"] {
        sandbox.sh("echo old >etc/hosts").silent();
        restore(&sandbox, &format!("{option} --path conf/hosts etc")).silent();
        sandbox.sh("cmp src/conf/hosts etc/hosts && cat etc/keep").succeeds().stdout_is("keep");
    }
    sandbox.sh("rm etc/hosts && mkdir etc/hosts").silent();
    refuses(&sandbox, "--delete --path conf/hosts etc", "etc/hosts: is a directory");
}

#[test]
fn what_is_of_another_type_is_in_the_way_and_a_link_is_never_followed() {
    let sandbox = Sandbox::new();
    let state = stored(&sandbox);
    sandbox.sh("mkdir www target && ln -s ../target www/conf && ln -s www link").silent();
    for option in ["--merge", "--delete"] {
        refuses(&sandbox, &format!("{option} www"), "www/conf: is a symbolic link");
        refuses(&sandbox, &format!("{option} link"), "link: is a symbolic link");
    }
    sandbox.sh("rm www/conf && echo file >www/conf").silent();
    refuses(&sandbox, "--merge www", "www/conf: is a file");
    sandbox
        .sh("rm www/conf && mkdir -p www/conf/hosts && ln -s ../../target www/conf/again")
        .silent();
    refuses(&sandbox, "--merge www", "www/conf/hosts: is a directory");
    restore(&sandbox, "--delete www").silent();
    assert_same(&state, &Snapshot::kept(sandbox.path("www")));
    sandbox.sh("ls -A target").silent();
}

#[test]
fn a_file_system_mounted_below_the_destination_was_emptied_and_is_not_crossed() {
    let sandbox = Sandbox::new();
    stored(&sandbox);
    sandbox.sh("mkdir -p www/conf/empty").silent();
    let Some(_mount) = Mount::new(&sandbox, "disk", "1m") else { return };
    sandbox.sh("echo precious >disk/photo && mount --bind disk www/conf/empty").silent();
    restore(&sandbox, "--merge www").silent();
    sandbox.sh("cat disk/photo").succeeds().stdout_is("precious");
    let refused = restore(&sandbox, "--delete www");
    sandbox
        .sh("umount www/conf/empty && mkdir www/conf/own && mount --bind disk www/conf/own")
        .silent();
    let below = restore(&sandbox, "--delete www");
    sandbox
        .sh("cat disk/photo && umount www/conf/own && ls -A | grep moo-")
        .fails_with(1)
        .stdout_is("precious");
    refused.fails_with(2).one_message().stderr_has("www/conf/empty: a file system is mounted");
    below.fails_with(2).one_message().stderr_has("www/conf/own: a file system is mounted");
}

#[test]
fn a_mount_point_is_refused_at_once_and_served_from_inside_by_merge() {
    let sandbox = Sandbox::new();
    stored(&sandbox);
    sandbox.sh("mkdir bound").silent();
    let Some(_mount) = Mount::new(&sandbox, "disk", "8m") else { return };
    sandbox.sh("mkdir disk/volume && mount --bind disk/volume bound").silent();
    let runs = ["disk", "bound"].map(|to| restore(&sandbox, to));
    for to in ["disk", "bound"] {
        sandbox.sh(&format!("echo keep >{to}/keep")).silent();
    }
    let merged = ["disk", "bound"].map(|to| restore(&sandbox, &format!("--merge {to}")));
    let found = sandbox.sh("cat disk/keep bound/keep && cmp src/conf/hosts disk/conf/hosts &&
        cmp src/conf/hosts bound/conf/hosts && ls -A disk bound | grep moo-");
    let deleted = restore(&sandbox, "--delete bound");
    let after = sandbox.sh("ls -A bound | grep keep; umount bound");
    for run in runs {
        run.fails_with(2).one_message().stderr_has("is a mount point; use --merge");
    }
    merged.into_iter().chain([deleted, after]).for_each(|run| drop(run.silent()));
    found.fails_with(1).stdout_is("keep\nkeep");
}

#[test]
fn an_immutable_file_left_the_old_tree_in_a_hidden_folder_and_is_named_before_anything_moves() {
    let sandbox = Sandbox::new();
    stored(&sandbox);
    sandbox.sh("mkdir -p www/conf && echo old >www/conf/hosts && echo own >www/own").silent();
    if sandbox.sh("chattr +i www/own").status != 0 {
        tests::not_tried("no file can be made immutable here");
        return;
    }
    let merged = restore(&sandbox, "--merge www");
    let deleted = restore(&sandbox, "--delete www");
    sandbox
        .sh("chattr -i www/own && chattr +a www/conf/hosts && echo more >>www/conf/hosts")
        .silent();
    let replaced = restore(&sandbox, "--merge www");
    sandbox.sh("chattr -a www/conf/hosts && ls -A | grep moo-").fails_with(1);
    merged.silent();
    deleted.fails_with(2).one_message().stderr_has("www/own: is immutable");
    replaced.fails_with(2).stderr_has("www/conf/hosts: is append-only");
}
