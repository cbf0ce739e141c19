//! Ways out of the folder that the account sees.

use tests::raw_sftp::{Answer, Attributes, RawSftp, Request, flags};

use super::attack::{Intruder, close, leaks};

/// Paths that might lead to what lies outside.
const WAYS: [&str; 26] = [
    "/etc/secret",
    "etc/secret",
    "/../etc/secret",
    "../../../../../../etc/secret",
    "/backups/../../etc/secret",
    "/backups/etc/../../../../etc/secret",
    "//etc/secret",
    "/./../.././etc/secret",
    "~/secret",
    "~root/secret",
    "/srv/secret",
    "../secret",
    "../../srv/secret",
    "/tmp/secret",
    "/home/secret",
    "/etc/passwd",
    "/srv/otherbackups/backups/other/file",
    "../otherbackups/backups/other/file",
    "/proc/self/root/etc/secret",
    "/proc/1/root/etc/secret",
    "/proc/self/cwd/../etc/secret",
    "/proc/self/environ",
    "/dev/fd/3",
    "/dev/stdin",
    "/dev/mem",
    "file:///etc/secret",
];

/// Folders that might be outside.
const FOLDERS: [&str; 8] =
    ["/etc", "/..", "../../..", "/srv", "/proc", "/dev", "/backups/../../etc", "/root"];

/// Every request that reads or writes, on every path that leads outside.
pub(crate) fn every_way_out(intruder: &mut Intruder<'_>) {
    for way in WAYS {
        reads(intruder, way);
        for request in changes(way) {
            intruder.tries("write outside", way, |session| session.grants(&request));
        }
    }
    for folder in FOLDERS {
        intruder.tries("list outside", folder, |session| lists(session, folder));
        let new = format!("{folder}/new");
        for request in changes(&new) {
            intruder.tries("write outside", &new, |session| session.grants(&request));
        }
    }
}

fn reads(intruder: &mut Intruder<'_>, way: &str) {
    intruder.tries("read outside", way, |session| {
        let open = Request::open(way, flags::READ, &Attributes::none());
        let answer = session.ask(&open).expect("an answer");
        assert!(!answer.granted(), "{way}: is opened");
        false
    });
    for kind in [STAT, LSTAT, READLINK] {
        intruder.tries("stat, readlink outside", way, |session| {
            let granted = session.grants(&Request::of(kind).text(way));
            assert!(!granted, "{way}: request {kind} is granted");
            granted
        });
    }
    let statvfs = Request::extended("statvfs@openssh.com").text(way);
    intruder.asks("statvfs@openssh.com outside", way, &statvfs);
}

fn changes(path: &str) -> Vec<Request> {
    let none = Attributes::none();
    let own = "/backups/etc/.upload-3-own";
    vec![
        Request::open(path, flags::WRITE, &none),
        Request::open(path, flags::WRITE | flags::CREAT | flags::TRUNC, &none),
        Request::open(path, flags::WRITE | flags::CREAT | flags::EXCL, &none),
        Request::of(9).text(path).attributes(&Attributes::mode(0o777)),
        Request::of(13).text(path),
        Request::of(14).text(path).attributes(&none),
        Request::of(15).text(path),
        Request::of(18).text(path).text(own),
        Request::of(18).text("/backups/etc/.upload-1-x").text(path),
        Request::of(20).text("/etc/secret").text(path),
        Request::extended("posix-rename@openssh.com").text(path).text(own),
        Request::extended("hardlink@openssh.com").text(path).text(own),
        Request::extended("lsetstat@openssh.com").text(path).attributes(&Attributes::owner(0, 0)),
    ]
}

/// Lists a folder, whose names must be those of the chroot.
fn lists(session: &mut RawSftp, folder: &str) -> bool {
    let Some(handle) = session.handle(&Request::of(OPENDIR).text(folder)) else { return false };
    while let Some(answer) = session.ask(&Request::of(READDIR).text(&handle)) {
        assert!(!answer.holds(b"passwd") && !answer.holds(b"secret"), "{folder}: {answer:?}");
        if answer.status().is_some() {
            break;
        }
    }
    close(session, &handle);
    true
}

/// Links that lead outside, made in the account's own folder, and gone through.
pub(crate) fn links_out(intruder: &mut Intruder<'_>) {
    let link = "/backups/etc/link";
    for target in
        ["/", "/etc", "..", "../../..", "../../../../..", "/proc/self/root", "/proc/1/cwd"]
    {
        intruder.tries("symlink out, then through", target, |session| {
            let made = session.grants(&Request::of(20).text(target).text(link));
            for below in ["secret", "etc/secret", "../etc/secret", "passwd", "srv/secret"] {
                let path = format!("{link}/{below}");
                goes_nowhere(session, &path);
            }
            made
        });
    }
    for way in WAYS {
        intruder.tries("symlink out, then through", way, |session| {
            let made = session.grants(&Request::of(20).text(way).text(link));
            goes_nowhere(session, link);
            made
        });
    }
}

/// Neither reading nor writing there succeeds.
fn goes_nowhere(session: &mut RawSftp, path: &str) {
    for flags in [flags::READ, flags::WRITE, flags::READ | flags::WRITE] {
        let answer = session.ask(&Request::open(path, flags, &Attributes::none()));
        let answer = answer.expect("an answer");
        assert!(!answer.granted() && !leaks(&answer), "{path}: is opened");
    }
    let stat = session.ask(&Request::of(STAT).text(path)).expect("an answer");
    assert!(!stat.granted(), "{path}: is there");
}

/// What the server tells of users, homes and paths, without a file.
pub(crate) fn questions(intruder: &mut Intruder<'_>) {
    let extended = Request::extended;
    for path in ["~", "~root", "~root/../etc", "~purrbackups", "~otherbackups", "/..", "../..", ""]
    {
        intruder.asks("realpath", path, &Request::of(REALPATH).text(path));
        let expand = extended("expand-path@openssh.com").text(path);
        intruder.tries("expand-path@openssh.com", path, |session| {
            let answer = session.ask(&expand);
            let name = answer.as_ref().and_then(Answer::name);
            assert!(!name.as_ref().is_some_and(|name| name.contains("/srv")), "{name:?}");
            answer.is_some_and(|answer| answer.granted())
        });
    }
    for user in ["", "root", "purrbackups", "otherbackups", "nobody"] {
        intruder.asks("home-directory", user, &extended("home-directory").text(user));
    }
    let ids: Vec<u8> =
        [0u32, 1, 33, 998, 999, 65534].iter().flat_map(|id| id.to_be_bytes()).collect();
    let both = extended("users-groups-by-id@openssh.com").text(&ids).text(&ids);
    intruder.asks("users-groups-by-id@openssh.com", "all", &both);
    intruder.asks("limits@openssh.com", "", &extended("limits@openssh.com"));
}

/// SSH_FXP_LSTAT, _OPENDIR, _READDIR, _REALPATH, _STAT, _READLINK
const LSTAT: u8 = 7;
const OPENDIR: u8 = 11;
const READDIR: u8 = 12;
const REALPATH: u8 = 16;
const STAT: u8 = 17;
const READLINK: u8 = 19;
