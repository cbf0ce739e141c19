//! A backup as a tree of objects: all states, and what is at each path of them.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use archive::{StoredSet, TreePath};
use failure::{Failure, OrFail, Status, TemporaryFile};
use local::{EntryInSet, Folder};
use stream::member::{Kind, LINK, NO_XATTRS, SHA256, SIZE, UNKNOWN_XATTRS, XATTRS};
use stream::{Attributes, Member};

use crate::content::{Content, Place};
use crate::index::{Index, Node};
use crate::states::{State, States};

/// How many first names of hard links are followed: in a backup that we have made, the first name of a file
/// has none itself.
const MOST_NAMES: usize = 4;

/// Of how many files the number of names is remembered.
const MOST_COUNTS: usize = 4096;

/// All states of a backup.
pub(crate) struct Backup {
    folder: Folder,
    pub(crate) states: States,
    /// The trees of the chains, which are read when they are needed.
    trees: Vec<Mutex<Tree>>,
    /// What each state has at its root.
    roots: Vec<OnceLock<Option<Member>>>,
    content: Mutex<Content>,
    /// How many names the last files have that were asked for: those of several files alternate in a
    /// directory.
    names: Mutex<HashMap<Key, u32>>,
    /// The attributes of the last object that was asked for.
    attributes: Mutex<Option<(Key, Arc<Attributes>)>>,
}

/// An object, by the numbers of its state and of its path.
type Key = (usize, u64);

enum Tree {
    Unread,
    Read(Arc<Index>),
    /// This has been reported.
    Failed,
}

/// An object of a state.
pub(crate) struct Object {
    pub(crate) state: usize,
    pub(crate) index: Arc<Index>,
    pub(crate) node: Node,
    /// The set that records it.
    set: usize,
    pub(crate) member: Member,
}

/// What fails with EIO. The reason has been reported.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reported;

impl Backup {
    pub(crate) fn open(archive: &Path, content: Content) -> Result<Backup, Failure> {
        let folder = Folder::open(archive)?;
        let states = States::of(folder.collection()?);
        let trees = states.chains.iter().map(|_| Mutex::new(Tree::Unread)).collect();
        let roots = states.all.iter().map(|_| OnceLock::new()).collect();
        let (content, names, attributes) =
            (Mutex::new(content), Mutex::default(), Mutex::new(None));
        Ok(Backup { folder, states, trees, roots, content, names, attributes })
    }

    /// What a state has at its root, if it is no regular file. Nothing of the tree has to be read for that.
    pub(crate) fn root(&self, state: usize) -> Option<&Member> {
        let of = self.states.all.get(state)?;
        let root = self.roots.get(state)?.get_or_init(|| self.read_root(of).ok().flatten());
        root.as_ref().filter(|member| member.kind != Kind::File)
    }

    fn read_root(&self, state: &State) -> Result<Option<Member>, Failure> {
        for set in self.sets(state).iter().rev() {
            match self.folder.entry_in_set(set, &TreePath::root())? {
                EntryInSet::Present(record) => return Ok(Some(record.member)),
                EntryInSet::Deleted => return Ok(None),
                EntryInSet::Unmentioned => {}
            }
        }
        Ok(None)
    }

    fn sets(&self, state: &State) -> &[StoredSet] {
        self.states.chains.get(state.chain).map_or(&[], |sets| &sets[..state.count.min(sets.len())])
    }

    /// What a state has at the path of that number, if it has anything.
    pub(crate) fn object(&self, state: usize, number: u64) -> Result<Option<Object>, Reported> {
        let index = self.index(state)?;
        let node = read(index.node(number))?;
        Ok(self.in_state(state, index, node))
    }

    /// The entry of that name in a directory of a state, if it has one.
    pub(crate) fn child(&self, above: &Object, name: &[u8]) -> Result<Option<Object>, Reported> {
        let node = read(above.index.child(&above.node, name))?;
        let index = Arc::clone(&above.index);
        Ok(node.and_then(|node| self.in_state(above.state, index, node)))
    }

    /// The first entry of a directory among the paths from that number on.
    pub(crate) fn next_child(&self, above: &Object, from: u64) -> Result<Option<Object>, Reported> {
        let mut from = from;
        while let Some(node) = read(above.index.next_child(&above.node, from))? {
            from = node.end;
            if let Some(child) = self.in_state(above.state, Arc::clone(&above.index), node) {
                return Ok(Some(child));
            }
        }
        Ok(None)
    }

    /// The object by its first name, where it has several.
    pub(crate) fn first_name(&self, object: Object) -> Result<Object, Reported> {
        let mut object = object;
        for _ in 0..MOST_NAMES {
            let Some(first) = first_path(&object.member) else { break };
            let Some(node) = read(object.index.at(&first))? else { break };
            match self.in_state(object.state, Arc::clone(&object.index), node) {
                Some(first) if is_same_file(&first.member, &object.member) => object = first,
                _ => break,
            }
        }
        Ok(object)
    }

