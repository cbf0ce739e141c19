//! Finding what of a state is there already: at the destination, or in the folder that an interrupted
//! restore to it has left. Each file that looks right is read once.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;

use archive::{FileKind, FileName, Manifest, SetId, TreePath};
use failure::{Failure, OrFail, Status, shown};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use local::{EntryRecord, Signatures};
use progress::Reporter;
use selection::Part;
use stream::member::{Kind, NO_XATTRS, UNKNOWN_XATTRS, XATTRS};
use stream::{FilesInput, RestoreRequest, SetRef, Totals, pipe};

use crate::cursor::Folding;
use crate::destination::Destination;
use crate::link_groups::LinkGroups;
use crate::merge::MergeMode;
use crate::metadata::{Metadata, Owners};
use crate::needed::NeededVolumes;
use crate::plan::{Inode, KeptObject, Place, PlanWriter};
use crate::set_metadata::manifest;
use crate::staging::{Scratch, Staging};
use crate::state::FromStart;
use crate::there::{Candidate, Expected, ThereTree, hash};

/// Whether there is anything at a destination, or left by an interrupted restore, that could be kept.
///
/// # Errors
/// The destination cannot be restored to.
pub fn has_anything(destination: &Path, mode: MergeMode) -> Result<bool, Failure> {
    // A restore makes the directories above the destination, but not before it knows that it may.
    let above = destination.parent().filter(|above| !above.as_os_str().is_empty());
    if above.is_some_and(|above| !above.exists()) {
        return Ok(false);
    }
    let destination = Destination::open(destination, mode, None)?;
    if mode.merge && destination.has_objects()? {
        return Ok(true);
    }
    let left = destination.leftover()?;
    Ok(left.map(Staging::leave).is_some())
}

/// Finds what of the state in a file stream, which has its signature files and no volumes, is there already,
/// and writes a plan for the restore into the folder `plan`. Writes none if all has to come.
///
/// # Errors
/// As those of a restore: status 2 if the destination is refused, 5 if anything of the stream is damaged.
pub fn match_destination(
    destination: &Path,
    mode: MergeMode,
    owners: Owners,
    plan: &Path,
) -> Result<Totals, Failure> {
    let mut input = FilesInput::open(pipe::input()?)?;
    let request = input.begin().request().filter(|request| request.volumes.is_some()).cloned();
    let Some(request) = request else {
        let why = "standard input: no stream to compare with (moo-fetch --signatures makes one)";
        return Err(Failure::new(Status::Usage, why));
    };
    let part = Part::of(&request)?;
    let target = Destination::open(destination, mode, part.path().file_name())?;
    let sets = Sets::read(&mut input, &request)?;
    let totals = input.totals();
    let Some(sets) = sets.filter(|_| !part.is_filtered()) else { return Ok(totals) };
    let left = target.leftover()?;
    let is_left = left.is_some();
    let staging = match left {
        Some(left) => left,
        None => target.staging()?,
    };
    // Two names may be one object there, and one may be the other's.
    let folds = Folding::of(staging.as_fd()).or_fail(Status::Failed, shown(destination))?.folds;
    if !folds {
        let there = target.directory().filter(|_| mode.merge).transpose()?.map(ThereTree::new);
        let staged = staging.tree_directory()?.filter(|_| is_left).map(ThereTree::new);
        let mut matcher = Matcher::new((there, staged), owners, part.path().clone());
        matcher.write(sets, request, plan)?;
    }
    if is_left {
        staging.leave();
    }
    Ok(totals)
}

/// The sets of a state, the oldest first.
struct Sets(Vec<(SetId, Manifest, File)>);

impl Sets {
    /// Reads the manifest and the signature file of each set; none if moo-fetch has found the volumes smaller
    /// than the signature files.
    fn read(
        input: &mut FilesInput<File>,
        request: &RestoreRequest,
    ) -> Result<Option<Sets>, Failure> {
        let staging = Staging::temporary()?;
        let scratch = staging.scratch()?;
        let mut manifests: Vec<(SetId, Manifest)> = Vec::new();
        let mut signatures: Vec<(SetId, File)> = Vec::new();
        while let Some(name) = input.next_file()? {
            let Some(name) = FileName::parse(&name) else { continue };
            match name.kind {
                FileKind::Manifest => {
                    manifests.extend(manifest(input)?.map(|manifest| (name.set, manifest)));
                }
                FileKind::Signatures => signatures.push((name.set, kept(input, &scratch)?)),
                _ => {}
            }
        }
        if signatures.is_empty() {
            return Ok(None);
        }
        let mut sets = Vec::new();
        for id in request.sets.iter().map(SetRef::id) {
            let manifest = manifests.iter().position(|(set, _)| *set == id);
            let signature = signatures.iter().position(|(set, _)| *set == id);
            let Some((manifest, signature)) = manifest.zip(signature) else {
                let why = format!("standard input: the {id} has no manifest or no signature file");
                return Err(Failure::new(Status::Integrity, why));
            };
            sets.push((id, manifests.swap_remove(manifest).1, signatures.swap_remove(signature).1));
        }
        Ok(Some(Sets(sets)))
    }

