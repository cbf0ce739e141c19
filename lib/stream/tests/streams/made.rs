//! Small streams to damage, and what a strict reader makes of them.

use std::io::Write;

use archive::{EntryName, Labels, PIECE, Part, SetTime, TreePath};
use failure::{Failure, Status};
use stream::member::SHA256;
use stream::{
    Annotations, Begin, FileWriter, FilesInput, Member, Receipt, ReceiptsInput, SetHeader, SetType,
    StreamKind, Timestamp, Totals, TreeInput, deliver,
};

/// What a stage is called in these tests.
pub(crate) const STAGE: &str = "moo-test";

/// Everything that a stream tells, as text that can be compared.
pub(crate) type Told = Result<String, Failure>;

/// Reads a stream to its end.
pub(crate) type Reader = fn(&[u8]) -> Told;

/// One stream of each kind, with its reader.
pub(crate) fn each() -> [(Vec<u8>, Reader); 3] {
    [(tree(), read_tree), (files(), read_files), (receipts(), read_receipts)]
}

pub(crate) fn head() -> SetHeader {
    SetHeader {
        set_type: SetType::Full,
        time: SetTime::parse_name("20261122T201500Z").unwrap(),
        base: None,
        host: b"host".to_vec(),
        source: b"/etc \xff".to_vec(),
        identity: "0123456789abcdef0123456789abcdef".parse().ok(),
        labels: Labels::new(&["a tag"], Some(b"a note")).unwrap(),
        run: None,
        previous_seal: None,
        passphrase: None,
        options: None,
        key: None,
        resume: None,
    }
}

pub(crate) fn totals() -> Totals {
    Totals { source_files: 3, new_files: 2, ..Totals::default() }
}

pub(crate) fn path(text: &str) -> TreePath {
    TreePath::parse(text.as_bytes()).unwrap()
}

pub(crate) fn named(part: Part, text: &str, piece: Option<u64>) -> Member {
    Member::named(EntryName { part, path: path(text), piece }.encode(false))
}

/// A tree stream with those members and bodies.
pub(crate) fn tree_of(members: &[(Member, Vec<u8>)]) -> Vec<u8> {
    let mut stream = Vec::new();
    deliver(STAGE, &mut stream, |output| {
        output.begin(&Begin::backup(StreamKind::Tree, head()))?;
        members.iter().try_for_each(|(member, body)| output.append(member, body))?;
        Ok(totals())
    })
    .unwrap();
    stream
}

/// A tree stream with something of everything, but short.
pub(crate) fn tree() -> Vec<u8> {
    let mut long = named(Part::Snapshot, &"long/".repeat(60), None);
    long.mtime = Timestamp { secs: 1_700_000_000, nanos: 5 };
    long.annotations.set(SHA256, "0123");
    let mut folder = named(Part::Snapshot, "a", None);
    folder.kind = stream::member::Kind::Directory;
    tree_of(&[
        (folder, Vec::new()),
        (named(Part::Snapshot, "b", None), b"content".to_vec()),
        (named(Part::Signature, "b", None), b"signature".to_vec()),
        (named(Part::Deleted, "c", None), Vec::new()),
        (long, vec![7; 600]),
    ])
}

/// A file stream of two files.
pub(crate) fn files() -> Vec<u8> {
    let mut stream = Vec::new();
    deliver(STAGE, &mut stream, |output| {
        output.begin(&Begin::backup(StreamKind::Files, head()))?;
        for (name, content) in [("one", &b"first file"[..]), ("two", b"")] {
            let mut writer = FileWriter::new(output, name);
            writer.write_all(content).unwrap();
            let mut annotations = Annotations::default();
            annotations.set(SHA256, "4567");
            writer.close(annotations)?;
        }
        Ok(totals())
    })
    .unwrap();
    stream
}

pub(crate) fn receipts() -> Vec<u8> {
    let mut stream = Vec::new();
    deliver(STAGE, &mut stream, |receipts| {
        receipts.begin(&Begin::backup(StreamKind::Receipts, head()))?;
        let seal = Some("a seal\nof two lines".to_owned());
        receipts.receipt(&Receipt { stored: "one".into(), size: 10, ..Receipt::default() })?;
        receipts.receipt(&Receipt { stored: "two".into(), seal, ..Receipt::default() })?;
        Ok(totals())
    })
    .unwrap();
    stream
}

pub(crate) fn read_tree(stream: &[u8]) -> Told {
    let mut input = TreeInput::open(stream)?;
    let mut told = format!("{:?}\n", input.begin());
    while let Some(entry) = input.advance()? {
        told += &format!("{entry:?}\n");
    }
    Ok(told + &format!("{:?}", input.totals()))
}

pub(crate) fn read_files(stream: &[u8]) -> Told {
    let mut input = FilesInput::open(stream)?;
    let mut told = format!("{:?}\n", input.begin());
    while let Some(name) = input.next_file()? {
        told += &format!("{name}:");
        while let Some(chunk) = input.chunk()? {
            told += &format!(" {chunk:?}");
        }
        told += &format!(" {:?}\n", input.closing());
    }
    Ok(told + &format!("{:?}", input.totals()))
}

pub(crate) fn read_receipts(stream: &[u8]) -> Told {
    let mut input = ReceiptsInput::open(stream)?;
    let mut told = format!("{:?}\n", input.begin());
    while let Some(receipt) = input.advance()? {
        told += &format!("{receipt:?}\n");
    }
    Ok(told + &format!("{:?}", input.totals()))
}

/// The status with which a stream is refused.
#[track_caller]
pub(crate) fn refusal(told: &Told) -> Status {
    told.as_ref().expect_err("refused").status()
}

/// A body that goes on in another piece.
pub(crate) fn full_piece() -> Vec<u8> {
    vec![b'x'; PIECE]
}
