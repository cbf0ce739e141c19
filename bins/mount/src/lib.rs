//! `moo-mount` shows all states of a backup as a read-only file system.
//!
//! Names and metadata come from the signature files in the archive directory. Content comes from volumes,
//! which another process fetches and decrypts when they are needed: this one sees neither the network nor
//! a key.

mod backup;
mod content;
mod filesystem;
mod index;
mod kernel;
mod layer;
mod record;
mod requests;
mod states;
mod table;
mod unmount;
mod volume;
mod volumes;

use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::Builder;
use std::time::{Duration, Instant};

use cli::note::{self, Note};
use cli::{Common, Program, signals};
use failure::{Failure, OrFail, Reason, Status, shown};
use fuser::{BackgroundSession, Config, MountOption, Session, SessionACL};
use restore::Owners;
use stream::Totals;

use crate::backup::Backup;
use crate::content::Content;
use crate::filesystem::States;
use crate::kernel::Kernel;
use crate::requests::Requests;
use crate::volumes::Volumes;

/// Mount all states of a backup as a read-only file system
///
/// Each state is a directory, named by its time; `latest` is a symbolic link to the newest one. Names
/// and metadata come from the archive directory. Content comes from volumes: moo-mount asks for them
/// on a named pipe, and moo mount fetches and decrypts them.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-mount", version, after_help = EXAMPLES)]
pub struct Mount {
    /// Empty directory to mount on
    directory: PathBuf,
    /// Use the archive directory FOLDER
    #[arg(short, long, value_name = "FOLDER", required_unless_present = "unmount")]
    archive: Option<PathBuf>,
    /// Ask for volumes on the named pipe FOLDER/requests, and read them from FOLDER/reply. The
    /// default is to show no content
    #[arg(long, value_name = "FOLDER")]
    volumes: Option<PathBuf>,
    /// Keep up to MIB MiB of decrypted volumes in temporary files
    #[arg(long, value_name = "MIB", default_value = "1024")]
    cache_size: u64,
    /// Let other users access the files, as far as their modes allow
    #[arg(long)]
    allow_other: bool,
    /// Show owners by number, even if this machine knows their names
    #[arg(long)]
    numeric_owner: bool,
    /// Wait for the end of standard input, and unmount what a killed moo-mount has left
    #[arg(long, hide = true)]
    unmount: bool,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  mkdir /tmp/tree && moo-mount --archive ~/archive /tmp/tree &
      until mountpoint -q /tmp/tree; do sleep 1; done
      ls /tmp/tree/latest/ssh; fusermount3 -u /tmp/tree
  mkdir /tmp/tree /tmp/pipes && mkfifo /tmp/pipes/requests /tmp/pipes/reply
      while read -r time files; do
      moo-fetch --time $time $(printf -- '--volume=%s ' $files) file:///srv/backup |
      moo-decrypt > /tmp/pipes/reply; done < /tmp/pipes/requests |
      moo-mount --archive ~/archive --volumes /tmp/pipes /tmp/tree &
      until mountpoint -q /tmp/tree; do sleep 1; done
      cat /tmp/tree/latest/hosts; fusermount3 -u /tmp/tree";

/// How often it is looked whether the file system is still mounted.
const PULSE: Duration = Duration::from_millis(200);
/// How long the threads of a file system that was unmounted may take to end.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many requests of the kernel are answered at the same time.
const THREADS: usize = 4;

/// Why the file system is to be unmounted.
enum End {
    Signal,
    /// Nobody fetches volumes any more.
    Input,
}

impl Program for Mount {
    const NAME: &'static str = "moo-mount";
    type Outlet = ();

    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, (): &mut ()) -> Result<Totals, Failure> {
        if self.unmount {
            let done = unmount::after_input(&self.directory);
            return done
                .or_fail(Status::Failed, shown(&self.directory))
                .map(|()| Totals::default());
        }
        let folder = self.mount_point()?;
        let (sender, ends) = channel();
        // From here on a signal waits until it can unmount.
        watch_signals(sender.clone())?;
        let requests = self.volumes.as_deref().map(Requests::open).transpose()?;
        if requests.is_some() {
            watch_input(sender)?;
        }
        let content = Content::new(Volumes::new(requests, self.cache_size.saturating_mul(1 << 20)));
        let archive = self.archive.clone().unwrap_or_default();
        let backup = Backup::open(&archive, content)?;
        if backup.states.all.is_empty() {
            let failure = Failure::of(Status::Absent, shown(&archive), "there is no backup");
            return Err(failure.because(Reason::NoBackup));
        }
        let owners = if self.numeric_owner { Owners::by_number() } else { Owners::by_name() };
        self.serve(&folder, States::new(backup, owners), &ends)?;
        Ok(Totals::default())
    }
}