    /// The state that they add up to, from its start.
    fn state(&self) -> Result<Signatures, Failure> {
        if !local::can_read(self.0.len()) {
            let why =
                format!("a chain of {} sets needs more open files than allowed", self.0.len());
            return Err(Failure::new(
                Status::Failed,
                format!("{why}; raise the limit (ulimit -n)"),
            ));
        }
        let tars = self.0.iter().map(|(set, _, file)| {
            let file = file.try_clone().or_fail(Status::Failed, set)?;
            let packed = BufReader::new(FromStart::new(file));
            let tar: Box<dyn Read + Send> = Box::new(BufReader::new(GzDecoder::new(packed)));
            Ok((format!("the signature file of the {set}"), tar))
        });
        Signatures::merge(tars.collect::<Result<Vec<_>, Failure>>()?)
    }
}

/// A file of the stream, packed.
fn kept(input: &mut FilesInput<File>, scratch: &Scratch) -> Result<File, Failure> {
    let which = shown(scratch.path());
    let file = BufWriter::new(scratch.file()?);
    let mut packed = GzEncoder::new(file, Compression::fast());
    while let Some(chunk) = input.chunk()? {
        packed.write_all(&chunk).or_fail(Status::Failed, &which)?;
    }
    let file = packed.finish().or_fail(Status::Failed, &which)?;
    file.into_inner().map_err(std::io::IntoInnerError::into_error).or_fail(Status::Failed, &which)
}

/// What becomes of an entry.
enum Verdict {
    Kept(Place, Option<Inode>),
    Wanted,
}

/// Decides about the entries of a state, one after the other.
struct Matcher {
    there: Option<ThereTree>,
    staged: Option<ThereTree>,
    owners: Owners,
    /// The path in the backup that is restored.
    root: TreePath,
    groups: LinkGroups,
    /// The last directory that has to come: in the staging folder, nothing below it is kept.
    coming: Option<TreePath>,
    report: Reporter,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    files: u64,
    bytes: u64,
    kept: u64,
}

/// A file of the state.
struct FileRecord<'a> {
    record: &'a EntryRecord,
    /// Its path below what is restored.
    path: &'a TreePath,
    attributes: &'a str,
    /// Where a set does not record the hash.
    signature: Option<Vec<u8>>,
}

impl Matcher {
    fn new(
        (there, staged): (Option<ThereTree>, Option<ThereTree>),
        owners: Owners,
        root: TreePath,
    ) -> Matcher {
        Matcher {
            there,
            staged,
            owners,
            root,
            groups: LinkGroups::default(),
            coming: None,
            report: Reporter::start(None, None),
            counts: Counts::default(),
        }
    }

    /// Writes the plan. Writes none where only all of it can come.
    fn write(&mut self, sets: Sets, request: RestoreRequest, plan: &Path) -> Result<(), Failure> {
        if !self.learn_links(sets.state()?)? {
            return Ok(());
        }
        let mut state = sets.state()?;
        let manifests = sets.0.into_iter().map(|(set, manifest, _)| (set, manifest));
        let mut needed = NeededVolumes::new(manifests);
        let mut plan = PlanWriter::new(plan)?;
        while let Some(record) = state.peek().cloned() {
            if let Some(path) = record.path.strip_prefix(&self.root) {
                self.report.at(record.path.as_bytes(), self.counts.files, self.counts.bytes);
                match self.judge(&record, &path, &mut state)? {
                    Verdict::Wanted => {
                        plan.want(&record.path)?;
                        needed.need(&record.path, state.mentions());
                    }
                    Verdict::Kept(place, inode) => {
                        let EntryRecord { path, member, .. } = record;
                        plan.keep(KeptObject { path, member, place, inode })?;
                    }
                }
            }
            state.advance()?;
        }
        let Counts { files, kept, bytes } = self.counts;
        log::info!("{kept} of {files} files are there, {bytes} bytes were read");
        plan.finish(&RestoreRequest { volumes: Some(needed.list()), ..request })
    }

    /// Learns which files have several names. False if there are too many, or if what is restored is no
    /// directory.
    fn learn_links(&mut self, mut state: Signatures) -> Result<bool, Failure> {
        let mut is_directory = false;
        while let Some(record) = state.peek() {
            if record.path == self.root {
                is_directory = record.member.kind == Kind::Directory;
            }
            if record.path.starts_with(&self.root) && !self.groups.add(record) {
                return Ok(false);
            }
            state.advance()?;
        }
        Ok(is_directory)
    }

