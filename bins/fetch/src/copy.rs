//! Whole sets, for another store or for an archive.

use std::collections::HashSet;
use std::fs::File;

use archive::{Absent, Identity, SetTime, StoredSet};
use failure::{Failure, Status};
use progress::Files;
use sha2::{Digest, Sha256};
use store::Store;
use stream::{Annotations, Begin, FileWriter, Output, StreamKind, Totals};
use survey::Survey;

use crate::absent::none;
use crate::archive_directory::ArchiveDirectory;
use crate::known::Known;
use crate::sealed::Sealed;
use crate::{Fetch, fork, strangers, transfer};

/// Sends all sets, one after the other, those that are known aside.
pub(crate) fn send(
    arguments: &Fetch,
    store: &mut dyn Store,
    output: &mut Output<File>,
) -> Result<Totals, Failure> {
    let archive = ArchiveDirectory::of(arguments)?;
    let mut survey = arguments.survey(store, archive.as_ref())?;
    let known = arguments.known.as_deref().map(Known::read).transpose()?.unwrap_or_default();
    let judge = arguments.judge(archive.as_ref(), (&mut survey, &mut *store), known.identity())?;
    let gone = judge.of_a_copy(&mut survey, store)?;
    if !gone.is_empty() && survey.collection.complete().next().is_none() {
        let absent = Absent::NoBackup { wanted: SetTime::LAST, first: None };
        return Err(none(&arguments.url, absent, &gone));
    }
    strangers::warn(&arguments.url, &gone, &survey);
    fork::check(&arguments.url, &mut survey, store, &known)?;
    output.begin(&Begin::copy(StreamKind::Files, known.newest_seal()))?;
    let mut lost = 0;
    let mut gaps = HashSet::new();
    let wanted = || survey.collection.complete().filter(|set| !known.has(set, arguments.all));
    let all =
        wanted().flat_map(|set| set.seal.as_deref().into_iter().chain(files(set, arguments.all)));
    let mut report = Files::start(all.map(|name| survey.size(name)));
    for set in wanted() {
        if set.id.base.is_some_and(|base| gaps.contains(&base)) {
            log::info!("the {} is not copied, because the set before it is not", set.id);
            gaps.insert(set.id.time);
            lost += 1;
            continue;
        }
        match sealed(store, (&survey, judge.expected), set, arguments.all) {
            Ok(sealed) => {
                let (all, to) = (arguments.all, &mut *output);
                send_set(store, &survey, set, &sealed, (all, to, &mut report))?;
            }
            // Nothing of it has been sent: the others need not wait for it.
            Err(failure) if failure.status() == Status::Integrity => {
                log::warn!("{failure}: the {} is not copied", set.id);
                gaps.insert(set.id.time);
                lost += 1;
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(Totals { unreadable: gone.len() as u64, lost, ..Totals::default() })
}

/// What the seal of a set tells of its files, if none of them is missing.
fn sealed(
    store: &mut dyn Store,
    (survey, expected): (&Survey, Option<Identity>),
    set: &StoredSet,
    content: bool,
) -> Result<Sealed, Failure> {
    let sealed = Sealed::read(store, survey, set)?;
    if let Some((ours, its)) = expected.zip(sealed.identity).filter(|(ours, its)| ours != its) {
        let why = format!("the {} is of the backup {its}, not of {ours}", set.id);
        return Err(Failure::new(Status::Integrity, why));
    }
    if content {
        sealed.check_names(set)?;
    }
    Ok(sealed)
}

/// Sends a set as its seal tells it to be: a copy of what is damaged would pass for the set.
fn send_set(
    store: &mut dyn Store,
    survey: &Survey,
    set: &StoredSet,
    sealed: &Sealed,
    (content, output, report): (bool, &mut Output<File>, &mut Files),
) -> Result<(), Failure> {
    if let Some((name, text)) = &sealed.seal {
        report.next(name, text.len() as u64);
        send_file(name, &mut report.count(text.as_slice()), sealed, output)?;
    }
    for name in files(set, content) {
        if sealed.is_foreign(name) {
            log::warn!("{name}: not listed in the seal, so it is not copied");
            continue;
        }
        report.next(name, survey.size(name));
        let from = sealed.open(store, survey, name)?;
        send_file(name, &mut report.count(from), sealed, output)?;
    }
    Ok(())
}

/// All files of a set behind its seal, or those without the content.
fn files(set: &StoredSet, content: bool) -> Vec<&str> {
    let volumes = set.volumes.values().filter(|_| content);
    let parity = set.parity.values().filter(|_| content);
    let names = set.manifest.iter().chain(volumes).chain(&set.signatures).chain(&set.stats);
    let names = names.chain(parity);
    names.map(String::as_str).collect()
}

/// A file counts only with its closing chunk, and gets that only if its hash holds.
fn send_file(
    name: &str,
    from: &mut impl std::io::Read,
    sealed: &Sealed,
    output: &mut Output<File>,
) -> Result<(), Failure> {
    let mut hashing = Hashing { to: FileWriter::new(output, name), hash: Sha256::new() };
    transfer(name, from, &mut hashing)?;
    let Hashing { to, hash } = hashing;
    sealed.check(name, &format!("{:x}", hash.finalize()))?;
    to.close(Annotations::default())
}

struct Hashing<W> {
    to: W,
    hash: Sha256,
}

impl<W: std::io::Write> std::io::Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let n = self.to.write(bytes)?;
        self.hash.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.to.flush()
    }
}
