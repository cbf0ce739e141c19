//! Whether a store holds the backup that the next set is of.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use archive::{Collection, Fork, Identity, Link, Seal, SetId, SetTime, overtaken, parse_seal};
use failure::{Failure, OrFail, Reason, Status};
use local::Folder;
use openpgp::{Cert, SealState, find_certificate, known_identity, read_seal, read_text};
use sha2::{Digest, Sha256};
use stream::Receipt;

/// The backup that the next set is of, as the options tell it.
#[derive(clap::Args, Debug)]
pub(crate) struct Next {
    /// Check the store for a next backup of SOURCE. Fail if the store holds sets of another backup,
    /// or no set although the archive directory has some. Print `new` if there is no set anywhere.
    /// Print `unknown` if the archive directory knows no set of the store, with `identity=ID` if
    /// the newest set is of this host and source
    #[arg(long, requires = "reconcile", value_name = "SOURCE")]
    source: Option<OsString>,
    /// Print `identity=ID` only if the certificate KEY has signed the seal of the newest set
    #[arg(long, requires = "source", value_name = "KEY")]
    seal_key: Option<OsString>,
    /// Use ID as the identity of the backup if no seal in the archive directory contains one
    #[arg(long, requires = "source", value_name = "ID")]
    identity: Option<Identity>,
    /// Accept a store with sets that the archive directory does not know, or without the sets that
    /// it knows
    #[arg(long, requires = "source")]
    start_over: bool,
    /// Accept sets of another host or source
    #[arg(long, requires = "source")]
    allow_source_mismatch: bool,
}

/// What to do where sets are of another host or source.
const ELSEWHERE: &str = "check the URL: each source of each host needs a folder of its own";

/// How the next set fits into the store.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// The store holds sets that the archive knows.
    Known,
    /// There is no set yet.
    New,
    /// The archive knows none of the sets in the store; their identity, if they are of this host
    /// and source.
    Unknown(Option<Identity>),
    /// As unknown sets, but the user wants a full set beside them.
    Over(Option<Identity>),
}

impl Next {
    /// Compares what the archive knows with what the store holds.
    ///
    /// # Errors
    /// [`Status::Lost`] where the archive knows sets and the store has none, [`Status::Absent`]
    /// where the store holds another backup.
    pub(crate) fn fit(
        &self,
        folder: &Folder,
        receipts: &[Receipt],
        (known, stored): (&Collection, &Collection),
    ) -> Result<Fit, Failure> {
        let Some(source) = &self.source else { return Ok(Fit::Known) };
        let ours = ids(known);
        let there = ids(stored);
        if !ours.is_disjoint(&there) {
            check_shared(folder, receipts, known)?;
            let fork = self.fork(folder, receipts, known)?;
            return match fork {
                None if self.lacks_seals(receipts, known)? => self
                    .identity(source, self.expected(folder, known)?, newest_seal(receipts))
                    .map(Fit::Unknown),
                None => Ok(Fit::Known),
                Some(_) if self.start_over => Ok(Fit::Over(None)),
                Some(fork) => Err(forked(fork)),
            };
        }
        match (ours.len(), there.len(), self.start_over) {
            (0, 0, _) => return Ok(Fit::New),
            (_, 0, true) => return Ok(Fit::Over(None)),
            (count, 0, false) => return Err(lost(count)),
            _ => {}
        }
        let identity =
            self.identity(source, self.expected(folder, known)?, newest_seal(receipts))?;
        Ok(if self.start_over { Fit::Over(identity) } else { Fit::Unknown(identity) })
    }

    /// The identity that the archive directory has, or else that of the options.
    fn expected(&self, folder: &Folder, known: &Collection) -> Result<Option<Identity>, Failure> {
        Ok(known_identity(folder.seals(known))?.or(self.identity))
    }

    /// Whether the store has the seal of a set that the archive directory knows without it: duplicity
    /// copies the other files of a set, and no seals. A set that is made then would have another identity,
    /// or the wrong predecessor. Seals that the seal key has not signed do not count, if there is one:
    /// anybody can add them.
    fn lacks_seals(&self, receipts: &[Receipt], known: &Collection) -> Result<bool, Failure> {
        if self.start_over {
            return Ok(false);
        }
        let bare = known.complete().filter(|set| set.seal.is_none());
        let bare: BTreeMap<SetTime, SetId> = bare.map(|set| (set.id.time, set.id)).collect();
        let cert = self.seal_key.as_deref().map(find_certificate).transpose()?;
        let is_of_one = |receipt: &Receipt| {
            let set = parse_seal(&receipt.stored).and_then(|time| bare.get(&time));
            let Some((set, text)) = set.zip(receipt.seal.as_deref()) else { return false };
            read(&receipt.stored, text, cert.as_ref())
                .is_ok_and(|(seal, is_signed)| seal.set == *set && (cert.is_none() || is_signed))
        };
        Ok(receipts.iter().any(is_of_one))
    }

