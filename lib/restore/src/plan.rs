//! What a restore keeps of what is there already, and what has to come from volumes: `moo-match` writes it
//! into a folder, `moo-patch` reads it.
//!
//! The folder has the request for the volumes that are needed, in JSON; the objects that are kept, with
//! their metadata, as a tar of members without bodies; and the paths that have to come, each followed by
//! NUL. Both are in index order, and read from their start as often as they are needed.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use archive::{EntryName, Part, TreePath};
use failure::{Failure, OrFail, Status, shown};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use stream::member::Kind;
use stream::{Member, Next, RestoreRequest, TarReader, TarWriter, Timestamp};

use crate::objects::InodeId;

const REQUEST: &str = "needed.json";
const OBJECTS: &str = "kept.tar.gz";
const WANTED: &str = "wanted";
/// The fact where an object is.
const PLACE: &str = "place";
/// The largest request that is read, as in a stream.
const LARGEST: u64 = 64 << 20;

/// Where an object is that need not come from a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// At the destination.
    There,
    /// In the folder that an interrupted restore has left.
    Staged,
    /// Nowhere, but its record tells all of it.
    Recorded,
}

const PLACES: [(Place, &str); 3] =
    [(Place::There, "there"), (Place::Staged, "staged"), (Place::Recorded, "recorded")];

/// The inode of a file whose content was compared, and the time of its last change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Inode {
    pub(crate) id: InodeId,
    pub(crate) changed: Timestamp,
}

impl Inode {
    fn encode(&self) -> String {
        let ((major, minor, number), changed) = (self.id, self.changed);
        format!("{major}:{minor}:{number}:{changed}")
    }

    fn decode(text: &str) -> Option<Inode> {
        let mut words = text.splitn(4, ':');
        let (major, minor) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let id = (major, minor, words.next()?.parse().ok()?);
        Some(Inode { id, changed: words.next()?.parse().ok()? })
    }
}

/// An object that need not come from a volume.
#[derive(Clone, Debug)]
pub(crate) struct KeptObject {
    /// Its path in the backup.
    pub(crate) path: TreePath,
    /// Its metadata, without extended attributes: it has those.
    pub(crate) member: Member,
    pub(crate) place: Place,
    /// Of a file.
    pub(crate) inode: Option<Inode>,
}

impl KeptObject {
    fn encode(self) -> Member {
        let (_, word) =
            PLACES.into_iter().find(|(place, _)| *place == self.place).unwrap_or(PLACES[2]);
        let inode = self.inode.map(|inode| format!(":{}", inode.encode())).unwrap_or_default();
        let mut member = self.member;
        let is_directory = member.kind == Kind::Directory;
        let part = if member.kind == Kind::File { Part::Signature } else { Part::Snapshot };
        let name = EntryName { part, path: self.path, piece: None };
        member.name = name.encode_for_sigtar(is_directory);
        member.annotations.set(PLACE, format!("{word}{inode}"));
        member
    }

    fn decode(mut member: Member) -> Option<KeptObject> {
        let path = EntryName::parse(&member.name).ok()?.path;
        let place = member.annotations.get(PLACE)?;
        let (word, inode) =
            place.split_once(':').map_or((place, None), |(word, inode)| (word, Some(inode)));
        let (place, _) = PLACES.into_iter().find(|(_, known)| *known == word)?;
        let inode = inode.map(Inode::decode);
        if inode == Some(None) {
            return None;
        }
        member.annotations.remove(PLACE);
        Some(KeptObject { path, member, place, inode: inode.flatten() })
    }
}

/// Writes a plan.
pub(crate) struct PlanWriter {
    folder: PathBuf,
    objects: TarWriter<BufWriter<GzEncoder<File>>>,
    wanted: BufWriter<File>,
}

impl PlanWriter {
    /// Into an empty folder.
    pub(crate) fn new(folder: &Path) -> Result<PlanWriter, Failure> {
        let create =
            |name: &str| File::create_new(folder.join(name)).or_fail(Status::Failed, shown(folder));
        let objects = GzEncoder::new(create(OBJECTS)?, Compression::fast());
        Ok(PlanWriter {
            folder: folder.to_owned(),
            objects: TarWriter::new(BufWriter::new(objects)),
            wanted: BufWriter::new(create(WANTED)?),
        })
    }

