//! What a fuzzer starts from: a few whole inputs of each target, as the project's own writers make
//! them. What our code does not write is in the folder `corpus`.

use std::io::{Read, Write};

use archive::{EntryName, Part, SetTime, TreePath};
use flate2::Compression;
use flate2::read::{DeflateEncoder, GzEncoder, ZlibEncoder};
use rsync::{Delta, Hash, sign};
use stream::member::{CTIME, Kind as MemberKind, SHA256, SIZE};
use stream::{
    Begin, FileWriter, Member, Receipt, SetHeader, SetType, StreamKind, TarWriter, Timestamp,
    Totals, deliver, write_content,
};

use super::messages::TEXT;
use super::rsyncs::noise;

const SET: &str = "duplicity-full.20261122T201500Z";
const INC: &str = "20261122T201500Z.to.20261123T201500Z";

/// The seeds of a target.
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    match target {
        "collection" => collection(),
        "delta" => vec![delta(&noise(5000))[4..].to_vec(), delta(b"")],
        "entry_name" => lines("snapshot/./\ndiff/a/b\nmultivol_snapshot/a b/17\ndeleted/\u{fc}"),
        "file_name" => file_names(),
        "file_stream" => vec![file_stream()],
        "inflate" => deflated(),
        "manifest" => {
            vec![manifest(), manifest().replace('\n', "\r\n")].into_iter().map(bytes).collect()
        }
        "place" => vec![b"a/b\nc d\na\na/b/c".to_vec(), b"\n\xff/\"/'\n.\n\\x".to_vec()],
        "receipts" => vec![receipts()],
        "rsync_pair" => vec![[b"\x55", &noise(3000)[..]].concat(), b"\x81aaaaaaaaaaaa".to_vec()],
        "seal" => vec![TEXT.to_vec()],
        "set_time" => lines(
            "20261122T201500Z\n2026-11-22T20:15:00-07:30\n1Y2M3D4h\n2026/1/2\nnow\nfull 20261122T201500Z",
        ),
        "signature" => vec![signature(&noise(5000), Hash::Blake2), signature(b"moo", Hash::Md4)],
        "signatures" => vec![signatures()],
        "tar" => vec![tar(&members()), tar(&long_members())],
        "tree_path" => lines("a/b/./c\u{7f}/").into_iter().chain([b"a-b\na/b".to_vec()]).collect(),
        "tree_stream" => vec![tree_stream()],
        _ => Vec::new(),
    }
}

fn bytes(text: String) -> Vec<u8> {
    text.into_bytes()
}

fn lines(text: &str) -> Vec<Vec<u8>> {
    text.lines().map(|line| line.as_bytes().to_vec()).collect()
}

fn file_names() -> Vec<Vec<u8>> {
    lines(
        "duplicity-full.20261122T201500Z.vol1.difftar.gpg\ndi.tox7jk.tox7jm.a.dt.z\n\
        duplicity-new-signatures.20261122T201500Z.to.20261123T201500Z.sigtar.part\n\
        duplicity-full.2002-08-06T04:22:00-07:00.manifest\nmoobacker.20261122T201500Z.seal",
    )
}

fn collection() -> Vec<Vec<u8>> {
    let names = format!(
        "{SET}.vol1.difftar.gpg\n{SET}.vol2.difftar.gpg\n{SET}.manifest.gpg\n{SET}.manifest.part\n\
        duplicity-full-signatures.20261122T201500Z.sigtar.gpg\nmoobacker.20261122T201500Z.seal\n\
        duplicity-inc.{INC}.manifest\nduplicity-inc.{INC}.vol1.difftar\nlock\ndf.tox7jk.m\n"
    );
    vec![bytes(names)]
}

fn deflated() -> Vec<Vec<u8>> {
    let content = [&noise(3000)[..], &b"moo ".repeat(9000)].concat();
    let level = Compression::fast();
    let gzip = || read(GzEncoder::new(content.as_slice(), level));
    let formats = [
        (0, gzip()),
        (0, [gzip(), gzip()].concat()),
        (1, read(DeflateEncoder::new(content.as_slice(), level))),
        (2, read(ZlibEncoder::new(content.as_slice(), level))),
    ];
    let seed =
        |(format, packed): (u8, Vec<u8>)| [0xf8 | format].into_iter().chain(packed).collect();
    formats.into_iter().map(seed).collect()
}

fn read(mut reader: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).expect("a reader of memory");
    bytes
}

fn manifest() -> String {
    let block = |number, start, end| {
        format!(
            "Volume {number}:\n    StartingPath   {start}\n    EndingPath     {end}\n    Hash SHA1 {number:040x}\n"
        )
    };
    let blocks = [block(1, ".  ", "a 3"), block(2, "a 4", "\"b\\x20c\"  "), block(2, "a 4", "b  ")];
    format!("Hostname moo\nLocaldir /etc\n{}Filelist 1\n    new      a\n", blocks.concat())
}

fn signature(content: &[u8], hash: Hash) -> Vec<u8> {
    sign("f", content, content.len() as u64, hash).expect("a signature")
}

