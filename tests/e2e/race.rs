//! A restore by root into a folder of another user, who never stops putting links to root's own
//! files in place of what is there.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::process::{Gid, Uid, geteuid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use tests::scale::scale;
use tests::{Sandbox, Snapshot, Tree, assert_same};

use crate::moo::Moo;

/// The user who races: nobody.
const NOBODY: u32 = 65534;
/// What he calls his link.
const TRAP: &str = "trap";

/// A thread of another user, who exchanges all that is in some directories for a link, and back.
struct Racer {
    directories: Arc<Mutex<Vec<PathBuf>>>,
    stop: Arc<AtomicBool>,
    exchanged: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Racer {
    fn start() -> Racer {
        let directories: Arc<Mutex<Vec<PathBuf>>> = Arc::default();
        let (stop, exchanged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let shared = (Arc::clone(&directories), Arc::clone(&stop), Arc::clone(&exchanged));
        let thread = std::thread::spawn(move || {
            let (directories, stop, exchanged) = shared;
            become_nobody();
            while !stop.load(Ordering::Relaxed) {
                let now = directories.lock().unwrap().clone();
                let count: u64 = now.iter().map(|directory| exchange_all(directory)).sum();
                exchanged.fetch_add(count, Ordering::Relaxed);
            }
        });
        Racer { directories, stop, exchanged, thread: Some(thread) }
    }

    fn work_in(&self, directories: Vec<PathBuf>) {
        *self.directories.lock().unwrap() = directories;
    }
}

impl Drop for Racer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the racer has failed");
        }
    }
}

/// Gives this thread, and no other, to another user.
fn become_nobody() {
    let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
    set_thread_groups(&[]).unwrap();
    set_thread_res_gid(group, group, group).unwrap();
    set_thread_res_uid(user, user, user).unwrap();
}

fn exchange_all(directory: &Path) -> u64 {
    let trap = directory.join(TRAP);
    let names = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let exchange =
        |name: PathBuf| renameat_with(CWD, &name, CWD, &trap, RenameFlags::EXCHANGE).is_ok();
    names.filter(|name| name.file_name() != TRAP && exchange(name.path())).count() as u64
}

/// How a round begins: what of `DIR` is there, and how the restore goes to it.
struct Case {
    /// What the destination is, below the folder of the other user.
    destination: &'static str,
    options: &'static str,
    /// Directories that are there, all of which have the link.
    directories: &'static [&'static str],
    stream: &'static str,
}

/// A restore of which much is there already.
const MATCHED: &str = "matched";

const CASES: [Case; 8] = [
    Case { destination: "out", options: "", directories: &[""], stream: "tree" },
    Case { destination: "out", options: "", directories: &[""], stream: "file" },
    Case { destination: "new/out", options: "", directories: &[""], stream: "tree" },
    Case { destination: "out", options: "--force", directories: &["", "out"], stream: "file" },
    Case {
        destination: "out",
        options: "--force",
        directories: &["", "out", "out/sub"],
        stream: "tree",
    },
    Case {
        destination: "out",
        options: "--delete",
        directories: &["", "out", "out/sub"],
        stream: "tree",
    },
    Case {
        destination: "out",
        options: "--merge",
        directories: &["", "out", "out/sub"],
        stream: MATCHED,
    },
    Case {
        destination: "out",
        options: "--delete",
        directories: &["", "out", "out/sub"],
        stream: MATCHED,
    },
];

/// Two streams: all of a tree that belongs to the other user, and one file of it.
fn streams(sandbox: &Sandbox) {
    let tree = Tree::small(sandbox.path("src"));
    tree.noise("sub/file", 3_000);
    tree.noise("sub/below/file", 3_000);
    sandbox.sh(&format!("chown -hR {NOBODY} src")).silent();
    Moo::plain(sandbox).backup("").silent();
    let fetch = "moo-fetch $part file://$PWD/store | moo-decrypt";
    sandbox.sh(&format!("part=; {fetch} >tree; part='--path sub/file'; {fetch} >file")).silent();
    sandbox.sh("moo-fetch --signatures file://$PWD/store | moo-decrypt >signatures").silent();
}

/// A folder that is root's alone, with all the names that a restore uses.
fn secret(sandbox: &Sandbox) -> PathBuf {
    let names = "tree replaced patched linked scratch moo-patch file";
    let script = format!(
        "mkdir secret && cd secret && for name in {names}; do echo rootkey >$name; done &&
        mkdir out sub && echo rootkey >out/file && echo rootkey >sub/file && cd .. && chmod -R go= secret"
    );
    sandbox.sh(&script).silent();
    sandbox.path("secret")
}

/// Makes the folder of the other user for one round. Returns where he races.
fn prepare(sandbox: &Sandbox, folder: &Path, case: &Case, secret: &Path) -> Vec<PathBuf> {
    let directories: Vec<_> = case.directories.iter().map(|name| folder.join(name)).collect();
    for directory in &directories {
        std::fs::create_dir(directory).unwrap();
        symlink(secret, directory.join(TRAP)).unwrap();
        let own = |path: &Path| std::os::unix::fs::lchown(path, Some(NOBODY), None).unwrap();
        own(directory);
        own(&directory.join(TRAP));
    }
    if case.stream == MATCHED {
        // Half of it is right but for its metadata.
        let copy =
            "cp -a src/. \"$1/out\" && rm \"$1/out/a file\" && chmod 755 \"$1/out/sub/file\"";
        let name = folder.file_name().unwrap().to_str().unwrap();
        sandbox.sh(&format!("set -- {name}; {copy}")).silent();
    }
    directories
}

#[test]
fn a_link_in_place_of_any_name_made_root_write_and_delete_elsewhere_and_does_not() {
    if !geteuid().is_root() {
        tests::not_tried("not root: there is nobody else to race");
        return;
    }
    let sandbox = Sandbox::for_everybody();
    streams(&sandbox);
    let secret = secret(&sandbox);
    let before = Snapshot::of(&secret);
    let racer = Racer::start();
    let mut good = 0;
    for round in 0..scale(35, 1000) {
        for (number, case) in CASES.iter().enumerate() {
            let name = format!("par-{round}-{number}");
            let folder = sandbox.path(&name);
            racer.work_in(prepare(&sandbox, &folder, case, &secret));
            let Case { destination, options, stream, .. } = case;
            let to = format!("{name}/{destination}");
            let run = sandbox.sh(&match *stream {
                MATCHED => format!(
                    "rm -rf plan && mkdir plan && moo-match {options} --plan plan {to} <signatures &&
                    moo-fetch --needed file://$PWD/store <plan/needed.json | moo-decrypt |
                        moo-patch {options} --matched plan {to}"
                ),
                stream => format!("moo-patch {options} {to} <{stream}"),
            });
            assert_same(&before, &Snapshot::of(&secret));
            assert!(!run.err().contains("panicked"), "{}", run.err());
            good += u64::from(run.status == 0);
        }
    }
    let exchanged = racer.exchanged.load(Ordering::Relaxed);
    drop(racer);
    eprintln!("{good} restores came through, {exchanged} exchanges");
    assert!(exchanged > 0, "nobody raced");
}
