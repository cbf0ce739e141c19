//! Walking the tree in index order: depth first, the names of each directory sorted by their
//! bytes. Every object is reached through the open directory above it, so that a path that is
//! swapped meanwhile leads nowhere else, and names can nest deeper than a path can be long.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::SystemTime;
use std::vec;

use archive::TreePath;
use attributes::{Object, Trouble};
use failure::{Failure, shown};
use local::{Folder, Place, SNAPSHOTS, is_snapshot_name};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use selection::{OTHER_FILESYSTEMS, Verdict};
use stream::Attributes;

use crate::covered::{Covered, Loss};
use crate::directory::{allow_deep_trees, sorted_names};
use crate::inside;
use crate::leading::{Id, Leading, above, id as id_of, leading};
use crate::selection::Selection;
use crate::source::Source;
use crate::subvolume;

/// What the walk has come to.
pub(crate) struct Found {
    /// Where it is in the source.
    pub(crate) path: TreePath,
    /// What the system says of it; an error where it says nothing.
    pub(crate) stat: io::Result<Stat>,
    /// Whether the names in it are known, where it is a directory.
    pub(crate) listed: io::Result<()>,
    /// Its extended attributes; none of a regular file, of which they are not always wanted.
    pub(crate) attributes: Option<Result<Attributes, Trouble>>,
    /// Whether no set can hold its path: then it is not entered.
    pub(crate) overlong: bool,
}

/// A walk over what is selected of the source.
pub(crate) struct Walk {
    source: Option<Source>,
    selection: Selection,
    /// The store that the set goes to, where it is on this machine.
    store: Option<Place>,
    /// The source as options and messages name it.
    spelt: OsString,
    shown: String,
    /// The directory that the last found object is in, and its name there.
    here: Option<OwnedFd>,
    name: Vec<u8>,
    frames: Vec<Frame>,
    /// What was found and is still to be told: the last object, and directories above it.
    ready: VecDeque<Found>,
    /// How many directories have held entries whose paths no set can hold.
    overlong: u64,
    /// What there is to say of the source in the end: that nothing in it was found.
    hollow: Option<Hollow>,
    /// The first subvolume of the same file system that was left out as another one, and how many
    /// there were.
    subvolumes: Option<(TreePath, u64)>,
    /// What the snapshot lacks, where the source is read from one.
    covered: Covered,
    /// When that was made.
    frozen: Option<SystemTime>,
    /// Whether extended attributes are read.
    attributes: bool,
    /// Whether symbolic links are followed, and whether the object found last stands for one.
    follows: bool,
    followed: bool,
    /// The directories that the source is in, if links are followed.
    above: Vec<Id>,
}

/// Why nothing in the source was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hollow {
    /// There is nothing.
    Empty,
    /// Nothing of it is selected.
    LeftOut,
}

impl Hollow {
    /// That, in words.
    pub(crate) fn told(self) -> &'static str {
        match self {
            Hollow::Empty => "contains nothing to back up",
            Hollow::LeftOut => "all of it is left out",
        }
    }
}

/// A directory that is being walked.
struct Frame {
    directory: OwnedFd,
    /// Its device and inode, or `None` if no link is followed.
    id: Option<Id>,
    /// Whether a link has led here: what is in it are copies.
    is_copy: bool,
    path: TreePath,
    names: vec::IntoIter<Vec<u8>>,
    /// Entries whose paths no set can hold: left out, with all that is below them.
    overlong: u64,
    is_store: bool,
    /// The directory itself, where it counts only if something in it does.
    held: Option<Found>,
}

impl Walk {
    /// A walk that starts with the source itself.
    pub(crate) fn new(
        source: Source,
        selection: Selection,
        store: Option<Place>,
        (attributes, follows): (bool, bool),
    ) -> Walk {
        allow_deep_trees();
        let spelt = source.name.clone();
        let shown = shown(&spelt).to_string();
        let mode = FileType::from_raw_mode(source.stat.st_mode);
        let hollow = (mode == FileType::Directory).then_some(Hollow::Empty);
        let covered = Covered::of(&source, !selection.stays_on_device());
        let frozen = source.snapshot.map(|snapshot| snapshot.time);
        let above = if follows { above(&source.from, &source.entry) } else { Vec::new() };
        Walk {
            source: Some(source),
            selection,
            store,
            spelt,
            shown,
            here: None,
            name: Vec::new(),
            frames: Vec::new(),
            ready: VecDeque::new(),
            overlong: 0,
            hollow,
            subvolumes: None,
            covered,
            frozen,
            attributes,
            follows,
            followed: false,
            above,
        }
    }