    /// How many names a file has, of which this is the first.
    pub(crate) fn count_names(&self, object: &Object) -> Result<u32, Reported> {
        let key = (object.state, object.node.number);
        if let Some(count) = lock(&self.names).get(&key) {
            return Ok(*count);
        }
        let Some(state) = self.states.all.get(object.state) else { return Ok(1) };
        let mut count = 1;
        read(object.index.further_names(&object.node, |further| {
            let member = further.record.in_state(state.count).map(|(_, member)| member);
            let is_name = member.is_some_and(|member| {
                first_path(member).as_ref() == Some(&object.node.record.path)
                    && is_same_file(&object.member, member)
            });
            count += u32::from(is_name);
        }))?;
        let mut names = lock(&self.names);
        if names.len() >= MOST_COUNTS {
            names.clear();
        }
        names.insert(key, count);
        Ok(count)
    }

    /// Whether the size of a regular file is known without a volume.
    pub(crate) fn knows_size(object: &Object) -> bool {
        object.member.annotations.parse::<u64>(SIZE).is_some()
    }

    /// The size of a regular file, from a volume where the signatures lack it.
    pub(crate) fn size(&self, object: &Object) -> Result<u64, Reported> {
        if let Some(size) = object.member.annotations.parse(SIZE) {
            return Ok(size);
        }
        let (sets, node) = (self.sets_of(object), &object.node);
        report(lock(&self.content).size(Place { sets, node }))
    }

    /// Bytes of a regular file.
    pub(crate) fn read(
        &self,
        object: &Object,
        from: u64,
        length: usize,
    ) -> Result<Vec<u8>, Reported> {
        let (sets, node) = (self.sets_of(object), &object.node);
        report(lock(&self.content).read(Place { sets, node }, from, length))
    }

    /// The extended attributes of an object, from a volume if it has any.
    pub(crate) fn attributes(&self, object: &Object) -> Result<Arc<Attributes>, Reported> {
        let Some(set) = object.set_of_attributes() else { return Ok(Arc::default()) };
        let key = (object.state, object.node.number);
        if let Some((_, known)) = lock(&self.attributes).as_ref().filter(|(known, _)| *known == key)
        {
            return Ok(Arc::clone(known));
        }
        let (sets, node) = (self.sets_of(object), &object.node);
        let found = report(lock(&self.content).attributes(Place { sets, node }, set))?;
        let found = Arc::new(found);
        *lock(&self.attributes) = Some((key, Arc::clone(&found)));
        Ok(found)
    }

    fn sets_of(&self, object: &Object) -> &[StoredSet] {
        self.states.all.get(object.state).map_or(&[], |state| self.sets(state))
    }

    fn in_state(&self, state: usize, index: Arc<Index>, node: Node) -> Option<Object> {
        let of = self.states.all.get(state)?;
        let (set, member) = node.record.in_state(of.count)?;
        let member = member.clone();
        let is_shown = !matches!(member.kind, Kind::Other(_) | Kind::HardLink);
        is_shown.then_some(Object { state, index, node, set, member })
    }

    /// The tree of a state's chain.
    fn index(&self, state: usize) -> Result<Arc<Index>, Reported> {
        let of = self.states.all.get(state).ok_or(Reported)?;
        let mut tree = lock(self.trees.get(of.chain).ok_or(Reported)?);
        match &*tree {
            Tree::Read(index) => Ok(Arc::clone(index)),
            Tree::Failed => Err(Reported),
            Tree::Unread => {
                let sets = self.states.chains.get(of.chain).ok_or(Reported)?;
                let built = report(Index::build(&self.folder, sets)).map(Arc::new);
                *tree = built.as_ref().map_or(Tree::Failed, |index| Tree::Read(Arc::clone(index)));
                built
            }
        }
    }
}

impl Object {
    /// Whether there are extended attributes, which a volume has.
    pub(crate) fn has_attributes(&self) -> bool {
        self.set_of_attributes().is_some()
    }

    /// The set whose volume has the attributes, if there are any. Where a set does not tell them, a
    /// directory and a file have kept those of the sets before.
    fn set_of_attributes(&self) -> Option<usize> {
        let keeps = matches!(self.member.kind, Kind::File | Kind::Directory);
        let known = self.node.record.versions.iter().rev();
        for (set, member) in known.skip_while(|(set, _)| *set > self.set) {
            let member = member.as_ref().filter(|member| member.kind == self.member.kind)?;
            match member.annotations.get(XATTRS) {
                Some(NO_XATTRS) => return None,
                Some(UNKNOWN_XATTRS) | None if keeps => {}
                Some(UNKNOWN_XATTRS) | None => return None,
                Some(_) => return Some(*set),
            }
        }
        None
    }
}

/// The path of the first name of a file that has several, if this is a further one.
fn first_path(member: &Member) -> Option<TreePath> {
    let first = member.annotations.bytes(LINK).filter(|_| member.kind == Kind::File)?;
    TreePath::parse(&first).ok()
}

/// Whether two names can be names of one file, as they are recorded.
fn is_same_file(one: &Member, other: &Member) -> bool {
    let known = |member: &Member| {
        let content = member.annotations.pick([SIZE, SHA256, XATTRS]).map(|v| v.map(str::to_owned));
        (member.kind, member.mode, member.uid, member.gid, member.mtime, content)
    };
    known(one) == known(other)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read<T>(done: std::io::Result<T>) -> Result<T, Reported> {
    report(done.or_fail(Status::Failed, TemporaryFile))
}

/// Reports a failure in one line.
fn report<T>(done: Result<T, Failure>) -> Result<T, Reported> {
    done.map_err(|failure| {
        // The stage that has failed has said so, or it was reported before.
        if failure.is_news() {
            log::error!("{failure}");
        }
        Reported
    })
}
