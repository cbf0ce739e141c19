//! Opening the directory that holds the destination, without being led elsewhere by another user.

use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use failure::{Failure, OrFail, Status, legible, shown};
use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, mkdirat, openat, readlinkat};
use rustix::io::Errno;
use rustix::process::geteuid;

/// Symbolic links that one path may lead through, as the system has it.
const MOST_LINKS: usize = 40;
/// A directory as a place to look names up in.
const PLACE: OFlags =
    OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Opens the directory `path`, and if `create` is set, creates the directories on the way that do
/// not exist.
///
/// Each component is opened by itself. A symbolic link is followed only if root or the caller owns
/// it: another user could point it anywhere, and change it at any moment.
pub(crate) fn open(path: &Path, create: bool) -> Result<OwnedFd, Failure> {
    let mut walk = Walk { here: start(path, path)?, ahead: VecDeque::new(), links: 0 };
    walk.add(path, create);
    while let Some(step) = walk.ahead.pop_front() {
        walk.go(&step, path)?;
    }
    Ok(walk.here)
}

struct Walk {
    here: OwnedFd,
    ahead: VecDeque<PathStep>,
    links: usize,
}

struct PathStep {
    name: Vec<u8>,
    /// Whether to create it; not where a symbolic link leads.
    create: bool,
}

impl Walk {
    fn go(&mut self, step: &PathStep, whole: &Path) -> Result<(), Failure> {
        let name = step.name.as_slice();
        let opened = match openat(&self.here, name, PLACE, Mode::empty()) {
            Err(Errno::NOENT) if step.create => self.create(name),
            opened => opened,
        };
        match opened {
            Err(Errno::LOOP | Errno::NOTDIR) => self.follow(name, whole),
            opened => {
                self.here = opened.or_fail(Status::Failed, shown(&whole))?;
                Ok(())
            }
        }
    }

    fn create(&self, name: &[u8]) -> rustix::io::Result<OwnedFd> {
        match mkdirat(&self.here, name, Mode::RWXU | Mode::RWXG | Mode::RWXO) {
            Ok(()) | Err(Errno::EXIST) => openat(&self.here, name, PLACE, Mode::empty()),
            Err(error) => Err(error),
        }
    }

    /// Puts the target of a symbolic link in front of what is ahead.
    fn follow(&mut self, name: &[u8], whole: &Path) -> Result<(), Failure> {
        let which = shown(&whole);
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let link = openat(&self.here, name, flags, Mode::empty());
        let link = link.or_fail(Status::Failed, &which)?;
        let stat = fstat(&link).or_fail(Status::Failed, &which)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::Symlink {
            return Err(Errno::NOTDIR).or_fail(Status::Failed, &which);
        }
        if stat.st_uid != 0 && stat.st_uid != geteuid().as_raw() {
            let name = legible::name(name);
            let why = format!(
                "{which}: {name} is a symbolic link of another user; name the directory that it leads to"
            );
            return Err(Failure::new(Status::Usage, why));
        }
        self.links += 1;
        if self.links > MOST_LINKS {
            return Err(Errno::LOOP).or_fail(Status::Failed, &which);
        }
        let target = readlinkat(&link, "", Vec::new()).or_fail(Status::Failed, &which)?;
        let target = Path::new(std::ffi::OsStr::from_bytes(target.to_bytes())).to_owned();
        if target.is_absolute() {
            self.here = start(&target, whole)?;
        }
        self.add(&target, false);
        Ok(())
    }

    fn add(&mut self, path: &Path, create: bool) {
        for component in path.components().rev() {
            let name = match component {
                Component::Normal(name) => name.as_bytes(),
                Component::ParentDir => b"..",
                _ => continue,
            };
            self.ahead.push_front(PathStep { name: name.to_vec(), create });
        }
    }
}

/// Where the lookup of a path starts.
fn start(path: &Path, whole: &Path) -> Result<OwnedFd, Failure> {
    let name = if path.is_absolute() { "/" } else { "." };
    openat(CWD.as_fd(), name, PLACE, Mode::empty()).or_fail(Status::Failed, shown(&whole))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn own_links_are_followed_and_what_is_missing_is_created() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        fs::create_dir(at("real")).unwrap();
        symlink("real", at("link")).unwrap();
        symlink(at("link"), at("absolute")).unwrap();
        let opened = open(&at("absolute/a/../b/c"), true).unwrap();
        let (found, there) = (fstat(&opened).unwrap(), rustix::fs::stat(at("real/b/c")).unwrap());
        assert_eq!((found.st_dev, found.st_ino), (there.st_dev, there.st_ino));
        assert!(at("real/a").is_dir());
    }

    #[test]
    fn what_leads_nowhere_in_circles_or_through_a_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        symlink("nowhere", at("dangling")).unwrap();
        symlink("circle", at("circle")).unwrap();
        fs::write(at("file"), "").unwrap();
        assert!(open(&at("missing"), false).is_err() && !at("missing").exists());
        for path in ["dangling/a", "circle/a", "file/a", "dangling"] {
            assert_eq!(open(&at(path), true).unwrap_err().status(), Status::Failed, "{path}");
        }
        assert!(!at("nowhere").exists());
    }

    #[test]
    fn a_link_of_another_user_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        symlink("/", &link).unwrap();
        if std::os::unix::fs::lchown(&link, Some(65534), None).is_err() {
            eprintln!("only root can give files away: not tried");
            return;
        }
        let failure = open(&link.join("tmp"), true).unwrap_err();
        assert!(failure.message().contains("is a symbolic link of another user"), "{failure}");
    }
}
