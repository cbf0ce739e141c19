//! Tars: members, their facts and their bodies.

use std::io::Read;

use stream::member::Kind;
use stream::{Member, Next, TarError, TarReader, TarWriter};

/// The largest body that is kept.
const MOST: u64 = 1 << 20;

/// A tar whose headers have been given the checksum that they need. What was read is written and
/// read again, and a cut is never taken for more than its start.
pub fn tar(data: &[u8]) {
    let _ = read(data);
    let data = mended(data);
    let (members, whole) = read(&data);
    members.iter().for_each(comes_back);
    let at = place_in(&data);
    let (start, _) = read(&data[..at]);
    assert!(members.starts_with(&start), "a cut tar tells something else");
    assert!(whole || members.len() <= data.len() / 512);
}

/// The members of a tar up to its end or its first error, and whether it came to its end.
fn read(data: &[u8]) -> (Vec<(Member, Vec<u8>)>, bool) {
    let (mut tar, mut members) = (TarReader::new(data), Vec::new());
    loop {
        match tar.advance() {
            Ok(Next::Member(member)) => match body(&mut tar, member.size) {
                Ok(body) => members.push((*member, body)),
                Err(_) => return (members, false),
            },
            Ok(_) => return (members, true),
            Err(_) => return (members, false),
        }
    }
}

/// The body, read in one of the two ways.
fn body(tar: &mut TarReader<&[u8]>, size: u64) -> Result<Vec<u8>, TarError> {
    if size.is_multiple_of(2) {
        return tar.body(MOST);
    }
    let mut body = Vec::new();
    tar.read_to_end(&mut body)?;
    assert_eq!(body.len() as u64, size, "no body is shorter than its header says");
    Ok(body)
}

fn comes_back((member, body): &(Member, Vec<u8>)) {
    if !is_writable(member) {
        return;
    }
    let mut tar = TarWriter::new(Vec::new());
    tar.append(member, body).expect("room in memory");
    tar.end(false).expect("room in memory");
    let (back, whole) = read(&tar.into_inner());
    let [(back, content)] = back.as_slice() else { panic!("one member, not {back:?}") };
    assert!(whole && content == body);
    let told =
        |member: &Member| Member { annotations: stream::Annotations::default(), ..member.clone() };
    assert_eq!(told(back), told(member));
}

/// Whether it is of the kinds that we write.
fn is_writable(member: &Member) -> bool {
    let plain = |text: &[u8]| !text.contains(&0);
    let texts = [&member.name, &member.link, &member.uname, &member.gname];
    let link = member.kind == Kind::Symlink || member.link.is_empty();
    texts.into_iter().all(|text| plain(text))
        && link
        && !member.name.is_empty()
        && !matches!(member.kind, Kind::HardLink | Kind::Other(_))
        && (member.kind == Kind::File || member.size == 0)
        && member.device.0 < 1 << 21
        && member.device.1 < 1 << 21
        && member.mtime.secs.unsigned_abs() < 1 << 40
}

/// A place in the data that depends on nothing but the data.
pub fn place_in(data: &[u8]) -> usize {
    let sum = data.iter().fold(0usize, |sum, byte| sum.wrapping_mul(31) + usize::from(*byte));
    sum % (data.len() + 1)
}

/// The tar with the right checksum in each header that is found by following the sizes.
pub fn mended(data: &[u8]) -> Vec<u8> {
    let mut tar = data.to_vec();
    let mut at = 0;
    while let Some(header) = tar.get_mut(at..at + 512) {
        if header.iter().any(|byte| *byte != 0) {
            mend(header);
        }
        let body = octal(&header[124..136]).unwrap_or(0);
        at += 512 + body.next_multiple_of(512);
    }
    tar
}

fn mend(header: &mut [u8]) {
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

fn octal(field: &[u8]) -> Option<usize> {
    let digits = field.split(|byte| matches!(byte, 0 | b' ')).find(|part| !part.is_empty())?;
    usize::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok().filter(|size| *size < 1 << 40)
}
