//! Full or increment, and what the set is called.

use std::os::unix::ffi::OsStrExt;

use archive::{Chain, Collection, Identity, Labels, SetTime, parse_time};
use failure::{Failure, OrFail, Reason, Status, legible};
use local::{
    Folder, Interrupted, Lock, PackedVolume, SeenBefore, SeenNow, SourceSize, can_read, now,
    now_after,
};
use openpgp::{known_identity, new_identity, read_seal};
use stream::{SetHeader, SetType};

use crate::Scan;
use crate::base::State;
use crate::source::Source;
use crate::standing::{Standing, is_ahead};
use crate::{privilege, resumed};

/// What the run is going to do.
pub(crate) struct Plan {
    /// The set that is made.
    pub(crate) head: SetHeader,
    /// The state that an increment builds on.
    pub(crate) base: Option<State>,
    /// The file in which the next scan finds the files whose inodes have changed.
    pub(crate) seen: Option<SeenNow>,
    /// How large the source was at the last backup.
    pub(crate) size: Option<SourceSize>,
    /// Keeps other runs away from the archive.
    pub(crate) lock: Option<Lock>,
    /// The run that it may be going on with, in place of making that set.
    interrupted: Option<(Folder, Interrupted)>,
}

impl Plan {
    /// Plans a set of a source, which manifests name so.
    pub(crate) fn make(arguments: &Scan, source: &[u8]) -> Result<Plan, Failure> {
        let labels = labels(arguments)?;
        // A dry run leaves no archive behind where there was none.
        let archive = arguments.archive.as_ref().filter(|at| at.exists() || !arguments.dry_run);
        let Some(path) = archive else {
            let mut head = head(source, now()?, None);
            // Nothing would remember a new one: the next set would seem to be of another backup.
            head.identity = arguments.identity;
            head.labels = labels;
            return Ok(Plan {
                head,
                base: None,
                seen: None,
                size: None,
                lock: None,
                interrupted: None,
            });
        };
        let folder = Folder::create(path)?;
        let lock = Lock::start(&folder)?;
        let collection = folder.collection()?;
        let time = time_after(&folder, &collection)?;
        let standing = Standing::of(&folder, &collection, time)?;
        let chain = chain_to_extend(arguments, &standing, time)?;
        let chain = trusted(arguments, &folder, chain)?;
        let mut head = head(source, time, chain.map(Chain::end));
        head.labels = labels;
        head.run = Some(lock.run().to_owned());
        head.previous_seal = standing.last_seal;
        head.passphrase = chain.map(|chain| passphrase(&folder, chain)).transpose()?.flatten();
        let known = known_identity(folder.seals(&collection))?;
        head.identity = Some(identity(arguments, known)?);
        if let Some(last) = standing.chain.filter(|_| !arguments.allow_source_mismatch) {
            check_source(&folder, last, &head)?;
        }
        head.options = resumed::options(arguments);
        let interrupted = resumed::find(arguments, &folder, &head)?;
        let base = match chain {
            Some(chain) => {
                let signatures = folder.signatures(&chain.sets)?;
                let seen = SeenBefore::open(&folder);
                Some(State { signatures, seen, time: chain.end() })
            }
            None => None,
        };
        let seen = (!arguments.dry_run).then(|| SeenNow::new(folder.clone()));
        let size = SourceSize::last(&folder);
        let interrupted = interrupted.map(|run| (folder, run));
        Ok(Plan { head, base, seen, size, lock: Some(lock), interrupted })
    }

    /// Goes on with the interrupted run, if the source lets it. Returns where.
    pub(crate) fn go_on(&mut self, source: &Source) -> Result<Option<PackedVolume>, Failure> {
        let Some((folder, mut interrupted)) = self.interrupted.take() else { return Ok(None) };
        let id = interrupted.head.id();
        let Some(stored) = resumed::settle(&mut interrupted, source) else {
            log::info!("{id}: was interrupted; making a new set");
            return Ok(None);
        };
        privilege::without(|| interrupted.save(&folder))?;
        log::info!("{id}: resuming after volume {}", stored.volume);
        let run = self.head.run.take();
        let labels = std::mem::take(&mut self.head.labels);
        self.head = SetHeader { run, labels, ..interrupted.resumed() };
        // A full set builds on nothing, though an increment would have been due.
        self.base = self.base.take().filter(|_| id.base.is_some());
        Ok(Some(stored))
    }
}

/// The tags and the note that the call gives.
fn labels(arguments: &Scan) -> Result<Labels, Failure> {
    let tags: Vec<_> = arguments.tag.iter().map(|tag| tag.as_bytes()).collect();
    let note = arguments.note.as_ref().map(|note| note.as_bytes());
    Labels::new(&tags, note).or_fail(Status::Usage, "--tag and --note")
}

/// The identity of the backup: that of the archive, the given one, or a new one.
fn identity(arguments: &Scan, known: Option<Identity>) -> Result<Identity, Failure> {
    match known.or(arguments.identity) {
        Some(identity) => Ok(identity),
        None => new_identity(),
    }
}

