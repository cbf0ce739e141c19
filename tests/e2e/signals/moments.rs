//! Signals at random moments. The seed is printed; `MOO_SIGNALS_SEED` repeats it.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tests::Sandbox;

const SIGNALS: [&str; 4] = ["TERM", "INT", "HUP", "KILL"];
/// How often each command is ended by each signal.
const TURNS: usize = 3;
const SECOND: Duration = Duration::from_secs(1);

/// Random moments within the time that the command takes.
struct Moments {
    state: u64,
    whole: Duration,
}

impl Moments {
    fn new(whole: Duration) -> Moments {
        let given = std::env::var("MOO_SIGNALS_SEED").ok().and_then(|seed| seed.parse().ok());
        let state = given.unwrap_or_else(|| RandomState::new().hash_one(0)) | 1;
        eprintln!("MOO_SIGNALS_SEED={state}, the whole command takes {whole:?}");
        Moments { state, whole }
    }

    fn next(&mut self) -> Duration {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.whole.mul_f64((self.state % 1000) as f64 / 1000.0)
    }
}

/// A sandbox with a source that takes a while.
fn sandbox() -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.set("PASSPHRASE", "moo");
    let files = "mkdir src; for i in 1 2 3 4 5 6; do head -c 1M /dev/urandom >src/$i; done";
    sandbox.sh(files).silent();
    sandbox
}

fn backup(kind: &str) -> String {
    format!("moo backup {kind} --volsize 1 src file://$PWD/store")
}

fn timed(sandbox: &Sandbox, command: &str) -> Duration {
    let start = Instant::now();
    sandbox.sh(command).silent();
    start.elapsed()
}

/// Ends `command` after that time. From one second later on nothing changes any more, and no process
/// is left.
fn end(sandbox: &Sandbox, command: &str, signal: &str, after: Duration) {
    let pid = sandbox.path("pid");
    let _ = fs::remove_file(&pid);
    let script = format!(
        "sh -c 'echo $$ >pid.new && mv pid.new pid; exec {command}' 2>said; echo $? >status"
    );
    let mut run = sandbox.command(&script).spawn().unwrap();
    while !pid.exists() {
        sleep(Duration::from_millis(1));
    }
    sleep(after);
    let kill = format!("kill -{signal} $(cat pid)");
    // It may have come to its end already.
    let _ = sandbox.sh(&kill);
    run.wait().unwrap();
    sleep(SECOND);
    let before = state(sandbox);
    let left = processes(sandbox);
    assert_eq!(left, Vec::<String>::new(), "{command}: left after SIG{signal} at {after:?}");
    sleep(SECOND);
    assert_eq!(before, state(sandbox), "{command}: changes after SIG{signal} at {after:?}");
    check_status(sandbox, signal);
}

/// The command died of the signal, with one line, or came to its end before.
fn check_status(sandbox: &Sandbox, signal: &str) {
    let number = [("TERM", 143), ("INT", 130), ("HUP", 129), ("KILL", 137)];
    let number = number.iter().find(|(name, _)| *name == signal).unwrap().1;
    let read = |name: &str| fs::read_to_string(sandbox.path(name)).unwrap();
    let (status, said) = (read("status"), read("said"));
    if status.trim() == "0" {
        return;
    }
    assert_eq!(status.trim(), number.to_string(), "after SIG{signal}: {said}");
    // Where the shell, or another early moment, was ended, there is no line yet.
    let ours = said.lines().filter(|line| line.starts_with("moo")).count();
    assert!(ours <= usize::from(signal != "KILL"), "after SIG{signal}: {said}");
}

/// All that can be seen of store, archive directory, destination and temporary files.
fn state(sandbox: &Sandbox) -> String {
    let places = "store .home .tmp . -path ./src -prune -o -path ./.run -prune -o";
    let list = format!("find {places} -printf '%p %i %s %m %T@ %C@\\n' 2>/dev/null | sort");
    sandbox.sh(&list).out()
}

/// The processes that have the sandbox in their environment.
fn processes(sandbox: &Sandbox) -> Vec<String> {
    let ours = sandbox.path("").to_string_lossy().trim_end_matches('/').to_owned();
    let numbers = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let environment =
        |path: &std::path::PathBuf| fs::read(path.join("environ")).unwrap_or_default();
    let holds = |path: &std::path::PathBuf| {
        String::from_utf8_lossy(&environment(path)).contains(&format!("HOME={ours}"))
    };
    let shown = |path: std::path::PathBuf| {
        String::from_utf8_lossy(&fs::read(path.join("cmdline")).unwrap_or_default()).into_owned()
    };
    numbers.filter(holds).map(shown).collect()
}

/// The next run needs no hand, and what it stores comes back.
fn next_run_works(sandbox: &Sandbox) {
    sandbox.sh(&backup("")).silent();
    let restore = "moo restore file://$PWD/store all && diff -r src all && rm -r all";
    sandbox.sh(restore).silent();
}

fn turns() -> impl Iterator<Item = &'static str> {
    (0..TURNS).flat_map(|_| SIGNALS)
}

#[test]
fn a_full_backup_that_is_ended_stored_its_set_seconds_later_and_stores_nothing_more() {
    let sandbox = sandbox();
    let mut moments = Moments::new(timed(&sandbox, &backup("full")));
    for signal in turns() {
        sandbox.sh("rm -rf store .home/.local").silent();
        end(&sandbox, &backup("full"), signal, moments.next());
        next_run_works(&sandbox);
    }
}

#[test]
fn an_increment_that_is_ended_stored_its_set_seconds_later_and_stores_nothing_more() {
    let sandbox = sandbox();
    sandbox.sh(&backup("full")).silent();
    sandbox.sh("for i in 1 2 3; do head -c 1M /dev/urandom >src/$i; done").silent();
    let mut moments = Moments::new(timed(&sandbox, &backup("inc")));
    for signal in turns() {
        sandbox.sh("for i in 1 2 3; do head -c 1M /dev/urandom >src/$i; done").silent();
        end(&sandbox, &backup("inc"), signal, moments.next());
        next_run_works(&sandbox);
    }
}

#[test]
fn a_restore_that_is_ended_made_its_destination_seconds_later_and_makes_none() {
    let sandbox = sandbox();
    sandbox.sh(&backup("full")).silent();
    let restore = "moo restore file://$PWD/store out";
    let mut moments = Moments::new(timed(&sandbox, restore));
    for signal in turns() {
        sandbox.sh("rm -rf out").silent();
        end(&sandbox, restore, signal, moments.next());
        sandbox.sh("test ! -e out || diff -r src out").silent();
        sandbox.sh("rm -rf out && moo restore file://$PWD/store out && diff -r src out").silent();
    }
}

#[test]
fn a_restore_by_force_that_is_ended_replaced_the_destination_and_leaves_it() {
    let sandbox = sandbox();
    sandbox.sh(&backup("full")).silent();
    let restore = "moo restore --force file://$PWD/store out";
    let mut moments = Moments::new(timed(&sandbox, restore));
    for signal in turns() {
        sandbox.sh("rm -rf out && mkdir out && echo mine >out/mine").silent();
        end(&sandbox, restore, signal, moments.next());
        sandbox.sh("grep -qx mine out/mine").silent();
        sandbox.sh(&format!("{restore} && grep -qx mine out/mine && rm out/mine")).silent();
        sandbox.sh("diff -r src out").silent();
    }
}
