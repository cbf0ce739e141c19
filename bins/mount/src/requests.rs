//! Asking for files of sets. Whoever has started this program fetches and decrypts them: one line on the
//! named pipe `requests` names them, and the answer on the named pipe `reply` is a file stream.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use archive::{FileKind, FileName, Manifest, SetTime};
use failure::{Failure, OrFail, Status, shown};
use stream::FilesInput;

/// The files that are wanted of one set: its seal and its manifest, and these volumes.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) set: SetTime,
    pub(crate) volumes: Vec<u64>,
}

/// Who takes what comes.
pub(crate) trait Receiver {
    fn manifest(&mut self, set: SetTime, manifest: Manifest) -> Result<(), Failure>;
    /// A volume, which comes after the manifest of its set.
    fn volume(
        &mut self,
        set: SetTime,
        number: u64,
        body: &mut FilesInput<File>,
    ) -> Result<(), Failure>;
}

/// The two named pipes.
pub(crate) struct Requests {
    folder: PathBuf,
    to: File,
}

impl Requests {
    /// Opens the pipe for requests; waits until somebody reads it.
    pub(crate) fn open(folder: &Path) -> Result<Requests, Failure> {
        let name = folder.join("requests");
        let to =
            OpenOptions::new().write(true).open(&name).or_fail(Status::Failed, shown(&name))?;
        Ok(Requests { folder: folder.to_owned(), to })
    }

    /// Asks for files, and hands them on as they come, all of them checked.
    ///
    /// # Errors
    /// One of them can't be had: for this reason a restore fails too.
    pub(crate) fn ask(
        &mut self,
        wanted: &[Wanted],
        receiver: &mut impl Receiver,
    ) -> Result<(), Failure> {
        let line = line(wanted);
        self.to.write_all(line.as_bytes()).or_fail(Status::Killed, "request for volumes")?;
        let name = self.folder.join("reply");
        let reply = File::open(&name).or_fail(Status::Failed, shown(&name))?;
        let mut rest = reply.try_clone().or_fail(Status::Failed, shown(&name))?;
        let received = receive(reply, receiver);
        // The next answer begins where this one has ended.
        let _ = io::copy(&mut rest, &mut io::sink());
        received
    }
}

/// The time of the newest set, and the wanted files as moo-fetch takes them.
fn line(wanted: &[Wanted]) -> String {
    let mut words = Vec::new();
    words.extend(wanted.last().map(|last| last.set.to_string()));
    for Wanted { set, volumes } in wanted {
        if volumes.is_empty() {
            words.push(set.to_string());
        }
        words.extend(volumes.iter().map(|number| format!("{set}:{number}")));
    }
    words.join(" ") + "\n"
}

fn receive(reply: File, receiver: &mut impl Receiver) -> Result<(), Failure> {
    let mut input = FilesInput::open(reply)?;
    while let Some(stored) = input.next_file()? {
        let Some(name) = FileName::parse(&stored) else { continue };
        match name.kind {
            FileKind::Manifest => {
                let manifest = Manifest::read(&mut input).or_fail(Status::Failed, &stored)?;
                let manifest = manifest.or_fail(Status::Integrity, &stored)?;
                receiver.manifest(name.set.time, manifest)?;
            }
            FileKind::Volume(number) => receiver.volume(name.set.time, number, &mut input)?,
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_the_state_and_the_files() {
        let set = |text| SetTime::parse_name(text).unwrap();
        let wanted = [
            Wanted { set: set("20261122T201340Z"), volumes: vec![] },
            Wanted { set: set("20261123T201340Z"), volumes: vec![1, 12] },
        ];
        let whole = "20261123T201340Z 20261122T201340Z 20261123T201340Z:1 20261123T201340Z:12\n";
        assert_eq!(line(&wanted), whole);
    }
}
