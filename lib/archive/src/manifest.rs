//! The index of a set's volumes.

use std::collections::BTreeMap;
use std::io::{self, Read};

use crate::quote::quote;
use crate::range::quoted_path;
use crate::record::{LONGEST_LINE, Record, Records};
use crate::{EntryPosition, Error, TreePath, VolumeRange};

/// The most memory that a manifest may take, in bytes.
const MOST: usize = 1 << 30;

/// Bytes that are read at once.
const PIECE: usize = 64 << 10;

/// The memory of a volume beside its text, in bytes.
const VOLUME: usize = 256;

/// A manifest without its list of files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The host that made the set.
    pub hostname: Option<Vec<u8>>,
    /// The source root as its user spelt it.
    pub localdir: Option<Vec<u8>>,
    /// The volumes 1, 2, 3 and so on.
    pub volumes: Vec<VolumeRange>,
    /// Whether volumes are listed more than once: duplicity was interrupted, and has resumed the
    /// backup. Its signatures are then those of the second reading, and may be of other content
    /// than the volumes of the first one.
    pub resumed: bool,
}

impl Manifest {
    /// Parses the text of a whole manifest.
    ///
    /// # Errors
    /// As [`ManifestParser`].
    pub fn parse(text: &[u8]) -> Result<Manifest, Error> {
        let mut parser = ManifestParser::default();
        parser.push(text)?;
        parser.finish()
    }