    /// Adds an object that is kept, in index order.
    pub(crate) fn keep(&mut self, object: KeptObject) -> Result<(), Failure> {
        self.objects.append(&object.encode(), &[]).or_fail(Status::Failed, shown(&self.folder))
    }

    /// Adds a path that has to come, in index order.
    pub(crate) fn want(&mut self, path: &TreePath) -> Result<(), Failure> {
        let written =
            self.wanted.write_all(path.as_bytes()).and_then(|()| self.wanted.write_all(&[0]));
        written.or_fail(Status::Failed, shown(&self.folder))
    }

    /// Ends it with the request for the volumes. Without that, it is no plan.
    pub(crate) fn finish(mut self, request: &RestoreRequest) -> Result<(), Failure> {
        let which = shown(&self.folder);
        self.wanted.flush().or_fail(Status::Failed, &which)?;
        self.objects.end(false).or_fail(Status::Failed, &which)?;
        let packed =
            self.objects.into_inner().into_inner().map_err(std::io::IntoInnerError::into_error);
        packed.and_then(GzEncoder::finish).or_fail(Status::Failed, &which)?;
        std::fs::write(self.folder.join(REQUEST), request.to_json()?)
            .or_fail(Status::Failed, &which)
    }
}

/// A plan that has been written.
#[derive(Clone, Debug)]
pub struct Plan {
    folder: PathBuf,
    request: RestoreRequest,
}

impl Plan {
    /// Opens the plan in a folder.
    ///
    /// # Errors
    /// There is none.
    pub fn open(folder: &Path) -> Result<Plan, Failure> {
        let path = folder.join(REQUEST);
        let mut json = Vec::new();
        let read = File::open(&path).and_then(|file| file.take(LARGEST).read_to_end(&mut json));
        read.or_fail(Status::Failed, shown(&path))?;
        let request = RestoreRequest::of_json(&json, &shown(&path).to_string())?;
        Ok(Plan { folder: folder.to_owned(), request })
    }

    /// The request for the volumes that it needs.
    pub fn request(&self) -> &RestoreRequest {
        &self.request
    }

    /// Whether a restore with that request has what it needs.
    pub(crate) fn is_for(&self, request: &RestoreRequest) -> bool {
        let all = |request: &RestoreRequest| {
            (request.sets.clone(), request.path.clone(), request.volumes.clone())
        };
        all(&self.request) == all(request)
    }

    /// The objects at these places, from the first one.
    pub(crate) fn kept(&self, places: &'static [Place]) -> Result<KeptObjects, Failure> {
        let mut kept = KeptObjects {
            which: shown(&self.folder).to_string(),
            places,
            ..KeptObjects::default()
        };
        kept.tar = Some(TarReader::new(BufReader::new(GzDecoder::new(self.file(OBJECTS)?))));
        kept.advance()?;
        Ok(kept)
    }

    /// The paths that have to come.
    pub(crate) fn wanted(&self) -> Result<WantedPaths, Failure> {
        let (plan, paths) = (self.clone(), BufReader::new(self.file(WANTED)?));
        let mut wanted = WantedPaths { plan, paths, next: None, asked: None };
        wanted.advance()?;
        Ok(wanted)
    }

    fn file(&self, name: &str) -> Result<File, Failure> {
        let path = self.folder.join(name);
        File::open(&path).or_fail(Status::Failed, shown(&path))
    }

    fn malformed(&self) -> Failure {
        Failure::of(Status::Usage, shown(&self.folder), "is no folder of moo-match")
    }
}

/// Objects that are kept, in index order.
#[derive(Default)]
pub(crate) struct KeptObjects {
    which: String,
    places: &'static [Place],
    /// None where nothing is kept.
    tar: Option<TarReader<BufReader<GzDecoder<File>>>>,
    next: Option<KeptObject>,
}

impl KeptObjects {
    /// The next one.
    pub(crate) fn peek(&self) -> Option<&KeptObject> {
        self.next.as_ref()
    }

    /// The next one, over which it goes on.
    pub(crate) fn next(&mut self) -> Result<Option<KeptObject>, Failure> {
        let next = self.next.take();
        if next.is_some() {
            self.advance()?;
        }
        Ok(next)
    }