/// What the seal of a chain's last set says of its passphrase.
fn passphrase(folder: &Folder, chain: &Chain) -> Result<Option<String>, Failure> {
    let Some(seal) = chain.sets.last().and_then(|last| folder.seal(last)) else { return Ok(None) };
    let (name, bytes) = seal?;
    Ok(read_seal(&name, &bytes)?.passphrase)
}

fn head(source: &[u8], time: SetTime, base: Option<SetTime>) -> SetHeader {
    SetHeader {
        set_type: if base.is_some() { SetType::Inc } else { SetType::Full },
        time,
        base,
        host: local::host(),
        source: source.to_vec(),
        identity: None,
        labels: Labels::default(),
        run: None,
        previous_seal: None,
        passphrase: None,
        options: None,
        key: None,
        resume: None,
    }
}

/// The time that the last full set must not be older than.
fn oldest(age: &str, now: SetTime) -> Result<SetTime, Failure> {
    parse_time(age, now).or_fail(Status::Usage, "--full-if-older-than")
}

/// The chain that an increment is to extend; none for a full set.
fn chain_to_extend<'a>(
    arguments: &Scan,
    standing: &Standing<'a>,
    now: SetTime,
) -> Result<Option<&'a Chain>, Failure> {
    // Not only when it is needed: the first backup would hide a mistake.
    let oldest = arguments.full_if_older_than.as_deref().map(|age| oldest(age, now)).transpose()?;
    if let Some(ahead) = standing.ahead {
        let why = format!("the {ahead} is dated later than this machine's clock");
        if arguments.incremental {
            let why = format!("--incremental: {why} (make a full backup)");
            return Err(Failure::new(Status::Absent, why));
        }
        log::warn!("{why}: making a full set of the present state");
        return Ok(None);
    }
    if arguments.full {
        return Ok(None);
    }
    let usable = standing.chain.filter(|chain| chain.has_all_signatures());
    let Some(chain) = usable else {
        if arguments.incremental {
            let why = "the archive directory has no chain to extend (make a full backup first)";
            return Err(Failure::new(Status::Absent, format!("--incremental: {why}")));
        }
        return Ok(None);
    };
    if !can_read(chain.sets.len()) {
        let sets = chain.sets.len();
        let why = format!("the chain has {sets} sets, more than files may be open (ulimit -n)");
        if arguments.incremental {
            let why = format!("--incremental: {why} (raise the limit, or make a full backup)");
            return Err(Failure::new(Status::Failed, why));
        }
        log::warn!("{why}: making a full set");
        return Ok(None);
    }
    if oldest.is_some_and(|oldest| chain.start() < oldest) && !arguments.incremental {
        log::info!(
            "the last full set is older than --full-if-older-than allows: making a full set"
        );
        return Ok(None);
    }
    Ok(Some(chain))
}

/// The chain, unless duplicity has resumed one of its sets: a file that changed in between has new
/// content in the signatures and old content in the volumes, so that it would seem to be stored,
/// and a delta of it would be one on something else.
fn trusted<'a>(
    arguments: &Scan,
    folder: &Folder,
    chain: Option<&'a Chain>,
) -> Result<Option<&'a Chain>, Failure> {
    for set in chain.iter().flat_map(|chain| &chain.sets) {
        if !folder.manifest(set)?.is_some_and(|manifest| manifest.resumed) {
            continue;
        }
        let why = format!("the {} was interrupted and resumed by duplicity", set.id);
        if arguments.incremental {
            let why = format!("{why}: its signatures can't be relied on (make a full backup)");
            return Err(Failure::new(Status::Absent, format!("--incremental: {why}")));
        }
        log::warn!("{why}: making a full set, because its signatures are unreliable");
        return Ok(None);
    }
    Ok(chain)
}

/// Refuses to mix the sources or the hosts of two backups.
fn check_source(folder: &Folder, chain: &Chain, head: &SetHeader) -> Result<(), Failure> {
    let Some(manifest) = chain.sets.last().map(|set| folder.manifest(set)).transpose()?.flatten()
    else {
        return Ok(());
    };
    let differs = |recorded: &Option<Vec<u8>>, now: &Vec<u8>| {
        recorded.as_ref().filter(|recorded| *recorded != now).cloned()
    };
    let (what, recorded) = match differs(&manifest.hostname, &head.host) {
        Some(host) => ("host", host),
        None => match differs(&manifest.localdir, &head.source) {
            Some(source) => ("source", source),
            None => return Ok(()),
        },
    };
    let recorded = legible::name(&recorded);
    let why = format!("the archive directory is of the {what} {recorded}");
    let failure = Failure::new(
        Status::Usage,
        format!("{why} (use --allow-source-mismatch if it was renamed or moved)"),
    );
    Err(failure.because(Reason::ForeignSets))
}

/// The time of a new set: now, and later than any set that is there or was not finished, those aside
/// that are dated later than the clock. Files of that could be in the store, where no name is taken
/// twice.
fn time_after(folder: &Folder, collection: &Collection) -> Result<SetTime, Failure> {
    let now_is = now()?;
    let past = folder.times(collection)?.into_iter().filter(|time| !is_ahead(*time, now_is));
    match past.max() {
        Some(newest) => now_after(newest),
        None => now(),
    }
}