    /// Reads a manifest of any length to its end, even if it is damaged.
    ///
    /// # Errors
    /// Outside those of the reader, inside those of [`ManifestParser`].
    pub fn read(from: &mut impl Read) -> io::Result<Result<Manifest, Error>> {
        let (mut parser, mut damage) = (ManifestParser::default(), Ok(()));
        let mut piece = vec![0; PIECE];
        loop {
            match from.read(&mut piece) {
                Ok(0) => return Ok(damage.and_then(|()| parser.finish())),
                Ok(length) => damage = damage.and_then(|()| parser.push(&piece[..length])),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// The lines above the volumes' blocks, as duplicity writes them.
pub fn encode_header(hostname: &[u8], localdir: &[u8]) -> Vec<u8> {
    let fields = [b"Hostname ", &*quote(hostname), b"\nLocaldir ", &*quote(localdir), b"\n"];
    fields.concat()
}

/// Parses a manifest that arrives in pieces. Its list of files needs no memory.
///
/// Fields may be in any case, and unknown lines are ignored. The last block of a volume counts. A
/// resumed backup of duplicity leaves several, and volumes with numbers above that of the very last
/// block do not belong to the set.
#[derive(Debug, Default)]
pub struct ManifestParser {
    /// The beginning of a line whose end has not arrived: at most one byte more than a line may have.
    partial: Vec<u8>,
    records: Records,
    manifest: Manifest,
    volumes: BTreeMap<u64, VolumeRange>,
    open: Option<Block>,
    last: u64,
    size: usize,
}

/// A volume's block that is being read.
#[derive(Debug)]
struct Block {
    number: u64,
    start: Option<EntryPosition>,
    end: Option<EntryPosition>,
    hashes: Vec<(String, String)>,
}

impl ManifestParser {
    /// Takes the next bytes, which may end anywhere.
    ///
    /// # Errors
    /// A line that is damaged or above 1 MiB outside the list of files, a volume's block without its
    /// paths, a number of a volume above ten million, more than 1 GiB in all.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.partial.is_empty() && part.ends_with(b"\n") {
                self.line(part)?;
                continue;
            }
            let room = (LONGEST_LINE + 1).saturating_sub(self.partial.len());
            self.partial.extend_from_slice(&part[..part.len().min(room)]);
            if part.ends_with(b"\n") {
                self.end_line()?;
            }
        }
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), Error> {
        let mut line = std::mem::take(&mut self.partial);
        let parsed = self.line(&line);
        line.clear();
        self.partial = line;
        parsed
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Error> {
        let record = self.records.next(line)?;
        if !matches!(record, Record::Other) {
            self.account(line.len())?;
        }
        match record {
            Record::Volume(number) => self.open_block(number)?,
            Record::Hostname(name) => self.manifest.hostname = Some(name.into_owned()),
            Record::Localdir(path) => self.manifest.localdir = Some(path.into_owned()),
            Record::Filelist => self.close_block()?,
            other => self.add(other),
        }
        Ok(())
    }

    /// The manifest, after its last byte.
    ///
    /// # Errors
    /// A manifest without volumes, or with a gap in their numbers.
    pub fn finish(mut self) -> Result<Manifest, Error> {
        if !self.partial.is_empty() {
            self.end_line()?;
        }
        self.close_block()?;
        let last = self.last;
        self.volumes.retain(|&number, _| number <= last);
        if self.volumes.is_empty() {
            return Err(Error::new("manifest", "names no volume"));
        }
        if let Some(gap) = (1..=last).find(|number| !self.volumes.contains_key(number)) {
            return Err(Error::new("manifest", format!("does not name volume {gap}")));
        }
        Ok(Manifest { volumes: self.volumes.into_values().collect(), ..self.manifest })
    }

    fn account(&mut self, bytes: usize) -> Result<(), Error> {
        // A volume's block has four lines, so each line counts for a quarter of a volume.
        self.size += bytes + VOLUME / 4;
        if self.size > MOST {
            return Err(self.records.error("too much to remember"));
        }
        Ok(())
    }

    fn open_block(&mut self, number: u64) -> Result<(), Error> {
        self.close_block()?;
        self.open = Some(Block { number, start: None, end: None, hashes: Vec::new() });
        Ok(())
    }

    fn close_block(&mut self) -> Result<(), Error> {
        let Some(block) = self.open.take() else {
            return Ok(());
        };
        let Block { number, start: Some(start), end: Some(end), hashes } = block else {
            return Err(Error::new("manifest", format!("volume {} lacks a path", block.number)));
        };
        self.last = number;
        let before = self.volumes.insert(number, VolumeRange { number, start, end, hashes });
        self.manifest.resumed |= before.is_some();
        Ok(())
    }

    /// Adds a record to the open block; outside of a block it means nothing.
    fn add(&mut self, record: Record<'_>) {
        let Some(block) = &mut self.open else { return };
        match record {
            Record::Start(place) => block.start = Some(place),
            Record::End(place) => block.end = Some(place),
            Record::Hash(name, value) => block.hashes.push((name, value)),
            _ => {}
        }
    }
}

/// What became of a regular file since the set before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was not there.
    New,
    /// Its content or its metadata differ.
    Changed,
    /// It is gone.
    Deleted,
}

/// The line above the list of files at the end of a manifest. Only people read the list.
pub fn filelist_header(count: u64) -> Vec<u8> {
    format!("Filelist {count}\n").into_bytes()
}

/// A line of the list of files.
pub fn filelist_line(change: Change, path: &TreePath) -> Vec<u8> {
    let word: &[u8] = match change {
        Change::New => b"    new      ",
        Change::Changed => b"    changed  ",
        Change::Deleted => b"    deleted  ",
    };
    [word, &quoted_path(path), b"\n"].concat()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::range::tests::ranges;
    use crate::{Change, filelist_header, filelist_line};
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// Any manifest.
    pub(crate) fn manifests() -> impl Strategy<Value = Manifest> {
        let text = || vec(1u8.., 1..12);
        (text(), text(), vec(ranges(), 1..6)).prop_map(|(hostname, localdir, mut volumes)| {
            (1..).zip(&mut volumes).for_each(|(number, volume)| volume.number = number);
            let (hostname, localdir) = (Some(hostname), Some(localdir));
            Manifest { hostname, localdir, volumes, resumed: false }
        })
    }

    /// The text of a manifest, without a list of files.
    pub(crate) fn encode(manifest: &Manifest) -> Vec<u8> {
        let field = |field: &Option<Vec<u8>>| field.clone().unwrap_or_default();
        let mut text = encode_header(&field(&manifest.hostname), &field(&manifest.localdir));
        text.extend(manifest.volumes.iter().flat_map(VolumeRange::encode));
        text
    }

    proptest! {
        #[test]
        fn a_manifest_comes_back_as_it_went(manifest in manifests(), files in vec(crate::path::tests::paths(), 0..4)) {
            let text = encode(&manifest);
            prop_assert_eq!(Manifest::parse(&text), Ok(manifest.clone()));
            let mut list = filelist_header(files.len() as u64);
            files.iter().for_each(|path| list.extend(filelist_line(Change::Deleted, path)));
            prop_assert_eq!(Manifest::parse(&[&text[..], &list].concat()), Ok(manifest.clone()));
            prop_assert_eq!(Manifest::parse(&[list, text].concat()), Ok(manifest));
        }

        #[test]
        fn line_ends_of_dos_and_case_change_nothing(manifest in manifests()) {
            let text = encode(&manifest);
            let mut dos = Vec::new();
            for line in text.split_inclusive(|&b| b == b'\n') {
                let word = line.split(|&b| b == b' ').find(|w| !w.is_empty()).unwrap_or_default();
                let from = line.windows(word.len()).position(|w| w == word).unwrap();
                let mut line = line.strip_suffix(b"\n").unwrap().to_vec();
                line[from..from + word.len()].make_ascii_uppercase();
                dos.extend(line);
                dos.extend(b"\r\n");
            }
            prop_assert_eq!(Manifest::parse(&dos), Ok(manifest));
        }

        #[test]
        fn no_text_makes_the_parser_fall_over(manifest in manifests(), cut: prop::sample::Index, junk: Vec<u8>) {
            let mut text = encode(&manifest);
            text.truncate(cut.index(text.len()));
            let _ = Manifest::parse(&[text, junk].concat());
        }
    }

    const VOLUMES: &str = "Volume 1:\n  StartingPath .\n  EndingPath a 3\n  Hash MD5 aa\n\
        Volume 2:\n  StartingPath a 4\n  EndingPath b\n\
        Volume 3:\n  StartingPath c\n  EndingPath d\n";

    fn numbers(text: &str) -> Result<Vec<u64>, String> {
        let manifest = Manifest::parse(text.as_bytes()).map_err(|e| e.to_string())?;
        Ok(manifest.volumes.iter().map(|volume| volume.number).collect())
    }

    #[test]
    fn the_last_block_of_a_volume_holds_and_ends_the_set() {
        let again = format!("{VOLUMES}Volume 2:\n  StartingPath a 9\n  EndingPath z\n");
        let manifest = Manifest::parse(again.as_bytes()).unwrap();
        assert_eq!(manifest.volumes.len(), 2);
        assert_eq!(manifest.volumes[1].start.piece, Some(9));
        assert_eq!(manifest.volumes[0].hashes, [("MD5".into(), "aa".into())]);
        assert_eq!(manifest.hostname, None);
        assert!(manifest.resumed && !Manifest::parse(VOLUMES.as_bytes()).unwrap().resumed);
    }

    #[test]
    fn unknown_lines_are_passed_over() {
        let text = format!("Colour red\n\n{}", VOLUMES.replace("  Hash", "  Taste sweet\n  Hash"));
        assert_eq!(numbers(&text), Ok(vec![1, 2, 3]));
    }

    #[test]
    fn a_line_of_the_list_of_files_may_have_any_length() {
        let long = "x".repeat(2 << 20);
        assert_eq!(numbers(&format!("{VOLUMES}Filelist 1\n    new {long}\n")), Ok(vec![1, 2, 3]));
    }

    #[test]
    fn a_manifest_is_parsed_in_pieces_of_any_size() {
        let whole = Manifest::parse(VOLUMES.as_bytes());
        for size in 1..VOLUMES.len() {
            let mut parser = ManifestParser::default();
            VOLUMES.as_bytes().chunks(size).for_each(|piece| parser.push(piece).unwrap());
            assert_eq!(parser.finish(), whole, "{size}");
        }
    }

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let mut parser = ManifestParser::default();
        for _ in 0..4 {
            parser.push(&vec![b'x'; LONGEST_LINE]).unwrap();
        }
        assert_eq!(parser.partial.len(), LONGEST_LINE + 1);
        let error = parser.push(b"\n").unwrap_err();
        assert_eq!(error.to_string(), "manifest line 1: too long");
    }