    /// The one of that path, if it is kept. Those before it are passed over.
    pub(crate) fn seek(&mut self, path: &TreePath) -> Result<Option<KeptObject>, Failure> {
        while self.next.as_ref().is_some_and(|next| next.path < *path) {
            self.next()?;
        }
        if self.next.as_ref().is_some_and(|next| next.path == *path) {
            self.next()
        } else {
            Ok(None)
        }
    }

    fn advance(&mut self) -> Result<(), Failure> {
        let Some(tar) = &mut self.tar else { return Ok(()) };
        while let Next::Member(member) = tar.advance().or_fail(Status::Failed, &self.which)? {
            let object = KeptObject::decode(*member);
            let why = "is no folder of moo-match";
            let object = object.ok_or_else(|| Failure::of(Status::Usage, &self.which, why))?;
            if self.places.contains(&object.place) {
                self.next = Some(object);
                return Ok(());
            }
        }
        Ok(())
    }
}

/// The paths that have to come from volumes. Each set is asked for in index order.
pub(crate) struct WantedPaths {
    plan: Plan,
    paths: BufReader<File>,
    next: Option<TreePath>,
    asked: Option<TreePath>,
}

impl WantedPaths {
    /// Whether a path has to come.
    pub(crate) fn has(&mut self, path: &TreePath) -> Result<bool, Failure> {
        if self.asked.as_ref().is_some_and(|asked| asked > path) {
            *self = self.plan.wanted()?;
        }
        while self.next.as_ref().is_some_and(|next| next < path) {
            self.advance()?;
        }
        self.asked = Some(path.clone());
        Ok(self.next.as_ref() == Some(path))
    }

    /// The next path, over which it goes on.
    pub(crate) fn next(&mut self) -> Result<Option<TreePath>, Failure> {
        let next = self.next.take();
        if next.is_some() {
            self.advance()?;
        }
        Ok(next)
    }

    fn advance(&mut self) -> Result<(), Failure> {
        let mut path = Vec::new();
        let read = self.paths.read_until(0, &mut path);
        self.next = match read.or_fail(Status::Failed, shown(&self.plan.folder))? {
            0 => None,
            _ => Some(
                path.pop_if(|end| *end == 0)
                    .and_then(|_| TreePath::parse(&path).ok())
                    .ok_or_else(|| self.plan.malformed())?,
            ),
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> TreePath {
        TreePath::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_plan_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = PlanWriter::new(folder.path()).unwrap();
        let changed = Timestamp { secs: -3, nanos: 7 };
        let inode = Some(Inode { id: (8, 1, u64::MAX), changed });
        for (name, kind, place, inode) in [
            ("", Kind::Directory, Place::There, None),
            ("a", Kind::File, Place::There, inode),
            ("b", Kind::Symlink, Place::Recorded, None),
            ("c", Kind::File, Place::Staged, inode),
        ] {
            let member = Member { kind, mode: 0o640, ..Member::default() };
            writer.keep(KeptObject { path: path(name), member, place, inode }).unwrap();
        }
        ["a-b", "d", "d/e"].iter().for_each(|name| writer.want(&path(name)).unwrap());
        assert!(Plan::open(folder.path()).is_err());
        let request = RestoreRequest { volumes: Some(Vec::new()), ..RestoreRequest::default() };
        writer.finish(&request).unwrap();
        let plan = Plan::open(folder.path()).unwrap();
        assert_eq!(*plan.request(), request);
        let mut kept = plan.kept(&[Place::There, Place::Staged]).unwrap();
        assert_eq!(kept.next().unwrap().unwrap().path, path(""));
        let file = kept.seek(&path("a")).unwrap().unwrap();
        assert_eq!((file.inode, file.member.mode), (inode, 0o640));
        assert!(kept.seek(&path("b")).unwrap().is_none());
        assert_eq!(kept.next().unwrap().unwrap().place, Place::Staged);
        assert!(kept.next().unwrap().is_none() && kept.peek().is_none());
        let mut wanted = plan.wanted().unwrap();
        for (name, expected) in
            [("a", false), ("a-b", true), ("d/e", true), ("", false), ("d", true)]
        {
            assert_eq!(wanted.has(&path(name)).unwrap(), expected, "{name}");
        }
    }
}
