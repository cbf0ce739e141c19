//! A source of files without a place on a disk: their content comes from standard input, or from the
//! standard output of commands.

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

use crate::base::Base;
use crate::owners::Owners;
use crate::plan::Plan;
use crate::privilege;
use crate::rules::Rules;
use crate::{STDIN, Scan};

/// How such a source is called in manifests, before the name of its file.
const SOURCE: &[u8] = b"stdin:";

/// The longest name of a file, in bytes.
const LONGEST: usize = 255;

/// The options of such a source.
#[derive(clap::Args, Debug)]
pub(crate) struct DumpOptions {
    /// Back up standard input as a file NAME; the source is -
    #[arg(long, value_name = "NAME")]
    stdin_name: Vec<OsString>,
    /// Run COMMAND by sh, and read its standard output instead of standard input. If it fails, or
    /// writes nothing, nothing is stored. Several names and commands are pairs, in their order
    #[arg(long, value_name = "COMMAND", requires = "stdin_name")]
    command: Vec<OsString>,
    /// Run each COMMAND as USER, which only root can
    #[arg(long, value_name = "USER", requires = "command")]
    command_user: Option<OsString>,
}

/// Files that are to be backed up as they come.
pub(crate) struct Dump<'a> {
    /// In the order of a tree, and at least one.
    files: Vec<DumpFile<'a>>,
    /// The first name that was given, by which the source is known.
    first: &'a OsStr,
}

/// A file that is to be backed up as it comes.
struct DumpFile<'a> {
    path: TreePath,
    command: Option<UserCommand<'a>>,
}

/// A command of the shell, and who runs it.
#[derive(Clone, Copy)]
struct UserCommand<'a> {
    line: &'a OsStr,
    user: Option<&'a OsStr>,
}

impl DumpOptions {
    /// What is to be backed up, if the source is no file or directory.
    ///
    /// # Errors
    /// Source and options do not fit together, or a name is none of a file.
    pub(crate) fn dump(&self, source: &OsStr) -> Result<Option<Dump<'_>>, Failure> {
        let usage = |which: &str, why: &str| Err(Failure::of(Status::Usage, which, why));
        let first = match (self.stdin_name.first(), source == STDIN) {
            (None, false) => return Ok(None),
            (None, true) => {
                return usage(
                    STDIN,
                    "is standard input; name it with --stdin-name, or give ./- for a file of that name",
                );
            }
            (Some(_), false) => return usage("--stdin-name", "needs - as the source"),
            (Some(first), true) => first,
        };
        let (names, commands) = (self.stdin_name.len(), self.command.len());
        if names > 1 && commands == 0 {
            return usage("--stdin-name", "is given twice, but standard input is one file");
        }
        if commands > 0 && names != commands {
            return usage("--command", "each needs its own --stdin-name, in the same order");
        }
        let commands = self
            .command
            .iter()
            .map(|line| Some(UserCommand { line, user: self.command_user.as_deref() }));
        let commands = commands.chain(std::iter::repeat(None));
        let file = |(name, command)| Ok(DumpFile { path: file_name(name)?, command });
        let files: Result<Vec<_>, Failure> =
            self.stdin_name.iter().zip(commands).map(file).collect();
        let mut files = files?;
        files.sort_by(|one, other| one.path.cmp(&other.path));
        if files.windows(2).any(|pair| pair[0].path == pair[1].path) {
            return usage("--stdin-name", "two files can not have one name");
        }
        Ok(Some(Dump { files, first }))
    }
}

/// The name of a file at the top of a tree.
fn file_name(name: &OsString) -> Result<TreePath, Failure> {
    let path = TreePath::parse(name.as_bytes()).ok();
    let path = path.filter(|path| path.as_bytes() == name.as_bytes() && path.depth() == 1);
    path.filter(|_| name.len() <= LONGEST).ok_or_else(|| {
        let why = "needs the name of a file: at most 255 bytes, and no slash";
        Failure::of(Status::Usage, "--stdin-name", why)
    })
}

impl Dump<'_> {
    /// The source as manifests name it. A command that is added behind others makes no other source.
    pub(crate) fn source(&self) -> Vec<u8> {
        [SOURCE, self.first.as_bytes()].concat()
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
            let why = "dumps are one file each: nothing can be selected in them";
            return Err(Failure::new(Status::Usage, why));
        }
        let plan = privilege::without(|| Plan::make(arguments, &self.source()))?;
        let Plan { head, base, seen: _, size, lock: _lock, .. } = plan;
        let base = base.map(|state| Base::start(state, arguments.jobs.count())).transpose()?;
        let mut changes = Changes { base, ..Changes::default() };
        if arguments.dry_run {
            let totals = self.list(&mut changes, output)?;
            arguments.tell(&head, &totals, output.text())?;
            return Ok(totals);
        }
        let reporter = Reporter::start(Some(self.entries()), size.map(|size| size.bytes));
        // There is no stream before there is something to be stored.
        let first = self.files[0].content(&reporter)?;
        output.begin(&Begin::backup(StreamKind::Tree, head))?;
        let mut totals = begin(changes.base.is_some(), output)?;
        self.files[0].write(first, (&mut changes, &reporter), output, &mut totals)?;
        for file in &self.files[1..] {
            let content = file.content(&reporter)?;
            file.write(content, (&mut changes, &reporter), output, &mut totals)?;
        }
        changes.finish(|path| deleted(path, output))?;
        Rules::of(arguments).check_deletions(changes.deleted, changes.entries(), || {
            String::from_utf8_lossy(&self.source()).into_owned()
        })?;
        reporter.at(b"", self.entries(), totals.source_bytes);
        Ok(Totals { deleted_files: changes.deleted, ..totals })
    }

    /// How many entries there will be, with the directory that holds the files.
    fn entries(&self) -> u64 {
        self.files.len() as u64 + 1
    }

    fn list(&self, changes: &mut Changes, output: &mut Output<File>) -> Result<Totals, Failure> {
        let start = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let start = u64::try_from(start).unwrap_or_default();
        let mut totals = Totals { start, source_files: self.entries(), ..Totals::default() };
        for file in &self.files {
            let known = changes.reach(&file.path, |_| Ok(()))?;
            let (word, files) = match known {
                true => ("changed", &mut totals.changed_files),
                false => ("new", &mut totals.new_files),
            };
            *files += 1;
            list(word, &file.path, output)?;
        }
        Ok(totals)
    }
}