impl Mount {
    /// The absolute path of the directory to mount on.
    fn mount_point(&self) -> Result<PathBuf, Failure> {
        let which = &self.directory;
        let folder = fs::canonicalize(which).or_fail(Status::Failed, shown(which))?;
        let mut entries = fs::read_dir(&folder).or_fail(Status::Failed, shown(which))?;
        if entries.next().is_some() {
            let why = "not empty; name an empty directory to mount on";
            return Err(Failure::of(Status::Usage, shown(which), why));
        }
        Ok(folder)
    }

    /// Mounts, and answers the kernel until it ends.
    fn serve(&self, folder: &Path, states: States, ends: &Receiver<End>) -> Result<(), Failure> {
        let kernel = Kernel::start(states)?;
        let mounted = Session::new(kernel, folder, &self.options()).and_then(Session::spawn);
        let session = mounted.map_err(|error| not_mounted(folder, &error))?;
        note::leave(&Note::Staging(folder.to_owned()));
        let guard = unmount::guard(folder);
        let mut guard = guard.or_fail(Status::Failed, "process that unmounts")?;
        if io::stderr().is_terminal() {
            let mounted = format!("{} is mounted; Ctrl-C unmounts it", shown(folder));
            cli::say(Mount::NAME, &mounted);
        }
        let end = wait(&session, ends);
        if end.is_some() {
            unmount::unmount(folder).or_fail(Status::Failed, shown(folder))?;
        }
        dismiss(&mut guard);
        match end {
            Some(End::Input) => {
                let why = "has ended; the file system is unmounted";
                Err(Failure::of(Status::Killed, "program that fetches volumes", why))
            }
            _ => Ok(()),
        }
    }

    fn options(&self) -> Config {
        let mut config = Config::default();
        config.mount_options = vec![
            MountOption::RO,
            MountOption::NoDev,
            MountOption::NoSuid,
            MountOption::FSName("moobacker".to_owned()),
            MountOption::Subtype("moobacker".to_owned()),
        ];
        if self.allow_other {
            config.mount_options.push(MountOption::DefaultPermissions);
            config.acl = SessionACL::All;
        }
        config.n_threads = Some(THREADS);
        config
    }
}

/// Why it could not be mounted, and what helps.
fn not_mounted(folder: &Path, error: &io::Error) -> Failure {
    let text = error.to_string();
    let why = text.trim().trim_start_matches("fusermount3: ").replace('\n', "; ");
    let help = match error.kind() {
        io::ErrorKind::NotFound => "; install the package fuse3, and load the kernel module fuse",
        _ => "",
    };
    Failure::of(Status::Failed, shown(folder), format!("can't be mounted: {why}{help}"))
}

/// Waits until the file system is unmounted, or is to be.
fn wait(session: &BackgroundSession, ends: &Receiver<End>) -> Option<End> {
    loop {
        let end = ends.recv_timeout(PULSE);
        if let Ok(End::Input) = end {
            settle(session);
        }
        if session.guard.is_finished() {
            return None;
        }
        match end {
            Ok(end) => return Some(end),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
    }
}

/// Lets a session end that is about to: once nothing is mounted, nobody is asked for volumes any more, and
/// standard input ends for that reason.
fn settle(session: &BackgroundSession) {
    let start = Instant::now();
    while !session.guard.is_finished() && start.elapsed() < PATIENCE {
        std::thread::sleep(PULSE);
    }
}

fn watch_signals(sender: Sender<End>) -> Result<(), Failure> {
    let signals = signals::handled(signals::ENDING).or_fail(Status::Failed, "signals");
    let mut signals = signals?;
    let watch = move || {
        for _ in signals.forever() {
            if sender.send(End::Signal).is_err() {
                return;
            }
        }
    };
    Builder::new().spawn(watch).map(drop).or_fail(Status::Failed, "thread")
}

/// Standard input is a pipe of whoever fetches the volumes.
fn watch_input(sender: Sender<End>) -> Result<(), Failure> {
    let watch = move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = sender.send(End::Input);
    };
    Builder::new().spawn(watch).map(drop).or_fail(Status::Failed, "thread")
}

/// Ends the guard, which finds nothing to unmount.
fn dismiss(guard: &mut Child) {
    let _ = guard.kill();
    let _ = guard.wait();
}
