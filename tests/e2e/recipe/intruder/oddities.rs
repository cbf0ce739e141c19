//! Requests that nobody announced, and packets that are none.

use tests::raw_sftp::{RawSftp, Request};

use super::attack::Intruder;

/// Names that other servers know, or that a careless one might look up.
const UNANNOUNCED: [&str; 16] = [
    "copy-file",
    "copy-data@openssh.com",
    "posix-rename",
    "hardlink",
    "lsetstat",
    "check-file",
    "check-file-handle",
    "md5-hash",
    "space-available",
    "vendor-id",
    "version-select",
    "exec",
    "shell@openssh.com",
    "expand-path@openssh.com ",
    "POSIX-RENAME@OPENSSH.COM",
    "",
];

/// Every type that a byte can name, and every extension, with fields that would fit a file.
pub(crate) fn every_type(intruder: &mut Intruder<'_>) {
    let target = intruder.house.files()[0].clone();
    let fields = |request: Request| {
        let paths = request.clone().text(&target).text("/backups/etc/stolen");
        let handle = request.clone().text([0; 4]).long(0).text("spoiled").text("");
        [request.clone(), paths, handle, request.text(&target).number(1).long(0)]
    };
    for kind in 0..=u8::MAX {
        for request in fields(Request::of(kind)) {
            intruder
                .tries(row(kind), &format!("type {kind}"), |session| session.may_grant(&request));
        }
    }
    let announced = intruder.announced().to_vec();
    for name in UNANNOUNCED.iter().map(|name| (*name).to_owned()).chain(announced.clone()) {
        let known = announced.contains(&name);
        let row = if known { "announced extensions, odd fields" } else { "unannounced extensions" };
        for request in fields(Request::extended(&name)) {
            intruder.tries(row, &name, |session| session.may_grant(&request));
        }
    }
}

fn row(kind: u8) -> &'static str {
    match kind {
        1 | 3..=20 | 200 => "types of the draft, odd fields",
        _ => "types that are none",
    }
}

/// Packets whose lengths lie, and what is cut off. Each is the end of its session, or answered.
pub(crate) fn broken_packets(intruder: &mut Intruder<'_>) {
    let target = intruder.house.files()[0].clone();
    let long = "x/".repeat(5000);
    let remove = Request::of(13).text(&target).numbered(7);
    let broken: Vec<(&str, Vec<u8>)> = vec![
        ("length 0", vec![0; 4]),
        ("length 1", vec![0, 0, 0, 1, 13]),
        ("length 4 GiB", vec![0xff; 64]),
        ("length 300 KiB", [&(300u32 << 10).to_be_bytes()[..], &vec![13; 300 << 10]].concat()),
        ("longer than said", [&remove[..], &[0; 9]].concat()),
        ("a name of 4 GiB", Request::of(13).raw(&[0xff; 4]).raw(b"name").numbered(7)),
        ("a name cut short", Request::of(13).number(40).raw(b"/backups").numbered(7)),
        ("a name with a zero", Request::of(13).text(format!("{target}\0x")).numbered(7)),
        ("a long name", Request::of(13).text(&long).numbered(7)),
        ("a name that is no text", Request::of(13).text([0xff, 0xfe]).numbered(7)),
        ("attributes cut short", Request::of(9).text(&target).number(15).numbered(7)),
        ("a write of 4 GiB", Request::of(6).text([0; 4]).long(0).raw(&[0xff; 4]).numbered(7)),
        ("a read of 4 GiB", Request::of(5).text([0; 4]).long(0).raw(&[0xff; 4]).numbered(7)),
        ("a hello of version 0", Request::of(1).number(0).packet()),
        ("a hello of version 6", Request::of(1).number(6).packet()),
        ("no request", b"GET / HTTP/1.0\r\n\r\n".to_vec()),
        ("half a request", remove[..remove.len() - 5].to_vec()),
    ];
    for (what, bytes) in &broken {
        for hello in [true, false] {
            let house = intruder.house;
            intruder.tries("malformed packets", what, |_| {
                let mut session = RawSftp::silent(&house.laptop, "-s store sftp");
                if hello {
                    session.bytes(&Request::of(1).number(3).packet());
                    session.answer();
                }
                session.bytes(bytes);
                session.hang_up();
                // All answers, up to the end.
                while session.answer().is_some() {}
                false
            });
        }
    }
}
