//! A folder of its own for each test, and a bare environment to run shell snippets in.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::log::Stopwatch;
use crate::run::Run;

/// How long one snippet may take, in seconds: a pipe that hangs is a failure.
const TIME_LIMIT: &str = "900";

/// The variable that names the folder of the commands' scripts, for who runs one without `moo`.
const COMMANDS: &str = "commands";

/// Programs of the system, and nothing of the user's.
const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A private folder with HOME, XDG folders, TMPDIR and GNUPGHOME in it. It is the current folder
/// of all snippets, so tests name their files `src`, `store`, `out`. Removed at the end.
pub struct Sandbox {
    folder: TempDir,
    environment: BTreeMap<OsString, OsString>,
    _stopwatch: Stopwatch,
}

impl Sandbox {
    /// A new sandbox, whose PATH begins with our programs and pipelines.
    pub fn new() -> Sandbox {
        let pipelines = workspace().join("pipelines");
        let ours = format!("{}:{}", programs().display(), pipelines.display());
        let mut sandbox = Sandbox::with_path(&format!("{ours}:{SYSTEM_PATH}"));
        sandbox.set(COMMANDS, pipelines.join("commands"));
        sandbox
    }

    /// A sandbox where our programs can't be found: what remains after moobacker is gone.
    pub fn without_us() -> Sandbox {
        Sandbox::with_path(SYSTEM_PATH)
    }

    /// A sandbox that every user may enter, with programs of its own that every user may run: the
    /// checkout may lie where only its owner can look.
    pub fn for_everybody() -> Sandbox {
        let mut sandbox = Sandbox::with_path(SYSTEM_PATH);
        let (programs, pipelines) = (programs(), workspace().join("pipelines"));
        let copy = format!(
            "mkdir .bin && cp {}/moo-* .bin && cp -r {}/* .bin && rm -f .bin/*.d && chmod -R u=rwX,go=rX .bin &&
            chmod 755 .",
            programs.display(),
            pipelines.display()
        );
        sandbox.sh(&copy).silent();
        let path = format!("{}:{SYSTEM_PATH}", sandbox.path(".bin").display());
        sandbox.set("PATH", path);
        let commands = sandbox.path(".bin/commands");
        sandbox.set(COMMANDS, commands);
        sandbox
    }

    fn with_path(path: &str) -> Sandbox {
        // A short name: the sockets of gpg-agent have to fit in 107 bytes.
        let folder = tempfile::Builder::new().prefix("moo").tempdir().unwrap();
        let (environment, stopwatch) = (BTreeMap::new(), Stopwatch::start());
        let mut sandbox = Sandbox { folder, environment, _stopwatch: stopwatch };
        for (name, value) in [("PATH", path), ("LC_ALL", "C.UTF-8"), ("TZ", "UTC")] {
            sandbox.set(name, value);
        }
        for (name, below) in FOLDERS {
            let path = sandbox.path(below);
            fs::create_dir_all(&path).unwrap();
            sandbox.set(name, &path);
        }
        fs::set_permissions(sandbox.path(".gnupg"), PermissionsExt::from_mode(0o700)).unwrap();
        sandbox
    }

    /// Sets a variable for the snippets to come.
    pub fn set(&mut self, name: &str, value: impl AsRef<OsStr>) -> &mut Sandbox {
        self.environment.insert(name.into(), value.as_ref().to_owned());
        self
    }

    /// Unsets a variable for the snippets to come.
    pub fn unset(&mut self, name: &str) -> &mut Sandbox {
        self.environment.remove(OsStr::new(name));
        self
    }

    /// The absolute path of a name in the sandbox.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Removes a tree of the sandbox, read-only folders and all.
    pub fn remove(&self, name: &str) {
        self.sh(&format!("chmod -R u+rwx '{name}' && rm -r '{name}'")).silent();
    }

    /// The `file:` URL of a folder in the sandbox, as duplicity and moobacker take it.
    pub fn url(&self, name: &str) -> String {
        format!("file://{}", self.path(name).display())
    }

    /// Runs a snippet of POSIX sh in the sandbox, without a terminal or input, to its end.
    #[must_use = "a run proves nothing until something is asserted of it"]
    pub fn sh(&self, script: &str) -> Run {
        Run::new(script, self.command(script).output().unwrap())
    }

    /// The command behind [`Sandbox::sh`], for tests that signal it or feed it.
    pub fn command(&self, script: &str) -> Command {
        let mut command = Command::new("setsid");
        command.args(["--wait", "timeout", TIME_LIMIT, "sh", "-c", script]);
        command.env_clear().envs(&self.environment);
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }
}

/// The folders that programs are told of, and where they are in the sandbox.
const FOLDERS: [(&str, &str); 8] = [
    ("HOME", ".home"),
    ("XDG_CACHE_HOME", ".home/.cache"),
    ("XDG_CONFIG_HOME", ".home/.config"),
    ("XDG_DATA_HOME", ".home/.local/share"),
    ("XDG_STATE_HOME", ".home/.local/state"),
    ("XDG_RUNTIME_DIR", ".run"),
    ("TMPDIR", ".tmp"),
    ("GNUPGHOME", ".gnupg"),
];

impl Default for Sandbox {
    fn default() -> Sandbox {
        Sandbox::new()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // An agent that outlives its folder would spin on its missing socket; and what is in
        // read-only folders goes only when they are no longer so.
        let _ = self.command("gpgconf --kill all; chmod -R u+rwx .").output();
    }
}

/// The folder of the workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The folder of the programs that were built together with this test.
pub fn programs() -> PathBuf {
    let test = env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().to_owned()
}
