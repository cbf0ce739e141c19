//! A source that is one file without a place on a disk: its content comes from standard input, or from
//! the standard output of a command.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Cursor, IsTerminal, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use archive::{EntryName, Part, TreePath};
use failure::{Failure, OrFail, Status, shown};
use progress::Reporter;
use rustix::process::{getegid, geteuid};
use sha2::{Digest, Sha256};
use stream::member::{CTIME, INODE, Kind, NO_XATTRS, SHA256, SIZE, XATTRS};
use stream::{Annotations, Begin, Member, Output, StreamKind, Timestamp, Totals, write_content};

use crate::Scan;
use crate::base::Base;
use crate::owners::Owners;
use crate::plan::Plan;
use crate::privilege;
use crate::rules::Rules;

/// What stands for standard input as a source.
pub(crate) const STDIN: &str = "-";
/// How such a source is called in manifests, before the name of its file.
const SOURCE: &[u8] = b"stdin:";

/// The longest name of a file, in bytes.
const LONGEST: usize = 255;

/// The options of such a source.
#[derive(clap::Args, Debug)]
pub(crate) struct DumpOptions {
    /// Back up standard input as a file NAME; the source is -
    #[arg(long, value_name = "NAME")]
    stdin_name: Option<OsString>,
    /// Run COMMAND by sh, and read its standard output instead of standard input. If it fails, or
    /// writes nothing, nothing is stored
    #[arg(long, value_name = "COMMAND", requires = "stdin_name")]
    command: Option<OsString>,
}

/// A file that is to be backed up as it comes.
pub(crate) struct Dump<'a> {
    path: TreePath,
    command: Option<&'a OsStr>,
}

impl DumpOptions {
    /// What is to be backed up, if the source is no file or directory.
    ///
    /// # Errors
    /// Source and options do not fit together, or the name is none of a file.
    pub(crate) fn dump(&self, source: &OsStr) -> Result<Option<Dump<'_>>, Failure> {
        let usage = |which: &str, why: &str| Err(Failure::of(Status::Usage, which, why));
        let name = match (&self.stdin_name, source == STDIN) {
            (None, false) => return Ok(None),
            (None, true) => {
                return usage(
                    STDIN,
                    "is standard input; name it with --stdin-name, or give ./- for a file of that name",
                );
            }
            (Some(_), false) => return usage("--stdin-name", "needs - as the source"),
            (Some(name), true) => name,
        };
        let path = TreePath::parse(name.as_bytes()).ok();
        match path.filter(|path| path.as_bytes() == name.as_bytes() && path.depth() == 1) {
            Some(path) if name.len() <= LONGEST => {
                Ok(Some(Dump { path, command: self.command.as_deref() }))
            }
            _ => usage("--stdin-name", "needs the name of a file: at most 255 bytes, and no slash"),
        }
    }
}