    #[test]
    fn a_damaged_manifest_is_read_to_its_end() {
        let text = format!("Volume x:\n{}", "x\n".repeat(100_000));
        let mut rest = text.as_bytes();
        assert!(Manifest::read(&mut rest).unwrap().is_err() && rest.is_empty());
        let whole = Manifest::read(&mut VOLUMES.as_bytes()).unwrap();
        assert_eq!(whole, Manifest::parse(VOLUMES.as_bytes()));
    }

    #[test]
    fn damage_is_told() {
        let said = |text: &str| numbers(text).unwrap_err();
        assert_eq!(said(""), "manifest: names no volume");
        assert_eq!(
            said(&VOLUMES.replace("Volume 2", "Volume 4")),
            "manifest: does not name volume 2"
        );
        assert_eq!(said(&VOLUMES.replace("EndingPath b", "")), "manifest: volume 2 lacks a path");
        assert_eq!(said("Volume x:"), "manifest line 1: not the number of a volume");
        assert_eq!(said("Volume 0:"), "manifest line 1: not the number of a volume");
        assert_eq!(
            said(&VOLUMES.replace("a 4", "a b")),
            "manifest line 6: not the number of a piece"
        );
        assert!(said(&VOLUMES.replace("a 4", "a/../..")).starts_with("manifest line 6: a/../..:"));
        assert_eq!(said(&"x".repeat((1 << 20) + 1)), "manifest line 1: too long");
    }

    #[test]
    fn a_path_is_sought_in_the_volumes_that_may_hold_it() {
        let manifest = Manifest::parse(VOLUMES.as_bytes()).unwrap();
        let of = |path: &str| -> Vec<u64> {
            let path = TreePath::parse(path.as_bytes()).unwrap();
            let held = manifest.volumes.iter().filter(|volume| volume.may_hold(&path));
            held.map(|volume| volume.number).collect()
        };
        assert_eq!(of(""), [1, 2, 3]);
        assert_eq!(of("a"), [1, 2]);
        assert_eq!(of("c"), [3]);
        assert_eq!(of("bb"), [0u64; 0]);
    }
}