impl DumpFile<'_> {
    /// Starts the command, and waits for the first bytes.
    fn content(&self, reporter: &Reporter) -> Result<DumpContent<'_>, Failure> {
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
            let (first, hash, reporter) = (Cursor::new(first), Sha256::new(), reporter.clone());
            return Ok(DumpContent { first, from, hash, reporter });
        }
        from.end()?;
        let why = match &from {
            Input::Command(_) => "has written nothing, so nothing is stored",
            Input::Standard(_) => "is empty, so nothing is stored",
        };
        Err(Failure::of(Status::Failed, from.name(), why))
    }

    /// Writes the file, with all that the base has before it as deleted, and counts it.
    fn write(
        &self,
        mut content: DumpContent<'_>,
        (changes, reporter): (&mut Changes, &Reporter),
        output: &mut Output<File>,
        totals: &mut Totals,
    ) -> Result<(), Failure> {
        let known = changes.reach(&self.path, |path| deleted(path, output))?;
        reporter.at(self.path.as_bytes(), totals.source_files, totals.source_bytes);
        let file = member(Kind::File, now());
        let last = |content: &mut DumpContent<'_>, length: u64| {
            content.from.end()?;
            let mut facts = Annotations::default();
            facts.set(SIZE, length);
            facts.set(SHA256, format!("{:x}", content.hash.clone().finalize()));
            Ok(facts)
        };
        let bytes = write_content(output, Part::Snapshot, &self.path, &file, &mut content, last)?;
        totals.source_files += 1;
        totals.source_bytes += bytes;
        let (files, stored) = match known {
            true => (&mut totals.changed_files, &mut totals.changed_bytes),
            false => (&mut totals.new_files, &mut totals.new_bytes),
        };
        *files += 1;
        *stored += bytes;
        Ok(())
    }
}

/// Writes the directory that holds the files.
fn begin(known: bool, output: &mut Output<File>) -> Result<Totals, Failure> {
    let now = now();
    let root = EntryName { part: Part::Snapshot, path: TreePath::root(), piece: None };
    output.append(&Member { name: root.encode(true), ..member(Kind::Directory, now) }, &[])?;
    let millis = now.secs.saturating_mul(1000) + i64::from(now.nanos / 1_000_000);
    let start = u64::try_from(millis).unwrap_or_default();
    let (changed_files, new_files) = if known { (1, 0) } else { (0, 1) };
    Ok(Totals { start, source_files: 1, changed_files, new_files, ..Totals::default() })
}

fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let secs = i64::try_from(now.as_secs()).unwrap_or_default();
    Timestamp { secs, nanos: now.subsec_nanos() }
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
            Input::Command(running) => shown(&running.command.line).to_string(),
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
    command: UserCommand<'a>,
    child: Child,
    output: ChildStdout,
    ended: bool,
}

impl<'a> Running<'a> {
    /// Starts it without the privilege to read every file, which is this program's alone.
    fn start(command: UserCommand<'a>) -> Result<Running<'a>, Failure> {
        if command.line.as_bytes().trim_ascii().is_empty() {
            return Err(Failure::of(Status::Usage, "--command", "is empty"));
        }
        let become_user = command.user.map(become_user).transpose()?.unwrap_or_default();
        // Nothing of ours is handed down: a passphrase may be in one of them.
        close_fds::set_fds_cloexec(3, &[]);
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--inh-caps=-all", "--ambient-caps=-all"])
            .args(become_user)
            .args(["--", "sh", "-c", "--"])
            .arg(command.line)
            .env_remove(cli::lifeline::VARIABLE)
            .env_remove(cli::TYPED)
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
        let name = shown(&self.command.line);
        let status = self.child.wait().or_fail(Status::Failed, &name)?;
        self.ended = true;
        let why = match (status.code(), status.signal()) {
            (Some(0), _) => return Ok(()),
            (Some(code), _) => format!("has failed with status {code}, so nothing is stored"),
            (None, signal) => {
                let signal = signal.unwrap_or_default();
                format!("was ended by signal {signal}, so nothing is stored")
            }
        };
        Err(Failure::of(Status::Failed, name, why))
    }
}

/// The words by which setpriv becomes a user, with the user's own environment and nothing of ours.
fn become_user(name: &OsStr) -> Result<Vec<OsString>, Failure> {
    let fail =
        |why: &str| Failure::of(Status::Usage, format!("--command-user: {}", shown(&name)), why);
    let user = uzers::get_user_by_name(name).ok_or_else(|| fail("no such user"))?;
    if !privilege::becomes_others()? {
        return Err(fail(
            "only root can run a command as another user; run the backup by root: with systemd, systemctl enable --now moobacker-root.timer",
        ));
    }
    Ok(vec![
        format!("--reuid={}", user.uid()).into(),
        format!("--regid={}", user.primary_group_id()).into(),
        "--init-groups".into(),
        "--reset-env".into(),
    ])
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