impl Dump<'_> {
    /// The source as manifests name it.
    pub(crate) fn source(&self) -> Vec<u8> {
        [SOURCE, self.path.as_bytes()].concat()
    }

    /// Lists or writes the set.
    ///
    /// # Errors
    /// There is no content, or the command fails.
    pub(crate) fn scan(
        &self,
        arguments: &Scan,
        output: &mut Output<File>,
    ) -> Result<Totals, Failure> {
        if !arguments.words.is_empty() {
            let why = "standard input is one file: nothing can be selected in it";
            return Err(Failure::new(Status::Usage, why));
        }
        let plan = privilege::without(|| Plan::make(arguments, &self.source()))?;
        let Plan { head, base, seen: _, size, lock: _lock, .. } = plan;
        let base = base.map(|state| Base::start(state, arguments.jobs.count())).transpose()?;
        if arguments.dry_run {
            let known = Changes { base, ..Changes::default() }.reach(&self.path, |_| Ok(()))?;
            let word = if known { "changed" } else { "new" };
            return list(word, &self.path, output);
        }
        let reporter = Reporter::start(Some(2), size.map(|size| size.bytes));
        let mut content = self.content(reporter)?;
        output.begin(&Begin::backup(StreamKind::Tree, head))?;
        let changes = Changes { base, ..Changes::default() };
        self.write(&mut content, changes, &Rules::of(arguments), output)
    }

    /// Starts the command, and waits for the first bytes.
    fn content(&self, reporter: Reporter) -> Result<DumpContent<'_>, Failure> {
        let mut from = match self.command {
            Some(command) => Input::Command(Running::start(command)?),
            None if io::stdin().is_terminal() => {
                let why = "standard input: is a terminal; pipe a dump into it, or give --command";
                return Err(Failure::new(Status::Usage, why));
            }
            None => Input::Standard(io::stdin()),
        };
        let mut first = vec![0; 1];
        let read = from.read(&mut first).or_fail(Status::Failed, from.name())?;
        if read > 0 {
            let (first, hash) = (Cursor::new(first), Sha256::new());
            return Ok(DumpContent { first, from, hash, reporter });
        }
        from.end()?;
        let why = match &from {
            Input::Command(_) => "has written nothing, so nothing is stored",
            Input::Standard(_) => "is empty, so nothing is stored",
        };
        Err(Failure::of(Status::Failed, from.name(), why))
    }

    fn write(
        &self,
        content: &mut DumpContent<'_>,
        mut changes: Changes,
        rules: &Rules,
        output: &mut Output<File>,
    ) -> Result<Totals, Failure> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let start = u64::try_from(now.as_millis()).unwrap_or_default();
        let secs = i64::try_from(now.as_secs()).unwrap_or_default();
        let now = Timestamp { secs, nanos: now.subsec_nanos() };
        let root = EntryName { part: Part::Snapshot, path: TreePath::root(), piece: None };
        output.append(&Member { name: root.encode(true), ..member(Kind::Directory, now) }, &[])?;
        let mut delete = |path: &TreePath| deleted(path, output);
        let known = changes.reach(&self.path, &mut delete)?;
        content.reporter.at(self.path.as_bytes(), 1, 0);
        let file = member(Kind::File, now);
        let last = |content: &mut DumpContent<'_>, length: u64| {
            content.from.end()?;
            let mut facts = Annotations::default();
            facts.set(SIZE, length);
            facts.set(SHA256, format!("{:x}", content.hash.clone().finalize()));
            Ok(facts)
        };
        let bytes = write_content(output, Part::Snapshot, &self.path, &file, content, last)?;
        changes.finish(|path| deleted(path, output))?;
        rules.check_deletions(changes.deleted, changes.entries(), || {
            String::from_utf8_lossy(&self.source()).into_owned()
        })?;
        content.reporter.at(b"", 2, bytes);
        let totals = Totals { start, source_files: 2, source_bytes: bytes, ..Totals::default() };
        let totals = Totals { deleted_files: changes.deleted, ..totals };
        Ok(match known {
            true => Totals { changed_files: 2, changed_bytes: bytes, ..totals },
            false => Totals { new_files: 2, new_bytes: bytes, ..totals },
        })
    }
}

fn list(word: &str, path: &TreePath, output: &mut Output<File>) -> Result<Totals, Failure> {
    writeln!(output.text(), "{word:<8} {path}").map_err(|error| Failure::of_output(&error))?;
    Ok(Totals::default())
}

fn deleted(path: &TreePath, output: &mut Output<File>) -> Result<(), Failure> {
    let name = EntryName { part: Part::Deleted, path: path.clone(), piece: None };
    output.append(&Member { name: name.encode(false), ..Member::default() }, &[])
}

/// The metadata of what has none: it is the caller's alone, and of this moment.
fn member(kind: Kind, now: Timestamp) -> Member {
    let mut owners = Owners::default();
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    let mut member = Member {
        kind,
        mode: if kind == Kind::Directory { 0o700 } else { 0o600 },
        uid: user.into(),
        gid: group.into(),
        uname: owners.user(user),
        gname: owners.group(group),
        mtime: now,
        ..Member::default()
    };
    member.annotations.set(CTIME, now);
    member.annotations.set(INODE, 0);
    member.annotations.set(XATTRS, NO_XATTRS);
    member
}

/// What the last backup has, beside the one file. That is more only if it was of another source.
#[derive(Default)]
struct Changes {
    base: Option<Base>,
    deleted: u64,
}

