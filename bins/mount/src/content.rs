//! The content of files, their sizes and their extended attributes, where only the volumes have them.

use std::collections::HashMap;
use std::sync::Arc;

use archive::{SetTime, StoredSet, TreePath};
use failure::{Failure, Status};
use stream::Attributes;
use stream::member::{Kind, SIZE};

use crate::index::Node;
use crate::layer::{Layer, Source, SourceError, first, out_of_basis};
use crate::volumes::{VolumeKey, Volumes, holding};

/// How many layers are remembered: each takes up to 16 KiB, or has up to two open files.
const LAYERS: usize = 1000;
/// How many volumes are asked for at once.
const TOGETHER: usize = 8;

/// A file or another object of a state.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The sets of the state.
    pub(crate) sets: &'a [StoredSet],
    pub(crate) node: &'a Node,
}

/// All that comes from volumes.
pub(crate) struct Content {
    volumes: Volumes,
    layers: HashMap<(SetTime, u64), Arc<Layer>>,
}

/// A part of a file that is wanted: of which of its versions, from where on, and where it goes.
#[derive(Clone, Copy)]
struct Want {
    version: usize,
    from: u64,
    to: usize,
    length: usize,
}

impl Content {
    pub(crate) fn new(volumes: Volumes) -> Content {
        Content { volumes, layers: HashMap::new() }
    }

    /// The size of a file, in bytes.
    pub(crate) fn size(&mut self, place: Place<'_>) -> Result<u64, Failure> {
        self.volumes.check(place.sets)?;
        let versions = place.versions();
        let last = versions.len().checked_sub(1).ok_or_else(|| no_file(place.path()))?;
        Ok(self.layer(place, versions[last])?.size())
    }

    /// Bytes of a file; fewer at its end.
    pub(crate) fn read(
        &mut self,
        place: Place<'_>,
        from: u64,
        length: usize,
    ) -> Result<Vec<u8>, Failure> {
        self.volumes.check(place.sets)?;
        let versions = place.versions();
        let last = versions.len().checked_sub(1).ok_or_else(|| no_file(place.path()))?;
        self.prefetch(place, &versions);
        let size = self.layer(place, versions[last])?.size();
        let length = (length as u64).min(size.saturating_sub(from)) as usize;
        let mut bytes = vec![0; length];
        let mut wants = vec![Want { version: last, from, to: 0, length }];
        while let Some(want) = wants.pop() {
            self.fill(place, &versions, want, &mut bytes, &mut wants)?;
        }
        Ok(bytes)
    }

    /// The extended attributes that a set has of an object.
    pub(crate) fn attributes(
        &mut self,
        place: Place<'_>,
        set: usize,
    ) -> Result<Attributes, Failure> {
        self.volumes.check(place.sets)?;
        let (found, _) = first(&mut self.volumes, place.sets[set].id.time, place.path())?;
        Ok(found.member.attributes)
    }

    /// Fills a part, or finds out where it comes from.
    fn fill(
        &mut self,
        place: Place<'_>,
        versions: &[usize],
        want: Want,
        bytes: &mut [u8],
        wants: &mut Vec<Want>,
    ) -> Result<(), Failure> {
        let Want { version, mut from, mut to, mut length } = want;
        let set = place.sets[versions[version]].id.time;
        while length > 0 {
            let layer = self.layer(place, versions[version])?;
            if from >= layer.size() {
                return Err(out_of_basis(place.path()));
            }
            let source = match layer.source(&mut self.volumes, set, place.path(), from) {
                Ok(source) => source,
                Err(SourceError::Uneven) => {
                    self.scan(place, set)?;
                    continue;
                }
                Err(SourceError::Failed(failure)) => return Err(failure),
            };
            let most = |available: u64| length.min(usize::try_from(available).unwrap_or(length));
            let n = match source {
                Source::Volume { number, at, length: available } => {
                    let n = most(available);
                    self.volumes.volume((set, number))?.read(at, &mut bytes[to..to + n])?;
                    n
                }
                Source::Basis { at, length: available } => {
                    let n = most(available);
                    let before = version.checked_sub(1).ok_or_else(|| no_basis(place.path()))?;
                    wants.push(Want { version: before, from: at, to, length: n });
                    n
                }
            };
            (from, to, length) = (from + n as u64, to + n, length - n);
        }
        Ok(())
    }

    /// What a set has of a file.
    fn layer(&mut self, place: Place<'_>, version: usize) -> Result<Arc<Layer>, Failure> {
        let id = place.sets[version].id;
        if let Some(layer) = self.layers.get(&(id.time, place.node.number)) {
            return Ok(Arc::clone(layer));
        }
        let size = place.size_in(version);
        let layer = Layer::read(&mut self.volumes, (id.time, id.is_full()), place.path(), size)?;
        Ok(self.remember(place, id.time, layer))
    }

    /// Reads all that a set has of a file.
    fn scan(&mut self, place: Place<'_>, set: SetTime) -> Result<(), Failure> {
        let layer = Layer::scan(&mut self.volumes, set, place.path())?;
        self.remember(place, set, layer);
        Ok(())
    }

    fn remember(&mut self, place: Place<'_>, set: SetTime, layer: Layer) -> Arc<Layer> {
        if self.layers.len() >= LAYERS {
            self.layers.clear();
        }
        let layer = Arc::new(layer);
        self.layers.insert((set, place.node.number), Arc::clone(&layer));
        layer
    }

    /// Fetches together the volumes of increments that are needed to know where a file comes from.
    fn prefetch(&mut self, place: Place<'_>, versions: &[usize]) {
        let mut due: Vec<VolumeKey> = Vec::new();
        for version in versions.iter().rev() {
            let id = place.sets[*version].id;
            if id.is_full() || self.layers.contains_key(&(id.time, place.node.number)) {
                continue;
            }
            let Ok(manifest) = self.volumes.manifest(id.time) else { return };
            let mut holding = holding(&manifest, place.path(), 0..=1);
            due.extend(holding.next().map(|number| (id.time, number)));
        }
        if due.len() < 2 {
            return;
        }
        for together in due.chunks(TOGETHER) {
            self.volumes.prefetch(together);
            let sets: Vec<SetTime> = together.iter().map(|(set, _)| *set).collect();
            for version in versions.iter().rev() {
                // What fails here fails again when it is needed.
                if sets.contains(&place.sets[*version].id.time)
                    && self.layer(place, *version).is_ok_and(|layer| !layer.is_delta())
                {
                    return;
                }
            }
        }
    }
}

impl<'a> Place<'a> {
    fn path(&self) -> &'a TreePath {
        &self.node.record.path
    }

    /// The sets that have the content, the oldest first.
    fn versions(&self) -> Vec<usize> {
        self.node.record.contents(self.sets.len())
    }

    /// The size that a set records of the file.
    fn size_in(&self, set: usize) -> Option<u64> {
        let (of, member) = self.node.record.in_state(set + 1)?;
        (of == set && member.kind == Kind::File).then(|| member.annotations.parse(SIZE))?
    }
}

impl Layer {
    fn is_delta(&self) -> bool {
        matches!(self, Layer::Delta { .. })
    }
}

fn no_file(path: &TreePath) -> Failure {
    Failure::of(Status::Integrity, path, "not a file in this state")
}

fn no_basis(path: &TreePath) -> Failure {
    Failure::of(Status::Integrity, path, "a delta, but earlier sets do not have the file")
}