/// The delta from a file that the fuzzer knows to one with a little more.
fn delta(basis: &[u8]) -> Vec<u8> {
    let content = [&noise(2600)[..], b"in the middle", &noise(5000)[2600..]].concat();
    let signature = signature(basis, Hash::Blake2);
    let mut delta = Vec::new();
    let made = Delta::new("f", content.as_slice(), &signature).expect("our own signature");
    { made }.read_to_end(&mut delta).expect("a delta");
    delta
}

fn member(part: Part, path: &str, kind: MemberKind) -> Member {
    let path = TreePath::parse(path.as_bytes()).expect("a path");
    let name = EntryName { part, path, piece: None }.encode(kind == MemberKind::Directory);
    let mtime = Timestamp { secs: 1_700_000_000, nanos: 5 };
    Member { kind, mode: 0o640, uname: b"moo".to_vec(), mtime, ..Member::named(name) }
}

fn members() -> Vec<(Member, Vec<u8>)> {
    let mut link = member(Part::Snapshot, "link", MemberKind::Symlink);
    link.link = b"../target".to_vec();
    let mut device = member(Part::Snapshot, "sda", MemberKind::BlockDevice);
    device.device = (8, 1);
    let mut file = member(Part::Snapshot, "b", MemberKind::File);
    for (key, value) in [(SHA256, "0123"), (SIZE, "7"), (CTIME, "1.5")] {
        file.annotations.set(key, value);
    }
    vec![
        (member(Part::Snapshot, "", MemberKind::Directory), Vec::new()),
        (file, b"content".to_vec()),
        (member(Part::Signature, "b", MemberKind::File), signature(b"content", Hash::Blake2)),
        (member(Part::Deleted, "c", MemberKind::File), Vec::new()),
        (link, Vec::new()),
        (device, Vec::new()),
    ]
}

fn long_members() -> Vec<(Member, Vec<u8>)> {
    let mut long = member(Part::Diff, &"long/".repeat(40), MemberKind::File);
    (long.uid, long.gid, long.gname) = (1 << 40, 5_000_000, "\u{fc}".repeat(40).into_bytes());
    let mut old = member(Part::Snapshot, "old", MemberKind::Symlink);
    (old.link, old.mtime.secs) = (vec![0xff; 150], -5);
    vec![(long, vec![7; 513]), (old, Vec::new())]
}

fn tar(members: &[(Member, Vec<u8>)]) -> Vec<u8> {
    let mut tar = TarWriter::new(Vec::new());
    members.iter().for_each(|(member, body)| tar.append(member, body).expect("room"));
    tar.end(false).expect("room");
    tar.into_inner()
}

/// The signature tars of two sets, behind the number of blocks of the first.
fn signatures() -> Vec<u8> {
    let of = |path| (member(Part::Signature, path, MemberKind::File), signature(b"moo", Hash::Md4));
    let root = (member(Part::Snapshot, "", MemberKind::Directory), Vec::new());
    let gone = (member(Part::Deleted, "a", MemberKind::File), Vec::new());
    let full = tar(&[root.clone(), of("a"), of("b")]);
    let blocks = u8::try_from(full.len() / 512).expect("a short tar");
    [vec![blocks], full, tar(&[root, gone, of("b"), of("c")])].concat()
}

fn head() -> SetHeader {
    SetHeader {
        set_type: SetType::Full,
        time: SetTime::parse_name("20261122T201500Z").expect("a time"),
        base: None,
        host: b"host".to_vec(),
        source: b"/etc \xff".to_vec(),
        identity: "0123456789abcdef0123456789abcdef".parse().ok(),
        labels: archive::Labels::default(),
        run: None,
        previous_seal: None,
        passphrase: None,
        options: None,
        key: None,
        resume: None,
    }
}

fn tree_stream() -> Vec<u8> {
    let mut stream = Vec::new();
    let run = deliver("moo-fuzz", &mut stream, |output| {
        output.begin(&Begin::backup(StreamKind::Tree, head()))?;
        for (member, body) in &members()[..4] {
            output.append(member, body)?;
        }
        let (path, file) = (TreePath::parse(b"large"), Member::default());
        let path = path.expect("a path");
        let mut content = std::io::repeat(7).take(70_000);
        write_content(output, Part::Snapshot, &path, &file, &mut content, |_, _| {
            Ok(stream::Annotations::default())
        })?;
        Ok(Totals::default())
    });
    run.expect("a stream");
    stream
}

fn file_stream() -> Vec<u8> {
    let mut stream = Vec::new();
    let run = deliver("moo-fuzz", &mut stream, |output| {
        output.begin(&Begin::backup(StreamKind::Files, head()))?;
        for (name, content) in [("one", &b"first file"[..]), ("two", b"")] {
            let mut writer = FileWriter::new(output, name);
            writer.write_all(content).expect("room");
            writer.close(stream::Annotations::default())?;
        }
        Ok(Totals::default())
    });
    run.expect("a stream");
    stream
}

fn receipts() -> Vec<u8> {
    let mut stream = Vec::new();
    let run = deliver("moo-fuzz", &mut stream, |receipts| {
        receipts.begin(&Begin::backup(StreamKind::Receipts, head()))?;
        let seal = Some("a seal\nof two lines".to_owned());
        receipts.receipt(&Receipt {
            stored: "one".into(),
            size: 10,
            seal,
            ..Receipt::default()
        })?;
        Ok(Totals::default())
    });
    run.expect("receipts");
    stream
}