    /// A fork of the archive directory and the store. The seals of sets that the archive directory does
    /// not know count where the seal key has signed them: anybody can add others.
    fn fork(
        &self,
        folder: &Folder,
        receipts: &[Receipt],
        known: &Collection,
    ) -> Result<Option<Fork>, Failure> {
        let Some(key) = self.seal_key.as_deref() else { return Ok(None) };
        let ours: BTreeSet<SetTime> = known.complete().map(|set| set.id.time).collect();
        let seals = receipts.iter().filter_map(|receipt| {
            let time = parse_seal(&receipt.stored)?;
            Some((&receipt.stored, receipt.seal.as_deref()?)).filter(|_| !ours.contains(&time))
        });
        let seals: Vec<_> = seals.collect();
        if seals.is_empty() {
            return Ok(None);
        }
        let cert = find_certificate(key)?;
        let mut others = Vec::new();
        for (name, text) in seals {
            if let Ok((seal, true)) = read(name, text, Some(&cert)) {
                others.push(link(&seal, text.as_bytes()));
            }
        }
        let mut links = Vec::new();
        for seal in folder.seals(known) {
            let (name, bytes) = seal?;
            links.push(link(&read_seal(&name, &bytes)?, &bytes));
        }
        Ok(overtaken(&links, &others))
    }

    /// The identity of the sets in the store, if they are of this host and source, and the seal key
    /// vouches for it where one is given.
    fn identity(
        &self,
        source: &OsString,
        expected: Option<Identity>,
        newest: Option<(&str, &str)>,
    ) -> Result<Option<Identity>, Failure> {
        let Some((name, text)) = newest else { return Ok(None) };
        let cert = self.seal_key.as_deref().map(find_certificate).transpose()?;
        let Ok((seal, is_signed)) = read(name, text, cert.as_ref()) else { return Ok(None) };
        let Some((identity, origin)) = seal.identity.zip(seal.origin) else { return Ok(None) };
        let source = local::source_name(source.as_bytes());
        let is_here = identity.origin(&local::host(), &source) == origin;
        if expected.is_some_and(|expected| expected != identity) {
            let hint = if is_here && self.identity.is_some() {
                "if it was made here before, pass its identity with --identity or in the configuration"
            } else {
                ELSEWHERE
            };
            return Err(foreign(
                "newest set, the ",
                &seal,
                &format!("another backup, {identity}; {hint}"),
            ));
        }
        if !is_here && expected.is_none() && !self.allow_source_mismatch {
            let hint = "if it was renamed, use --allow-source-mismatch";
            let whose = format!("another host or source ({hint}); {ELSEWHERE}");
            return Err(foreign("newest set, the ", &seal, &whose));
        }
        Ok(Some(identity).filter(|_| is_signed || self.start_over))
    }
}

/// Checks that the newest set that the store shares with the archive directory is the same set, and not
/// one of another backup that was made in the same second.
///
/// # Errors
/// [`Status::Absent`] where it is.
fn check_shared(folder: &Folder, receipts: &[Receipt], known: &Collection) -> Result<(), Failure> {
    let ours: BTreeSet<&str> = known.complete().filter_map(|set| set.seal.as_deref()).collect();
    let seals = receipts.iter().filter_map(|one| Some((one.stored.as_str(), one.seal.as_deref()?)));
    let shared = seals.filter(|(name, _)| ours.contains(name));
    let Some((name, text)) = shared.max_by_key(|(name, _)| parse_seal(name)) else {
        return Ok(());
    };
    // What is no seal is damage, which the next stages and `moo status` report.
    let Ok((theirs, _)) = read(name, text, None) else { return Ok(()) };
    let path = folder.path(name);
    let bytes = std::fs::read(&path).or_fail(Status::Failed, failure::shown(&path))?;
    let own = read_seal(name, &bytes)?;
    match own.identity.zip(theirs.identity) {
        Some((own, identity)) if own != identity => {
            let whose = format!("another backup, {identity}; {ELSEWHERE}");
            Err(foreign("set, the ", &theirs, &whose))
        }
        _ => Ok(()),
    }
}

/// What a seal says, and whether that certificate's key has signed it.
fn read(name: &str, text: &str, cert: Option<&Cert>) -> Result<(Seal, bool), Failure> {
    let certs: Vec<Cert> = cert.cloned().into_iter().collect();
    let (text, state) = read_text(name, text.as_bytes(), &certs)?;
    let seal = Seal::parse(&text).or_fail(Status::Integrity, name)?;
    Ok((seal, cert.is_some() && matches!(state, SealState::SignedBy(_))))
}

/// The seal that came with the receipts: its name and its text.
fn newest_seal(receipts: &[Receipt]) -> Option<(&str, &str)> {
    let sealed = receipts.iter().filter(|receipt| receipt.seal.is_some());
    let receipt = sealed.max_by_key(|receipt| parse_seal(&receipt.stored))?;
    Some((&receipt.stored, receipt.seal.as_deref()?))
}

fn link(seal: &Seal, file: &[u8]) -> Link {
    let sha256 = format!("{:x}", Sha256::digest(file));
    Link { set: seal.set, sha256, previous: seal.previous.clone() }
}

fn ids(collection: &Collection) -> BTreeSet<SetId> {
    collection.complete().map(|set| set.id).collect()
}

fn lost(count: usize) -> Failure {
    let why = format!("the store has no sets, but the archive directory knows {count} of it");
    let hint = "is its disk mounted, and the URL right? --start-over makes a new full set";
    Failure::new(Status::Lost, format!("{why} ({hint})")).because(Reason::StoreEmpty)
}

fn forked(fork: Fork) -> Failure {
    let why = "another copy of this archive directory backs up into the store";
    let hint = "give each copy a store of its own; --start-over makes a new full set here";
    Failure::new(Status::Integrity, format!("{fork}: {why} ({hint})"))
}

fn foreign(which: &str, seal: &Seal, whose: &str) -> Failure {
    let why = format!("the store's {which}{}, is of {whose}", seal.set);
    Failure::new(Status::Absent, why).because(Reason::ForeignSets)
}
