//! Files on their way: first under temporary names, which duplicity passes over, then, all at
//! once, under their own.

use std::fs::File;
use std::io::Write;

use archive::{FileKind, FileName, parse_seal};
use store::Store;
use stream::member::{SHA1, SHA256};
use stream::{Failure, FilesInput, OrFail, Receipt, Receipts, Status};

/// The files that have arrived. Dropped before they are committed, they are removed again.
pub(crate) struct Arrivals<'a> {
    store: &'a mut dyn Store,
    arrived: Vec<Receipt>,
    /// Files have begun to get their names.
    naming: bool,
}

impl<'a> Arrivals<'a> {
    pub(crate) fn new(store: &'a mut dyn Store) -> Arrivals<'a> {
        Arrivals { store, arrived: Vec::new(), naming: false }
    }

    /// Receives the file that the stream has come to.
    pub(crate) fn receive(
        &mut self,
        name: &str,
        input: &mut FilesInput<File>,
    ) -> Result<(), Failure> {
        let mut sink = self.store.receive(name)?;
        let mut seal = parse_seal(name).map(|_| Vec::new());
        let mut size = 0;
        while let Some(chunk) = input.chunk()? {
            sink.write_all(&chunk).or_fail(Status::Refused, name)?;
            size += chunk.len() as u64;
            if let Some(seal) = &mut seal {
                seal.extend_from_slice(&chunk);
            }
        }
        sink.finish()?;
        let fact = |key| input.closing().and_then(|facts| facts.get(key)).map(str::to_owned);
        self.arrived.push(Receipt {
            stored: name.to_owned(),
            size,
            sha256: fact(SHA256),
            sha1: fact(SHA1),
            seal: seal.map(|text| String::from_utf8_lossy(&text).into_owned()),
        });
        Ok(())
    }

    /// Tells of all files, and gives them their names, manifests last.
    ///
    /// The receipts come first: where nobody is left to take them, no file gets its name, and
    /// where somebody is, they count only once the end mark has followed.
    pub(crate) fn commit(mut self, receipts: &mut Receipts<File>) -> Result<(), Failure> {
        self.store.arrive()?;
        self.arrived.iter().try_for_each(|file| receipts.receipt(file))?;
        let (manifests, others): (Vec<_>, Vec<_>) =
            self.arrived.iter().map(|file| file.stored.clone()).partition(|name| {
                FileName::parse(name).is_some_and(|name| name.kind == FileKind::Manifest)
            });
        // From here on a failure leaves files that are whole, and no manifest of theirs but the one
        // with the temporary name, by which the next run knows what to clear away.
        self.naming = true;
        for names in [others, manifests] {
            for name in names {
                self.store.publish(&name)?;
            }
            self.store.settle()?;
        }
        Ok(())
    }
}

impl Drop for Arrivals<'_> {
    /// Frees the space of what has come to nothing. A store may not let us, and that is fine:
    /// nobody takes such files for anything.
    fn drop(&mut self) {
        if !self.naming {
            self.store.discard();
        }
    }
}
