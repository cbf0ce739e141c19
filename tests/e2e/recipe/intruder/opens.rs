//! Every way to open a file, and what to do with a file that is open.

use tests::raw_sftp::{Attributes, RawSftp, Request, flags};

use super::attack::{Intruder, close};

/// All combinations of flags, with attributes that would widen or cut.
pub(crate) fn every_way_to_open(intruder: &mut Intruder<'_>) {
    let mut paths = intruder.targets();
    paths.extend(["/backups/etc/new", "/backups/etc", "/backups", "/new", "/"].map(str::to_owned));
    let attributes = [
        ("", Attributes::none()),
        (" with mode 6777", Attributes::mode(0o6777)),
        (" with size 0", Attributes::some(5, &[&[0; 8][..], &[0, 0, 0x0d, 0xff]].concat())),
    ];
    for path in &paths {
        for flags in 0..64 {
            for (words, attributes) in &attributes {
                let detail = format!("{path}: flags {flags}{words}");
                let request = Request::open(path, flags, attributes);
                intruder.tries(kind(flags), &detail, |session| opened(session, &request));
            }
        }
    }
}

fn kind(flags: u32) -> &'static str {
    match flags & (flags::READ | flags::WRITE) {
        0 => "open: neither, then all",
        flags::READ => "open: read, then all",
        flags::WRITE => "open: write, then all",
        _ => "open: read and write, then all",
    }
}

/// Opens, and does to the handle all that could hurt.
fn opened(session: &mut RawSftp, request: &Request) -> bool {
    let Some(handle) = session.handle(request) else { return false };
    for request in on_handle(&handle) {
        session.ask(&request);
    }
    close(session, &handle);
    true
}

/// Requests that could hurt an open file.
pub(crate) fn on_handle(handle: &[u8]) -> Vec<Request> {
    let write = |at| Request::of(6).text(handle).long(at).text("spoiled");
    let copy = Request::extended("copy-data").text(handle).long(0).long(9).text(handle).long(3);
    let mut requests = vec![write(0), write(20), write(1 << 20), copy];
    let set = harm()
        .into_iter()
        .map(|(_, attributes)| Request::of(10).text(handle).attributes(&attributes));
    requests.extend(set);
    requests.push(Request::extended("fsync@openssh.com").text(handle));
    requests
}

/// Attributes that would hurt, and what they are.
pub(crate) fn harm() -> Vec<(&'static str, Attributes)> {
    let all = [&[0; 8][..], &[0; 8], &[0, 0, 1, 0xff], &[0; 8]].concat();
    vec![
        ("size 0", Attributes::size(0)),
        ("size 7", Attributes::size(7)),
        ("a huge size", Attributes::size(1 << 62)),
        ("mode 777", Attributes::mode(0o777)),
        ("mode 6777", Attributes::mode(0o6777)),
        ("mode 0", Attributes::mode(0)),
        ("times 0", Attributes::times(0, 0)),
        ("owner root", Attributes::owner(0, 0)),
        ("the same owner", Attributes::owner(u32::MAX, u32::MAX)),
        ("all at once", Attributes::some(15, &all)),
        ("an extension", Attributes::some(1 << 31, &[0, 0, 0, 1, 0, 0, 0, 1, b'a', 0, 0, 0, 0])),
        ("unknown bits", Attributes::some(0x7fff_fff0, &[0; 64])),
    ]
}

/// Files that are open for reading only, or not at all, are written to and changed all the same.
pub(crate) fn handles_of_others(intruder: &mut Intruder<'_>) {
    for path in intruder.targets() {
        for number in 0..17 {
            let detail = format!("{path}: request {number} on a handle for reading");
            intruder.tries("write, fsetstat on a reading handle", &detail, |session| {
                let request = Request::open(&path, flags::READ, &Attributes::none());
                let handle = session.handle(&request).unwrap();
                let asked = on_handle(&handle)[number].clone();
                let granted = session.grants(&asked);
                close(session, &handle);
                granted
            });
        }
    }
    for number in 0..17 {
        for handle in forged() {
            intruder.tries(
                "forged, closed and folders' handles",
                &format!("{handle:?}"),
                |session| session.grants(&on_handle(&handle)[number]),
            );
        }
    }
}

fn forged() -> Vec<Vec<u8>> {
    let mut handles: Vec<_> = [0, 1, 2, 3, 99, u32::MAX, 1 << 31, 0x7fff_ffff]
        .iter()
        .map(|number: &u32| number.to_be_bytes().to_vec())
        .collect();
    handles.extend([vec![], vec![0], vec![0; 3], vec![0; 5], vec![0xff; 255], vec![0; 300]]);
    handles
}
