//! Backups that go through the user's rclone.

use std::fs;

use tests::s3::S3;
use tests::{Run, Sandbox, Snapshot, Tree, assert_same, long};

/// A store behind a remote named `away`.
struct Remote {
    sandbox: Sandbox,
    tree: Tree,
}

impl Remote {
    /// With those lines as the configuration of the remote.
    fn new(lines: &str) -> Remote {
        let sandbox = Sandbox::new();
        let folder = sandbox.path(".home/.config/rclone");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("rclone.conf"), format!("[away]\n{lines}\n")).unwrap();
        let tree = Tree::small(sandbox.path("src"));
        tree.noise("large", 300_000);
        Remote { sandbox, tree }
    }

    /// A program of `moo` with the archive and the store.
    fn moo(&self, command: &str, archive: &str, words: &str) -> Run {
        let common = format!("--archive-dir . --name {archive} --num-retries 1");
        self.sandbox.sh(&format!("moo {command} {common} {words}"))
    }

    fn backup(&self, kind: &str) -> Run {
        let words = "--no-encryption --volsize 1 -v info src rclone:away:bucket/store";
        self.moo(&format!("backup {kind}"), "archive", words)
    }

    fn brings_back(&self, words: &str, state: &Snapshot) {
        let words = format!("{words} rclone:away:bucket/store out");
        self.moo("restore", "lost", &words).silent();
        assert_same(state, &Snapshot::kept(self.sandbox.path("out")));
        self.sandbox.remove("out");
    }

    /// What is at the remote.
    fn names(&self) -> String {
        self.sandbox.sh("rclone lsf --files-only away:bucket/store").succeeds().out()
    }

    /// A backup, one that is interrupted and gone on with, a restore, and a copy.
    fn lives(&self) {
        self.backup("").succeeds();
        let first = Snapshot::kept(self.tree.root());
        self.tree.noise("more", 2_500_000);
        self.interrupted();
        let waiting = self.names();
        let volumes = || self.names().lines().filter(|name| name.contains(".vol")).count();
        let before = volumes();
        self.backup("").succeeds().stderr_has("volumes that an interrupted run has sent");
        assert!(volumes() > before && !self.names().contains(".upload-"), "{waiting}");
        let second = Snapshot::kept(self.tree.root());
        self.brings_back("", &second);
        let oldest = self.names();
        let oldest = oldest.lines().find_map(|name| name.strip_prefix("moobacker.")).unwrap();
        self.brings_back(&format!("--time {}", oldest.split('.').next().unwrap()), &first);
        self.moo("status", "archive", "rclone:away:bucket/store").succeeds().stderr_is("");
        self.sandbox.sh("moo replicate rclone:away:bucket/store file://$PWD/copy").silent();
        self.sandbox.sh("moo restore --archive-dir . --name lost file://$PWD/copy out").silent();
        assert_same(&second, &Snapshot::kept(self.sandbox.path("out")));
        self.sandbox.remove("out");
        if !long() {
            eprintln!("not pruned: that is for the long form");
            return;
        }
        let prune = "--force --keep-full 1 rclone:away:bucket/store";
        self.backup("full").succeeds();
        self.moo("prune", "archive", prune).succeeds();
    }

    /// A backup that ends when two volumes have arrived, and nobody clears up.
    fn interrupted(&self) {
        let shim = "mkdir shim && cat >shim/moo-upload <<'END' && chmod +x shim/moo-upload
#!/bin/sh
{ head -c 2300000; sleep 3; } | \"$REAL\" \"$@\"
END
            REAL=$(command -v moo-upload) PATH=$PWD/shim:$PATH $commands/backup.sh --archive-dir . \
                --name archive --no-encryption --volsize 1 src rclone:away:bucket/store";
        self.sandbox.sh(shim).fails_with(4);
        self.sandbox.sh("rm -r shim").silent();
    }
}

#[test]
fn backups_live_on_a_remote_that_can_move_files() {
    let remote = Remote::new("type = local");
    // Its paths are seen from the working directory.
    remote.lives();
    let files = fs::read_dir(remote.sandbox.path("bucket/store")).unwrap();
    assert!(files.count() > 3, "it is what a folder would be");
    remote
        .sandbox
        .sh("moo restore --archive-dir . --name lost file://$PWD/bucket/store out")
        .silent();
}

#[test]
fn backups_live_on_a_remote_whose_renames_would_be_copies() {
    let server = S3::start();
    let lines = server.remote("").trim_matches(':').replace(',', "\n").replace('"', "");
    let lines = format!("type = {lines}");
    Remote::new(&lines).lives();
}

#[test]
fn what_is_wrong_with_a_remote_is_said_in_one_line() {
    let dead = "type = s3\nprovider = Other\nendpoint = http://127.0.0.1:1\n\
        access_key_id = a\nsecret_access_key = b";
    let remote = Remote::new(dead);
    remote.backup("").fails_with(8).one_message().stderr_has("connection refused");
    let look = |url: &str| remote.sandbox.sh(&format!("moo-fetch --num-retries 1 {url}"));
    look("rclone:none:x").fails_with(2).one_message().stderr_has("rclone config");
    look("rclone:none").fails_with(2).one_message().stderr_has("names no remote");
    look("rclone::local:/nowhere").fails_with(10).one_message();
    let read_only = "backup --no-encryption src rclone::local:/proc/moo";
    remote.moo(read_only, "other", "").fails_with(7).one_message();
    let nothing =
        "mkdir bin && ln -s $(command -v moo-fetch) bin && PATH=$PWD/bin moo-fetch rclone:away:x";
    remote.sandbox.sh(nothing).fails_with(1).one_message().stderr_has("rclone is not in PATH");
}

#[test]
fn what_a_remote_has_lost_or_cut_in_silence_made_a_set_and_makes_none() {
    for (fault, there) in [
        ("cat >/dev/null", "0"),
        ("head -c 1000 >.part; cat >/dev/null; /usr/bin/rclone rcat \"$3\" <.part", "1000"),
    ] {
        let mut remote = Remote::new("type = alias\nremote = .");
        remote.tree.noise("more", 2_500_000);
        let fake =
            format!("case $* in rcat*vol2*) {fault}; exit ;; esac; exec /usr/bin/rclone \"$@\"");
        remote.sandbox.sh("mkdir -p .fake bucket").silent();
        fs::write(remote.sandbox.path(".fake/rclone"), format!("#!/bin/sh\n{fake}\n")).unwrap();
        remote.sandbox.sh("chmod +x .fake/rclone").silent();
        let path = remote.sandbox.sh("printf %s \"$PATH\"").out();
        let faulty = format!("{}:{path}", remote.sandbox.path(".fake").display());
        remote.sandbox.set("PATH", faulty);
        let words = "--no-encryption --volsize 1 src rclone:away:bucket/store";
        let run = remote.moo("backup", "archive", words).fails_with(7).one_message();
        run.stderr_has(&format!("vol2.difftar.gz: the remote has {there} of the "));
        assert!(!remote.names().lines().any(|name| name.starts_with("duplicity-")));
        remote.sandbox.set("PATH", path);
        // The next run sends again what is missing.
        remote.moo("backup", "archive", words).succeeds();
        remote.brings_back("", &Snapshot::kept(remote.tree.root()));
    }
}
