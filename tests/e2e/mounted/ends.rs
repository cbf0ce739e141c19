//! How a mount ends, and what is left then: nothing.

use tests::{Sandbox, Tree, not_tried};

use super::{ARCHIVE, Mounted, can_mount, is_mounted};
use crate::moo::Moo;
use crate::signals::kit::{processes, until};

fn backup(sandbox: &Sandbox) -> Tree {
    let tree = Tree::small(sandbox.path("src"));
    Moo::plain(sandbox).backup("").silent();
    tree
}

#[track_caller]
fn is_over(sandbox: &Sandbox, what: &str) {
    until(what, || !is_mounted(sandbox));
    until(what, || processes(sandbox).is_empty());
    sandbox.sh("ls mnt").stdout_is("");
}

#[test]
fn a_signal_unmounts_even_if_files_are_in_use() {
    let sandbox = Sandbox::new();
    let _tree = backup(&sandbox);
    for (signal, status) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let Some(mounted) = Mounted::new(&sandbox, ARCHIVE) else { return };
        let mut user =
            sandbox.command("cd mnt/latest/folder && exec sleep 3 <large").spawn().unwrap();
        until("use", || {
            sandbox.sh("fuser -sm mnt || lsof mnt >/dev/null 2>&1 || true").status == 0
        });
        let ended = mounted.end(signal);
        assert_eq!(ended.status, status, "{signal}: {:?}", ended.said);
        let said = "moo mount: interrupted; the file system is unmounted";
        assert_eq!(ended.said, [said], "{signal}");
        assert!(!is_mounted(&sandbox), "{signal}");
        sandbox.sh("ls -A .tmp").stdout_is("");
        user.wait().unwrap();
        is_over(&sandbox, signal);
    }
}

#[test]
fn whatever_of_it_is_killed_it_is_unmounted() {
    let sandbox = Sandbox::new();
    let _tree = backup(&sandbox);
    for killed in [
        "$(cat pid)",
        "$(pgrep -P $(cat pid))",
        "$(pgrep -f \"moo-mount .*--volumes $PWD\" | head -n 1)",
    ] {
        let Some(mounted) = Mounted::new(&sandbox, ARCHIVE) else { return };
        sandbox.sh("cat mnt/latest/folder/large >/dev/null").silent();
        sandbox.sh(&format!("kill -KILL {killed}")).silent();
        until(killed, || !is_mounted(&sandbox) && sandbox.sh("ls mnt").status == 0);
        drop(mounted);
        is_over(&sandbox, killed);
    }
}

#[test]
fn without_who_fetches_volumes_it_is_unmounted_with_one_line() {
    let sandbox = Sandbox::new();
    let _tree = backup(&sandbox);
    let Some(mounted) = Mounted::new(&sandbox, ARCHIVE) else { return };
    let kill = "mount=$(pgrep -f \"moo-mount .*--volumes $PWD\" | head -n 1) &&
        kill -KILL $(pgrep -P $(ps -o ppid= -p $mount) mount.sh)";
    sandbox.sh(kill).silent();
    until("the end", || sandbox.path("status").exists());
    assert_eq!(mounted.said().lines().filter(|line| line.starts_with("moo")).count(), 1);
    assert!(mounted.said().contains("program that fetches volumes: has ended"));
    sandbox.sh("cat status").stdout_is("4\n");
    drop(mounted);
    is_over(&sandbox, "who fetches");
}

#[test]
fn moo_mount_alone_is_unmounted_when_it_is_killed() {
    let sandbox = Sandbox::new();
    let _tree = backup(&sandbox);
    if !can_mount() {
        return;
    }
    sandbox.sh("mkdir mnt").silent();
    let script = "moo-mount --archive archive mnt 2>said & echo $! >pid; wait";
    let mut run = sandbox.command(script).spawn().unwrap();
    until("mount", || is_mounted(&sandbox));
    sandbox.sh("ls mnt/latest/folder").stdout_is("large\nother\n");
    sandbox.sh("cat mnt/latest/folder/large").fails().stderr_has("Input/output error");
    sandbox.sh("kill -KILL $(cat pid)").silent();
    run.wait().unwrap();
    is_over(&sandbox, "moo-mount");
}

