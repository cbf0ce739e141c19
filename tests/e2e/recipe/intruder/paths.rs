//! Requests that name paths: attributes, removing, renaming, links, folders.

use tests::raw_sftp::{Attributes, Request, flags};

use super::attack::Intruder;
use super::opens::harm;

/// Where things might be renamed or linked to.
const PLACES: [&str; 9] = [
    "/backups/etc/duplicity-full.20991231T000000Z.manifest.gpg",
    "/backups/etc/.upload-1-x",
    "/backups/home/stolen",
    "/backups/stolen",
    "/stolen",
    "/../stolen",
    "../../../../../../etc/cron.d/stolen",
    "/backups/etc",
    "/",
];

/// Everything that takes one path or two, on every file and folder.
pub(crate) fn everything_by_path(intruder: &mut Intruder<'_>) {
    let mut paths = intruder.targets();
    paths.extend(["/backups/etc", "/backups", "/"].map(str::to_owned));
    for path in &paths {
        one_path(intruder, path);
        for other in PLACES.iter().map(|place| (*place).to_owned()).chain(intruder.targets()) {
            if *path != other {
                two_paths(intruder, path, &other);
            }
        }
    }
}

fn one_path(intruder: &mut Intruder<'_>, path: &str) {
    for (words, attributes) in harm() {
        let detail = format!("{path}: {words}");
        let setstat = Request::of(9).text(path).attributes(&attributes);
        intruder.asks("setstat", &detail, &setstat);
        let lsetstat = Request::extended("lsetstat@openssh.com").text(path);
        intruder.asks("lsetstat@openssh.com", &detail, &lsetstat.attributes(&attributes));
    }
    intruder.asks("remove", path, &Request::of(13).text(path));
    intruder.asks("rmdir", path, &Request::of(15).text(path));
    intruder.asks("mkdir", path, &Request::of(14).text(path).attributes(&Attributes::none()));
    let inside = format!("{path}/inside");
    let mode = Attributes::mode(0o777);
    intruder.asks("mkdir", &inside, &Request::of(14).text(&inside).attributes(&mode));
    let indirect = format!("/backups/etc/../..{path}/.");
    intruder.asks("remove", &indirect, &Request::of(13).text(&indirect));
}

fn two_paths(intruder: &mut Intruder<'_>, from: &str, to: &str) {
    let detail = format!("{from} -> {to}");
    intruder.asks("rename", &detail, &Request::of(18).text(from).text(to));
    let extended = |name| Request::extended(name).text(from).text(to);
    intruder.asks("posix-rename@openssh.com", &detail, &extended("posix-rename@openssh.com"));
    let then = |request: Request, kind: &str, intruder: &mut Intruder<'_>| {
        intruder.tries(kind, &detail, |session| {
            let granted = session.grants(&request);
            // A second name may be a way to the file that the first is not.
            for flags in [flags::WRITE, flags::WRITE | flags::TRUNC, flags::WRITE | flags::APPEND] {
                let request = Request::open(to, flags, &Attributes::none());
                if let Some(handle) = session.handle(&request) {
                    session.ask(&Request::of(6).text(&handle).long(0).text("spoiled"));
                    super::attack::close(session, &handle);
                }
            }
            session.ask(&Request::of(9).text(to).attributes(&Attributes::size(0)));
            granted
        });
    };
    then(extended("hardlink@openssh.com"), "hardlink@openssh.com, then write", intruder);
    // OpenSSH has the target first, the draft the link.
    then(Request::of(20).text(from).text(to), "symlink, then write", intruder);
    then(Request::of(20).text(to).text(from), "symlink, then write", intruder);
}

/// A file of the intruder's own is put in place of one that is stored.
pub(crate) fn files_in_place_of_others(intruder: &mut Intruder<'_>) {
    let own = "/backups/etc/.upload-2-own";
    for target in intruder.targets() {
        for kind in ["rename", "posix-rename@openssh.com", "hardlink@openssh.com", "symlink"] {
            let request = match kind {
                "rename" => Request::of(18),
                "symlink" => Request::of(20),
                _ => Request::extended(kind),
            };
            let request = request.text(own).text(&target);
            let row = format!("{kind} of an own file onto");
            intruder.tries(&row, &target, |session| {
                let flags = flags::WRITE | flags::CREAT;
                let handle = session.handle(&Request::open(own, flags, &Attributes::none()));
                let handle = handle.expect("adding is allowed");
                session.ask(&Request::of(6).text(&handle).long(0).text("own"));
                // While it is open, and when it is closed.
                let granted = session.grants(&request);
                super::attack::close(session, &handle);
                granted | session.grants(&request)
            });
        }
    }
}

/// A file that is stored is renamed aside, and its name given to the intruder's own: that is
/// granted, and loses nothing.
pub(crate) fn files_swapped(intruder: &mut Intruder<'_>) {
    for target in intruder.targets() {
        intruder.tries("rename aside, own file in place", &target, |session| {
            let aside = Request::of(18).text(&target).text("/backups/etc/aside");
            let flags = flags::WRITE | flags::CREAT | flags::TRUNC;
            let opened = session.grants(&aside)
                && session.grants(&Request::open(&target, flags, &Attributes::none()));
            // Handles are given again from the first on.
            super::attack::close(session, &[0; 4]);
            opened
        });
    }
}