impl Changes {
    /// Takes everything before a path as deleted. Returns whether the path was there.
    fn reach(
        &mut self,
        path: &TreePath,
        mut delete: impl FnMut(&TreePath) -> Result<(), Failure>,
    ) -> Result<bool, Failure> {
        let Some(base) = &mut self.base else { return Ok(false) };
        while let Some(past) = base.peek().filter(|past| past.known.path < *path) {
            let past = past.known.path.clone();
            if !past.is_root() {
                self.deleted += 1;
                delete(&past)?;
            }
            base.advance()?;
        }
        base.take(path).map(|past| past.is_some())
    }

    /// Takes all that is left as deleted.
    fn finish(
        &mut self,
        mut delete: impl FnMut(&TreePath) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let Some(base) = &mut self.base else { return Ok(()) };
        while let Some(past) = base.peek() {
            self.deleted += 1;
            delete(&past.known.path)?;
            base.advance()?;
        }
        Ok(())
    }

    fn entries(&self) -> u64 {
        self.base.as_ref().map_or(0, Base::entries)
    }
}

/// Where content comes from.
enum Input<'a> {
    Standard(io::Stdin),
    Command(Running<'a>),
}

impl Input<'_> {
    fn name(&self) -> String {
        match self {
            Input::Standard(_) => "standard input".to_owned(),
            Input::Command(running) => shown(&running.command).to_string(),
        }
    }

    /// Waits for the end of a command, once all has been read that it writes.
    fn end(&mut self) -> Result<(), Failure> {
        match self {
            Input::Standard(_) => Ok(()),
            Input::Command(running) => running.end(),
        }
    }
}

impl Read for Input<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Input::Standard(input) => input.read(buffer),
            Input::Command(running) => running.output.read(buffer),
        }
    }
}

/// A command that runs. It does not outlive this process.
struct Running<'a> {
    command: &'a OsStr,
    child: Child,
    output: ChildStdout,
    ended: bool,
}

impl<'a> Running<'a> {
    /// Starts it without the privilege to read every file, which is this program's alone.
    fn start(command: &'a OsStr) -> Result<Running<'a>, Failure> {
        if command.as_bytes().trim_ascii().is_empty() {
            return Err(Failure::of(Status::Usage, "--command", "is empty"));
        }
        // Nothing of ours is handed down: a passphrase may be in one of them.
        close_fds::set_fds_cloexec(3, &[]);
        let mut child = Command::new("setpriv")
            .args([
                "--pdeathsig",
                "KILL",
                "--inh-caps=-all",
                "--ambient-caps=-all",
                "--",
                "sh",
                "-c",
                "--",
            ])
            .arg(command)
            .env_remove(cli::lifeline::VARIABLE)
            .env_remove(cli::note::VARIABLE)
            .env_remove(cli::form::VARIABLE)
            .env_remove(progress::EVENTS)
            .env_remove("MOO_SCRATCH")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .or_fail(Status::Failed, "setpriv")?;
        let output = child.stdout.take();
        let output =
            output.ok_or_else(|| Failure::new(Status::Failed, "setpriv: has no output"))?;
        Ok(Running { command, child, output, ended: false })
    }

    fn end(&mut self) -> Result<(), Failure> {
        let status = self.child.wait().or_fail(Status::Failed, shown(&self.command))?;
        self.ended = true;
        let why = match (status.code(), status.signal()) {
            (Some(0), _) => return Ok(()),
            (Some(code), _) => format!("has failed with status {code}, so nothing is stored"),
            (None, signal) => {
                let signal = signal.unwrap_or_default();
                format!("was ended by signal {signal}, so nothing is stored")
            }
        };
        Err(Failure::of(Status::Failed, shown(&self.command), why))
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.ended {
            // One that has just ended needs no signal.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Content that is hashed as it comes.
struct DumpContent<'a> {
    /// What was read to see whether there is any.
    first: Cursor<Vec<u8>>,
    from: Input<'a>,
    hash: Sha256,
    reporter: Reporter,
}

impl Read for DumpContent<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = match self.first.read(buffer)? {
            0 => self.from.read(buffer)?,
            n => n,
        };
        self.hash.update(&buffer[..n]);
        self.reporter.read(n as u64);
        Ok(n)
    }
}