    /// The next object that is selected; none at the end. The source itself always is.
    ///
    /// # Errors
    /// The selection cannot be told.
    pub(crate) fn advance(&mut self) -> Result<Option<Found>, Failure> {
        if let Some(source) = self.source.take() {
            self.name = source.entry;
            self.here = Some(source.from);
            return Ok(Some(self.found(TreePath::root(), Ok(source.stat))));
        }
        while self.ready.is_empty() {
            let Some(frame) = self.frames.last_mut() else {
                return Ok(None);
            };
            match frame.names.next() {
                Some(name) => self.look_at(name)?,
                None => self.leave(),
            }
        }
        Ok(self.ready.pop_front())
    }

    /// How many directories, so far, have held entries that were left out since no set can hold
    /// their paths.
    pub(crate) fn overlong(&self) -> u64 {
        self.overlong
    }

    /// What to say of the source when nothing in it was found: it may not be mounted, or a pattern
    /// be wrong.
    pub(crate) fn hollow(&self) -> Option<Hollow> {
        self.hollow
    }

    /// Whether there may be objects in the source, but none of them is selected.
    pub(crate) fn selects_nothing(&self) -> bool {
        match self.hollow {
            Some(Hollow::LeftOut) => true,
            Some(Hollow::Empty) => self.selection.lists(),
            None => false,
        }
    }

