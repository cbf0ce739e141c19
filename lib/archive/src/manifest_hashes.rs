//! Writes the hashes of the stored volumes into a manifest.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Write};

use crate::Error;
use crate::checkpoints::CHECKPOINTS;
use crate::range::encode_hashes;
use crate::record::{Record, Records, is_indented, read_line};

/// The hashes of a stored volume as its block in the manifest has them.
pub fn volume_hashes(
    sha1: String,
    sha256: String,
    checkpoints: Option<String>,
) -> Vec<(String, String)> {
    let hashes = [("SHA1", Some(sha1)), ("SHA256", Some(sha256)), (CHECKPOINTS, checkpoints)];
    let known = hashes.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    known.collect()
}

/// Copies a draft manifest line by line: the block of each volume gets the volume's hashes in place of
/// older ones. The hashes of each volume are pairs of name and value without white space.
///
/// # Errors
/// Outside those of the reader and the writer. Inside a damaged line, by the rules of
/// [`ManifestParser`](crate::ManifestParser), or a volume of the set whose hashes are not given.
pub fn write_hashes(
    draft: &mut impl BufRead,
    hashes: BTreeMap<u64, Vec<(String, String)>>,
    to: &mut (impl Write + ?Sized),
) -> io::Result<Result<(), Error>> {
    let mut writer = ManifestHashWriter::new(hashes);
    let (mut line, mut out) = (Vec::new(), Vec::new());
    while read_line(draft, &mut line)? {
        if let Err(error) = writer.line(&line, &mut out) {
            return Ok(Err(error));
        }
        to.write_all(&out)?;
        out.clear();
    }
    if let Err(error) = writer.finish(&mut out) {
        return Ok(Err(error));
    }
    to.write_all(&out).map(Ok)
}

#[derive(Debug)]
struct ManifestHashWriter {
    hashes: BTreeMap<u64, Vec<(String, String)>>,
    records: Records,
    /// The volume whose hashes are still to be added.
    open: Option<u64>,
    /// Whether a hash that comes now is a volume's.
    in_block: bool,
    last: u64,
    missing: BTreeSet<u64>,
}

impl ManifestHashWriter {
    fn new(hashes: BTreeMap<u64, Vec<(String, String)>>) -> ManifestHashWriter {
        let (records, missing) = (Records::default(), BTreeSet::new());
        ManifestHashWriter { hashes, records, open: None, in_block: false, last: 0, missing }
    }

    /// Reads the draft's next line, with or without its line feed, and appends the result.
    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let record = self.records.next(line)?;
        if self.in_block && matches!(record, Record::Hash(..)) {
            return Ok(());
        }
        if !is_indented(line) {
            self.close_block(out);
        }
        if let Record::Volume(number) = record {
            self.open = Some(number);
        }
        // An unknown line ends no block.
        self.in_block |= matches!(record, Record::Volume(_));
        self.in_block &= !matches!(record, Record::Filelist);
        out.extend_from_slice(line);
        out.push(b'\n');
        Ok(())
    }

    /// Appends the end of the manifest. Fails if a volume of the set has no hashes.
    fn finish(mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        self.close_block(out);
        match self.missing.range(..=self.last).next() {
            Some(number) => Err(Error::new("manifest", format!("volume {number} has no hash"))),
            None => Ok(()),
        }
    }

    /// A block above the last one's number is no part of the set, so its hash may be missing.
    fn close_block(&mut self, out: &mut Vec<u8>) {
        let Some(number) = self.open.take() else {
            return;
        };
        self.last = number;
        match self.hashes.get(&number) {
            Some(hashes) => encode_hashes(hashes, out),
            None => {
                self.missing.insert(number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::tests::{encode, manifests};
    use crate::{Change, Manifest, TreePath, VolumeRange, filelist_header, filelist_line};
    use proptest::prelude::*;

    fn complete(
        draft: &[u8],
        hashes: BTreeMap<u64, Vec<(String, String)>>,
    ) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        write_hashes(&mut &draft[..], hashes, &mut out).unwrap().map(|()| out)
    }

    fn hashes(volumes: &[VolumeRange]) -> BTreeMap<u64, Vec<(String, String)>> {
        volumes.iter().map(|volume| (volume.number, volume.hashes.clone())).collect()
    }

    proptest! {
        #[test]
        fn a_completed_draft_is_the_manifest_with_its_hashes(manifest in manifests(), stale: bool) {
            let mut draft = manifest.clone();
            let old = if stale { vec![("SHA1".into(), "00".into())] } else { Vec::new() };
            draft.volumes.iter_mut().for_each(|volume| volume.hashes = old.clone());
            let path = TreePath::parse(b"Hash").unwrap();
            let list = [filelist_header(1), filelist_line(Change::New, &path)].concat();
            let completed = complete(&[encode(&draft), list.clone()].concat(), hashes(&manifest.volumes));
            prop_assert_eq!(completed, Ok([encode(&manifest), list].concat()));
        }
    }

    const DRAFT: &str = "Volume 1:\n  StartingPath .\n  EndingPath a\n";

    #[test]
    fn an_old_hash_behind_a_line_that_nobody_knows_goes_too() {
        let hash = vec![("SHA1".to_owned(), "aa".to_owned())];
        for line in ["", "Colour red", "  Taste sweet", "\r"] {
            let draft = format!("{DRAFT}{line}\n  Hash SHA1 00\n");
            let completed =
                complete(draft.as_bytes(), BTreeMap::from([(1, hash.clone())])).unwrap();
            assert_eq!(Manifest::parse(&completed).unwrap().volumes[0].hashes, hash, "{line:?}");
        }
    }

    #[test]
    fn a_volume_without_a_hash_is_refused() {
        let error = complete(DRAFT.as_bytes(), BTreeMap::new()).unwrap_err();
        assert_eq!(error.to_string(), "manifest: volume 1 has no hash");
    }

    #[test]
    fn a_volume_that_a_resumed_backup_dropped_needs_no_hash() {
        let hash = vec![("SHA1".to_owned(), "aa".to_owned())];
        let draft = [DRAFT.replace('1', "2"), DRAFT.to_owned()].concat();
        let completed = complete(draft.as_bytes(), BTreeMap::from([(1, hash.clone())])).unwrap();
        assert_eq!(Manifest::parse(&completed).unwrap().volumes[0].hashes, hash);
    }
}
