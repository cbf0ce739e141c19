//! What the tests of signals share.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tests::Sandbox;
use tests::sandbox::{programs, workspace};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// Random moments within the time that a command takes. The seed is printed; `MOO_SIGNALS_SEED`
/// repeats it.
pub(crate) struct Moments {
    state: u64,
    whole: Duration,
}

impl Moments {
    pub(crate) fn new(whole: Duration) -> Moments {
        let given = std::env::var("MOO_SIGNALS_SEED").ok().and_then(|seed| seed.parse().ok());
        let state = given.unwrap_or_else(|| RandomState::new().hash_one(0)) | 1;
        eprintln!("MOO_SIGNALS_SEED={state}, the whole command takes {whole:?}");
        Moments { state, whole }
    }

    pub(crate) fn next(&mut self) -> Duration {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.whole.mul_f64((self.state % 1000) as f64 / 1000.0)
    }
}

/// How long a command takes that prints nothing.
pub(super) fn timed(sandbox: &Sandbox, command: &str) -> Duration {
    let start = Instant::now();
    sandbox.sh(command).silent();
    start.elapsed()
}

/// A sandbox with a source of six files of 1 MiB, and a passphrase.
pub(crate) fn sandbox() -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.set("PASSPHRASE", "moo");
    let files = "mkdir src; for i in 1 2 3 4 5 6; do head -c 1M /dev/urandom >src/$i; done";
    sandbox.sh(files).silent();
    sandbox
}

/// All that can be seen of store, archive directory, destination and temporary files.
pub(super) fn state(sandbox: &Sandbox) -> String {
    let places = "store .home .tmp . -path ./src -prune -o -path ./.run -prune -o";
    let list = format!("find {places} -printf '%p %i %s %m %T@ %C@\\n' 2>/dev/null | sort");
    sandbox.sh(&list).out()
}

/// The command lines of the processes that have the sandbox in their environment.
pub(crate) fn processes(sandbox: &Sandbox) -> Vec<String> {
    let ours = sandbox.path("").to_string_lossy().trim_end_matches('/').to_owned();
    let numbers = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let environment = |path: &PathBuf| fs::read(path.join("environ")).unwrap_or_default();
    let holds = |path: &PathBuf| {
        String::from_utf8_lossy(&environment(path)).contains(&format!("HOME={ours}"))
    };
    let shown = |path: PathBuf| {
        let words = fs::read(path.join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&words).replace('\0', " ")
    };
    numbers.filter(holds).map(shown).collect()
}

/// Waits until something is so, a minute at most.
#[track_caller]
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < 60 * SECOND, "{what}: not in a minute");
        sleep(Duration::from_millis(5));
    }
}

/// A stage that stops reading after so many bytes of its input, until the file `go` is there.
pub(crate) fn hold(sandbox: &mut Sandbox, stage: &str, bytes: u64) {
    let (programs, pipelines) = (programs(), workspace().join("pipelines"));
    let held = format!(
        "mkdir .held && cp -r {pipelines}/* .held && ln -s {programs}/moo-* .held && rm -f .held/*.d .held/{stage} &&
        cat >.held/{stage} <<'END' && chmod +x .held/{stage}
#!/bin/sh
{{ head -c {bytes}; until test -e {go}; do sleep 0.05; done; cat; }} | {programs}/{stage} \"$@\"
END",
        programs = programs.display(),
        pipelines = pipelines.display(),
        go = sandbox.path("go").display(),
    );
    sandbox.sh(&held).silent();
    let path = sandbox.sh("printf %s \"$PWD/.held:$PATH\"").out();
    sandbox.set("PATH", path);
}

/// A command in the background: its process is `pid`, its messages are in `said`, and its status in
/// `status` once it has ended.
pub(crate) struct Background {
    run: Child,
}

impl Background {
    pub(crate) fn start(sandbox: &Sandbox, command: &str) -> Background {
        sandbox.sh("rm -f pid status said").silent();
        let script = format!(
            "sh -c 'echo $$ >pid.new && mv pid.new pid; exec {command}' 2>said; echo $? >status"
        );
        let run = sandbox.command(&script).spawn().unwrap();
        until("the start", || sandbox.path("pid").exists());
        Background { run }
    }

    /// What a stage has noted for the last line of the command.
    pub(crate) fn note(&self, sandbox: &Sandbox) -> String {
        let note = "for file in /proc/$(cat pid)/fd/*; do
                case $(readlink $file) in *memfd:note*) tr '\\0' '\\n' <$file | head -n 1 ;; esac
            done";
        sandbox.sh(note).out().trim().to_owned()
    }

    /// Sends a signal, unless it has ended already, and waits for its end.
    pub(crate) fn end(mut self, sandbox: &Sandbox, signal: &str) -> Ended {
        let _ = sandbox.sh(&format!("kill -{signal} $(cat pid)"));
        self.run.wait().unwrap();
        let read = |name: &str| fs::read_to_string(sandbox.path(name)).unwrap();
        // The shell may say itself what it died of.
        let said = read("said")
            .lines()
            .map(str::to_owned)
            .filter(|line| line.starts_with("moo"))
            .collect();
        Ended { status: read("status").trim().parse().unwrap(), said }
    }
}

/// What a command in the background said in the end.
pub(crate) struct Ended {
    pub(crate) status: i32,
    pub(crate) said: Vec<String>,
}

/// Whether a process is in a call of the kernel that no signal ends, as while it waits for a disk.
fn waits_for_a_disk(sandbox: &Sandbox) -> bool {
    let ours = sandbox.path("").to_string_lossy().trim_end_matches('/').to_owned();
    let look = format!(
        "cd /proc && for pid in [0-9]*; do
            grep -qs '^State:.D' $pid/status && grep -qs 'HOME={ours}' $pid/environ && exit
        done; false"
    );
    sandbox.sh(&look).status == 0
}

/// From one second later on nothing changes any more, and no process is left but for those that the
/// kernel does not let die before its disk has answered.
#[track_caller]
pub(super) fn is_over(sandbox: &Sandbox, what: &str) {
    sleep(SECOND);
    until("the disk", || !waits_for_a_disk(sandbox));
    let before = state(sandbox);
    assert_eq!(processes(sandbox), Vec::<String>::new(), "{what}: left");
    sleep(SECOND);
    assert_eq!(before, state(sandbox), "{what}: changes");
}