    fn judge(
        &mut self,
        record: &EntryRecord,
        path: &TreePath,
        state: &mut Signatures,
    ) -> Result<Verdict, Failure> {
        let is_file = record.member.kind == Kind::File;
        self.counts.files += u64::from(is_file);
        if let Some(decided) = self.groups.decided(&record.path) {
            return Ok(
                decided.map_or(Verdict::Wanted, |(place, inode)| Verdict::Kept(place, Some(inode)))
            );
        }
        let Some(attributes) = attributes(record, state.has_older_attributes()) else {
            return Ok(self.want(record, path));
        };
        let verdict = match record.member.kind {
            Kind::File => {
                let has_hash = record.sha256().is_some();
                let signature = if has_hash { None } else { Some(state.signature()?) };
                let attributes = &attributes;
                self.file(&FileRecord { record, path, attributes, signature })
            }
            Kind::Directory => self.directory(path, &attributes),
            Kind::Symlink | Kind::Fifo | Kind::CharDevice | Kind::BlockDevice => {
                self.special(record, path, &attributes)
            }
            _ => None,
        };
        Ok(match verdict {
            Some((place, inode)) => {
                self.counts.kept += u64::from(is_file);
                Verdict::Kept(place, inode)
            }
            None => self.want(record, path),
        })
    }

    fn want(&mut self, record: &EntryRecord, path: &TreePath) -> Verdict {
        self.groups.decide(&record.path, None);
        if record.member.kind == Kind::Directory && !self.is_coming(path) {
            self.coming = Some(path.clone());
        }
        Verdict::Wanted
    }

    /// Whether an entry is below a directory that has to come.
    fn is_coming(&self, path: &TreePath) -> bool {
        self.coming.as_ref().is_some_and(|coming| path.starts_with(coming))
    }

    fn directory(&mut self, path: &TreePath, attributes: &str) -> Option<(Place, Option<Inode>)> {
        let has = |tree: &mut Option<ThereTree>| {
            tree.as_mut().is_some_and(|tree| tree.has_directory(path, attributes))
        };
        if has(&mut self.there) {
            return Some((Place::There, None));
        }
        if !self.is_coming(path) && has(&mut self.staged) {
            return Some((Place::Staged, None));
        }
        (attributes == NO_XATTRS).then_some((Place::Recorded, None))
    }

    fn special(
        &mut self,
        record: &EntryRecord,
        path: &TreePath,
        attributes: &str,
    ) -> Option<(Place, Option<Inode>)> {
        let (there, owners) = (&mut self.there, &mut self.owners);
        let found = (&record.member, attributes);
        if there.as_mut().is_some_and(|there| there.has_special(path, found, owners)) {
            return Some((Place::There, None));
        }
        (attributes == NO_XATTRS).then_some((Place::Recorded, None))
    }

    /// Looks for a file, with all its names.
    fn file(&mut self, file: &FileRecord<'_>) -> Option<(Place, Option<Inode>)> {
        let found = self.file_at(Place::There, file);
        let found = match found {
            None if !self.is_coming(file.path) => self.file_at(Place::Staged, file),
            found => found,
        };
        self.groups.decide(&file.record.path, found);
        found.map(|(place, inode)| (place, Some(inode)))
    }

    fn file_at(&mut self, place: Place, file: &FileRecord<'_>) -> Option<(Place, Inode)> {
        let tree = match place {
            Place::There => self.there.as_mut(),
            _ => self.staged.as_mut(),
        }?;
        let further = self.groups.further(&file.record.path);
        let expected = Expected {
            member: &file.record.member,
            size: file.record.size(),
            attributes: file.attributes,
            links: 1 + further.len(),
            is_public: place == Place::There,
        };
        let candidate = tree.candidate(file.path, &expected, &mut self.owners)?;
        if !further.is_empty() {
            let metadata = Metadata::of(&file.record.member, &mut self.owners);
            let inode = candidate.unchanged()?;
            let is_name = |path: &TreePath| {
                path.strip_prefix(&self.root).and_then(|path| tree.inode(&path)) == Some(inode)
            };
            let all =
                further.iter().all(|name| name.is_link_to(file.record) && is_name(&name.path));
            // To give one name its metadata would change the others.
            if !all || !candidate.has(&metadata) {
                return None;
            }
        }
        self.counts.bytes += file.record.size().unwrap_or_default();
        let is_same = has_content(&candidate, file, &self.report);
        let inode = candidate.unchanged()?;
        is_same.then_some((place, inode))
    }
}

/// Whether a file has the content of the state.
fn has_content(candidate: &Candidate, file: &FileRecord<'_>, report: &Reporter) -> bool {
    // Who owns it could let it grow without end.
    let content = report.count((&candidate.file).take(candidate.size() + 1));
    match (file.record.sha256(), &file.signature) {
        (Some(sha256), _) => hash(content).is_some_and(|hash| hash == sha256),
        (None, Some(signature)) => rsync::matches(content, signature).is_ok_and(|is_same| is_same),
        (None, None) => false,
    }
}

/// What stands for the extended attributes that an entry has; none if that is not known.
fn attributes(record: &EntryRecord, has_older: bool) -> Option<String> {
    match record.member.annotations.get(XATTRS) {
        Some(UNKNOWN_XATTRS) => None,
        Some(digest) => Some(digest.to_owned()),
        None if has_older => None,
        None => Some(NO_XATTRS.to_owned()),
    }
}