    /// Whether the source, which was found last, is a directory without any names.
    pub(crate) fn is_empty_source(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.names.len() == 0) && !self.selection.lists()
    }

    /// What to say of subvolumes that were left out as other file systems.
    pub(crate) fn subvolumes(&self) -> Option<String> {
        let (first, count) = self.subvolumes.as_ref()?;
        let others = match count {
            1 => String::new(),
            _ => format!(" (so are {} more; --verbosity info names them)", count - 1),
        };
        let why = "is a subvolume of the same btrfs, and left out by";
        Some(format!("{}: {why} {OTHER_FILESYSTEMS}{others}", self.shown(first)))
    }

    /// What to say of what the snapshot lacks that the source is read from.
    pub(crate) fn lacking(&self) -> Vec<String> {
        self.covered.told(|path| self.shown(path))
    }

    /// When the snapshot was made, where the source is read from one.
    pub(crate) fn frozen(&self) -> Option<SystemTime> {
        self.frozen
    }

    /// The path of an object as messages name it.
    pub(crate) fn shown(&self, path: &TreePath) -> String {
        if path.is_root() {
            return self.shown.clone();
        }
        format!("{}/{path}", self.shown.trim_end_matches('/'))
    }

    fn shown_short(&self, path: &TreePath) -> String {
        format!("{}/{}", self.shown.trim_end_matches('/'), path.shortened())
    }

    /// Makes an entry of the directory that is being walked ready, if it is selected.
    fn look_at(&mut self, name: Vec<u8>) -> Result<(), Failure> {
        let Some(frame) = self.frames.last() else {
            return Ok(());
        };
        let stat = rustix::fs::statat(&frame.directory, name.as_slice(), AtFlags::SYMLINK_NOFOLLOW);
        let path = frame.path.child(&name);
        if matches!(stat, Err(Errno::NOENT)) && self.selection.lists() {
            log::warn!("{}: is listed, but does not exist", self.shown(&path));
            return Ok(());
        }
        // If the archive directory is in the source, the other stages make and rename its files meanwhile.
        if matches!(stat, Err(Errno::NOENT)) && Folder::is_passing(&name) {
            return Ok(());
        }
        let at = frame.directory.as_fd();
        let (mut stat, followed) = self.follow(stat.map_err(io::Error::from), at, &path);
        if let Ok(stat) = &mut stat
            && (followed || frame.is_copy)
        {
            // A copy is no further name of a file.
            stat.st_nlink = 1;
        }
        let enter = match self.selection.judge(&path, stat.as_ref().ok(), at, &name)? {
            Verdict::Include(why) => {
                if frame.is_store || inside::is_entry(self.store.as_ref(), stat.as_ref().ok()) {
                    return Err(inside::refusal(&self.spelt, &path));
                }
                if let Some(why) = why {
                    log::info!("{}: kept by {why}", self.shown(&path));
                }
                false
            }
            Verdict::Enter => true,
            Verdict::Exclude(why) => {
                log::info!("{}: left out by {why}", self.shown(&path));
                self.hollow = self.hollow.and(Some(Hollow::LeftOut));
                let nested = |stat: &Stat| subvolume::is_nested(at, &name, stat);
                let lost = |stat| self.covered.loss(&path, stat, at) == Loss::All;
                if why == OTHER_FILESYSTEMS
                    && !stat.as_ref().is_ok_and(lost)
                    && stat.as_ref().is_ok_and(nested)
                {
                    self.subvolumes.get_or_insert((path, 0)).1 += 1;
                }
                return Ok(());
            }
        };
        match stat.as_ref().map_or(Loss::Nothing, |stat| self.covered.loss(&path, stat, at)) {
            Loss::Nothing => {}
            Loss::Content => {
                log::info!("{}: without its content, which the snapshot lacks", self.shown(&path));
            }
            Loss::All => {
                log::info!("{}: left out, as the snapshot lacks it", self.shown(&path));
                self.hollow = self.hollow.and(Some(Hollow::LeftOut));
                return Ok(());
            }
        }
        if !path.fits() {
            self.leave_out(path, stat);
            return Ok(());
        }
        self.name = name;
        self.followed = followed;
        self.take(path, stat, enter);
        Ok(())
    }

    /// What is stored of an entry, and whether a link has led there.
    fn follow(
        &self,
        stat: io::Result<Stat>,
        at: BorrowedFd<'_>,
        path: &TreePath,
    ) -> (io::Result<Stat>, bool) {
        let link = stat.as_ref().ok().map(|stat| FileType::from_raw_mode(stat.st_mode));
        let name = path.file_name().filter(|_| self.follows && link == Some(FileType::Symlink));
        let Some(name) = name else { return (stat, false) };
        let above = self.frames.iter().filter_map(|frame| frame.id);
        match leading(at, name, above.chain(self.above.iter().copied())) {
            Ok(Leading::To(stat)) => (Ok(stat), true),
            Ok(Leading::Nowhere(why)) => {
                log::info!("{}: {why}, and is stored as a link", self.shown(path));
                (stat, false)
            }
            Err(error) => (Err(error), false),
        }
    }

    /// The flag that keeps a link from being followed, unless one has been.
    fn no_follow(&self) -> OFlags {
        if self.followed { OFlags::empty() } else { OFlags::NOFOLLOW }
    }

    /// Makes an entry ready whose path no set can hold. What is below it is not looked at.
    fn leave_out(&mut self, path: TreePath, stat: io::Result<Stat>) {
        if let Some(frame) = self.frames.last_mut() {
            frame.overlong += 1;
        }
        self.hollow = None;
        let (listed, attributes) = (Ok(()), None);
        self.ready.push_back(Found { path, stat, listed, attributes, overlong: true });
    }

    /// Makes the object ready that is to be found now; or enters it, to see if something in it is
    /// selected. What cannot be entered might have held something.
    fn take(&mut self, path: TreePath, stat: io::Result<Stat>, enter: bool) {
        let above = self.frames.len();
        let found = self.found(path, stat);
        if enter
            && found.listed.is_ok()
            && let Some(frame) = self.frames.last_mut()
        {
            frame.held = Some(found);
            return;
        }
        let held = self.frames.iter_mut().take(above).filter_map(|frame| frame.held.take());
        self.ready.extend(held);
        self.hollow = None;
        self.ready.push_back(found);
    }

    /// Goes back to the directory above the one that is being walked.
    fn leave(&mut self) {
        let Some(Frame { path, overlong, held, .. }) = self.frames.pop() else {
            return;
        };
        if overlong > 0 {
            self.overlong += 1;
            let entries = if overlong == 1 { "1 entry" } else { &format!("{overlong} entries") };
            let longest = TreePath::LONGEST;
            let why = format!("{entries} in it not backed up: paths of more than {longest} bytes");
            log::warn!("{}: {why}; use shorter or fewer nested names", self.shown_short(&path));
        }
        if let Some(found) = held {
            log::info!("{}: left out, as nothing in it is included", self.shown(&found.path));
        }
    }

    /// Opens the object found last for reading, if it is still a regular file.
    pub(crate) fn open(&self) -> io::Result<OwnedFd> {
        // Not to wait for a writer, should the file have become a pipe.
        let flags = OFlags::RDONLY | self.no_follow() | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let open = |extra| {
            rustix::fs::openat(self.at()?, self.name.as_slice(), flags | extra, Mode::empty())
                .map_err(io::Error::from)
        };
        // Reading is no access that its owner wants to see; others may not hide theirs.
        let file = open(OFlags::NOATIME).or_else(|_| open(OFlags::empty()))?;
        let stat = rustix::fs::fstat(&file)?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile {
            return Ok(file);
        }
        Err(io::Error::other("was replaced by another object"))
    }

    /// Where the symbolic link found last points to.
    pub(crate) fn read_link(&self) -> io::Result<Vec<u8>> {
        let target = rustix::fs::readlinkat(self.at()?, self.name.as_slice(), Vec::new())?;
        Ok(target.into_bytes())
    }

    /// The extended attributes of the object found last.
    pub(crate) fn attributes(&self) -> Result<Attributes, Trouble> {
        if self.followed {
            let file = self.open().map_err(|_| Trouble::Hidden)?;
            return self.attributes_of(Object::Open(file.as_fd()));
        }
        let at = self.at().map_err(|_| Trouble::Hidden)?;
        self.attributes_of(Object::At(at, &self.name))
    }

    /// The extended attributes of an object, which are hidden where nobody wants them.
    pub(crate) fn attributes_of(&self, object: Object<'_>) -> Result<Attributes, Trouble> {
        if self.attributes { attributes::read(object) } else { Err(Trouble::Hidden) }
    }

    fn found(&mut self, path: TreePath, stat: io::Result<Stat>) -> Found {
        let kind = stat.as_ref().ok().map(|stat| FileType::from_raw_mode(stat.st_mode));
        let is_directory = kind == Some(FileType::Directory);
        let mut attributes = match kind {
            None | Some(FileType::RegularFile) => None,
            // What a link leads to is read when it is open; only directories and files are opened.
            Some(_) if self.followed => None,
            Some(_) => Some(self.attributes()),
        };
        let listed = if is_directory { self.enter(&path) } else { Ok(()) };
        if let Some(frame) = self.frames.last()
            && self.followed
            && is_directory
            && listed.is_ok()
        {
            attributes = Some(self.attributes_of(Object::Open(frame.directory.as_fd())));
        }
        Found { path, stat, listed, attributes, overlong: false }
    }

    /// Makes the directory found last the next to be walked.
    fn enter(&mut self, path: &TreePath) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | self.no_follow() | OFlags::CLOEXEC;
        let directory = rustix::fs::openat(self.at()?, self.name.as_slice(), flags, Mode::empty())?;
        let id = self.follows.then(|| rustix::fs::fstat(&directory)).transpose()?;
        let id = id.as_ref().map(id_of);
        // The link may have been changed since it was looked at.
        if self.followed && self.frames.iter().any(|frame| frame.id == id) {
            return Err(io::Error::other("leads to a directory that it is in"));
        }
        let mut names = match self.selection.names(path) {
            Some(names) => names,
            None => sorted_names(directory.as_fd())?,
        };
        if let Some(tag) = self.selection.only_name(directory.as_fd()) {
            log::info!("{}: its content is left out by --exclude-caches", self.shown(path));
            names.retain(|name| name == tag);
        }
        if self.name == SNAPSHOTS.as_bytes() {
            // While another run has a snapshot, there is a second copy of the subvolume.
            names.retain(|name| !str::from_utf8(name).is_ok_and(is_snapshot_name));
        }
        let is_copy = self.followed || self.frames.last().is_some_and(|above| above.is_copy);
        self.frames.push(Frame {
            is_store: inside::is_store(self.store.as_ref(), &directory),
            directory,
            id,
            is_copy,
            path: path.clone(),
            names: names.into_iter(),
            overlong: 0,
            held: None,
        });
        Ok(())
    }

    fn at(&self) -> io::Result<BorrowedFd<'_>> {
        let frame = self.frames.last().map(|frame| frame.directory.as_fd());
        let at = frame.or(self.here.as_ref().map(AsFd::as_fd));
        at.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}