#[test]
fn readers_of_a_store_that_hangs_stopped_the_whole_mount_and_wait_alone() {
    let sandbox = Sandbox::new();
    backup(&sandbox).noise("folder/second", 100);
    Moo::plain(&sandbox).backup("").silent();
    if !can_mount() {
        return;
    }
    // Whoever fetches volumes takes each request, and never answers.
    sandbox.sh("mkdir mnt pipes && mkfifo pipes/requests pipes/reply pipes/alive").silent();
    let script = "cat pipes/requests >asked &
        moo-mount --archive archive --volumes pipes mnt <>pipes/alive & echo $! >pid; wait";
    let mut run = sandbox.command(script).spawn().unwrap();
    until("mount", || is_mounted(&sandbox));
    let read = "for n in 1 2 3 4 5 6 7 8; do cat mnt/latest/folder/large & done; wait; :";
    let mut readers = sandbox.command(&format!("({read}) >/dev/null 2>&1")).spawn().unwrap();
    until("request", || sandbox.sh("test -s asked").status == 0);
    let listed = sandbox
        .sh("timeout 60 ls mnt/latest/folder && timeout 60 stat -c %s mnt/latest/folder/second");
    listed.stdout_is("large\nother\nsecond\n100\n");
    let older = sandbox.sh("cd mnt && timeout 60 ls $(ls | head -n 1)/folder");
    older.stdout_is("large\nother\n");
    sandbox.sh("kill -TERM $(cat pid)").silent();
    run.wait().unwrap();
    readers.wait().unwrap();
    is_over(&sandbox, "the readers");
}

#[test]
fn root_mounts_what_another_user_fetches_and_reads_no_file_that_this_user_could_replace() {
    let sandbox = Sandbox::for_everybody();
    if !rustix::process::geteuid().is_root() {
        not_tried("not root: nobody can work as another user");
        return;
    }
    let tree = Tree::small(sandbox.path("src"));
    tree.noise("closed", 100);
    tree.mode("closed", 0o000);
    sandbox.sh("chmod 755 . && mkdir archives store && chown nobody archives store").silent();
    sandbox.sh("moo keygen --no-passphrase key && chmod 644 key.cert.pgp").succeeds();
    let options = "--user nobody --archive-dir $PWD/archives --name a";
    let backup =
        format!("moo backup {options} --encrypt-key $PWD/key.cert.pgp src file://$PWD/store");
    sandbox.sh(&backup).silent();
    // What the user has put there is neither followed nor waited for.
    sandbox.sh("ln -s /etc/shadow archives/a/link; mkdir archives/a/folder").silent();
    let options = &format!("{options} --secret-key $PWD/key.secret.pgp");
    let Some(mounted) = Mounted::new(&sandbox, options) else { return };
    sandbox.sh("diff -r --no-dereference src mnt/latest/").silent();
    let held = "grep -lz archives /proc/$(pgrep -f \"moo-mount .*--volumes\" | head -n 1)/cmdline";
    sandbox.sh(held).fails();
    assert_eq!(mounted.said(), "");
    assert_eq!(mounted.unmount().status, 0);
    sandbox.sh("ls -A .tmp").stdout_is("");
}

#[test]
fn a_user_who_is_not_root_mounts_and_reads_everything() {
    let sandbox = Sandbox::for_everybody();
    if !rustix::process::geteuid().is_root() {
        not_tried("not root: there is nobody else to mount as");
        return;
    }
    let tree = Tree::small(sandbox.path("src"));
    tree.noise("closed", 100);
    tree.mode("closed", 0o000);
    Moo::plain(&sandbox).backup("").silent();
    if !can_mount()
        || sandbox
            .sh("chmod 755 . && setpriv --reuid nobody --clear-groups test -w /dev/fuse")
            .status
            != 0
    {
        not_tried("only root may use FUSE here");
        return;
    }
    sandbox
        .sh("chmod -R a+rX store && mkdir home && mkdir home/mnt && chown -R nobody home")
        .silent();
    let script = "cd home && export HOME=$PWD TMPDIR=$PWD XDG_STATE_HOME=$PWD GNUPGHOME=$PWD
        exec setpriv --reuid nobody --regid nogroup --clear-groups sh -c '
            moo mount file://$PWD/../store mnt & pid=$!
            until mountpoint -q mnt || ! kill -0 $pid; do sleep 0.1; done
            wc -c <mnt/latest/closed; stat -c %u mnt/latest/closed
            fusermount3 -u mnt; wait $pid; echo $?; ls -A mnt'";
    sandbox.sh(script).stdout_is("100\n0\n0\n");
}
