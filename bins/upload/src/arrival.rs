//! Files on their way: first under temporary names, which duplicity passes over, then, a whole set
//! at once, under their own.

use std::collections::{BTreeSet, VecDeque};
use std::fs::File;
use std::sync::MutexGuard;

use archive::{FileKind, FileName, parse_seal};
use cli::lifeline;
use failure::Failure;
use store::Store;
use stream::member::{SHA1, SHA256};
use stream::{FilesInput, Output, Receipt};

use progress::{Event, Events};

use crate::sender::{Outgoing, Sender, is_volume};

/// The files that are sent, each with a receipt as soon as it has arrived.
pub(crate) struct Arrivals<'a> {
    sender: Sender,
    events: Events,
    receipts: &'a mut Output<File>,
    /// Those whose receipts are still to come, in the order in which they were sent.
    sent: VecDeque<Receipt>,
    /// Those that are to get their names.
    waiting: Vec<String>,
    /// Those that stay in the store though the run fails.
    kept: BTreeSet<String>,
    /// Whether a later run can go on with what this one has brought into the store.
    resumable: bool,
    /// Files have begun to get their names.
    naming: bool,
}

impl<'a> Arrivals<'a> {
    pub(crate) fn new(
        store: Box<dyn Store>,
        receipts: &'a mut Output<File>,
        resumable: bool,
    ) -> Arrivals<'a> {
        Arrivals {
            sender: Sender::new(store),
            events: Events::find(),
            receipts,
            sent: VecDeque::new(),
            waiting: Vec::new(),
            kept: BTreeSet::new(),
            resumable,
            naming: false,
        }
    }

    /// Takes a file that an interrupted run has brought into the store.
    pub(crate) fn adopt(&mut self, file: &Receipt) -> Result<(), Failure> {
        if let Some(temporary) = &file.temporary {
            self.sender.adopt(&file.stored, temporary);
            self.waiting.push(file.stored.clone());
            self.kept.insert(file.stored.clone());
        }
        self.receipts.receipt(file)?;
        self.receipts.flush()
    }

    /// Receives the file that the stream has come to.
    pub(crate) fn receive(
        &mut self,
        name: &str,
        input: &mut FilesInput<File>,
    ) -> Result<(), Failure> {
        self.events.tell(&Event::Sending { name: name.to_owned() });
        let mut outgoing = self.sender.start(name)?;
        self.waiting.push(name.to_owned());
        let passed = self.pass(name, &mut outgoing, input);
        let ended = self.sender.end(name, outgoing, passed.is_ok());
        let (size, seal) = passed?;
        ended?;
        let fact = |key| input.closing().and_then(|facts| facts.get(key)).map(str::to_owned);
        self.sent.push_back(Receipt {
            stored: name.to_owned(),
            temporary: None,
            size,
            sha256: fact(SHA256),
            sha1: fact(SHA1),
            seal,
        });
        self.tell()
    }

    /// Passes the content on. Returns its length in bytes, and all of it if it is a seal.
    fn pass(
        &mut self,
        name: &str,
        outgoing: &mut Outgoing,
        input: &mut FilesInput<File>,
    ) -> Result<(u64, Option<String>), Failure> {
        let mut seal = parse_seal(name).map(|_| Vec::new());
        let mut size = 0;
        while let Some(chunk) = input.chunk()? {
            self.sender.write(name, outgoing, &chunk)?;
            size += chunk.len() as u64;
            if let Some(seal) = &mut seal {
                seal.extend_from_slice(&chunk);
            }
            self.tell()?;
        }
        Ok((size, seal.map(|text| String::from_utf8_lossy(&text).into_owned())))
    }

    /// Gives a receipt for each file that has arrived since, up to the first that has not.
    fn tell(&mut self) -> Result<(), Failure> {
        while let Some(file) = self.sent.front_mut() {
            file.temporary = self.sender.arrived(&file.stored);
            if file.temporary.is_none() {
                break;
            }
            self.events.tell(&Event::Sent { name: file.stored.clone() });
            self.receipts.receipt(file)?;
            if self.resumable && is_volume(&file.stored) {
                self.kept.insert(file.stored.clone());
            }
            self.sent.pop_front();
        }
        // The next stage records each at once: the next run need not send it again.
        self.receipts.flush()
    }

    /// The store that they arrive at.
    pub(crate) fn store(&self) -> MutexGuard<'_, Box<dyn Store>> {
        self.sender.store()
    }

    /// Tells of all files that have come, and gives them their names: the seal when all others have
    /// theirs, so that a seal shows that its set has arrived, and the manifest last.
    ///
    /// The receipts come first: where nobody is left to take them, no file gets its name, and
    /// where somebody is, they count only once the end mark has followed.
    pub(crate) fn publish(&mut self) -> Result<(), Failure> {
        self.sender.arrive()?;
        self.tell()?;
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.sort_by_key(|name| turn(name));
        // From here on a failure leaves files that are whole. The next run takes the set as stored,
        // or knows by the manifest with the temporary name what to clear away.
        self.naming = true;
        for names in waiting.chunk_by(|one, next| turn(one) == turn(next)) {
            for name in names {
                lifeline::check();
                self.sender.publish(name)?;
            }
            self.store().sync()?;
        }
        self.naming = false;
        Ok(())
    }

    /// After a failure: frees the space of what has come to nothing, except what a later run may
    /// go on with.
    pub(crate) fn discard(&mut self) {
        lifeline::check();
        if self.naming {
            return;
        }
        // What has arrived since the last receipt need not be sent again either.
        let _ = self.tell();
        self.sender.stop();
        let _ = self.tell();
        self.sender.discard(&self.kept);
    }
}

/// The order in which the files of a set get their names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Turn {
    Content,
    Seal,
    Manifest,
}

/// The turn of a file.
pub(crate) fn turn(name: &str) -> Turn {
    match FileName::parse(name) {
        Some(FileName { kind: FileKind::Manifest, .. }) => Turn::Manifest,
        None if parse_seal(name).is_some() => Turn::Seal,
        _ => Turn::Content,
    }
}
