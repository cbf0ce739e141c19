//! Files that are read only up to the size in the store's list. A file without an end would fill the
//! disk that it is copied to.

use std::collections::HashMap;
use std::io::{self, Read};

use failure::{Failure, Reason, Status};

use crate::Stored;

/// The sizes of the files in the last list.
#[derive(Clone, Default)]
pub(crate) struct ListedSizes(HashMap<String, u64>);

impl ListedSizes {
    /// Takes a list in place of the last one.
    pub(crate) fn learn(&mut self, files: &[Stored]) {
        self.0 = files.iter().map(|file| (file.name.clone(), file.size)).collect();
    }

    /// A file of the store, which must not be longer than listed.
    pub(crate) fn limit(
        &self,
        name: &str,
        inner: impl Read + Send + Sync + 'static,
    ) -> Box<dyn Read + Send + Sync> {
        match self.0.get(name) {
            Some(&size) => {
                no_longer_than(size, "the store's list of files says", name, Box::new(inner))
            }
            None => Box::new(inner),
        }
    }
}

/// The failure of listing a folder, in words that say what may be wrong if it is not there.
pub(crate) fn of_folder(failure: Failure, url: &str) -> Failure {
    if failure.reason() != Reason::NoSuchFile {
        return failure;
    }
    let why = "no such folder: there is no backup yet, the URL is wrong, or a disk is not mounted";
    Failure::of(failure.status(), url, why).because(Reason::NoSuchFile)
}

/// A file that fails where it goes on after `size` bytes, which is what somebody says of it, in words.
pub fn no_longer_than(
    size: u64,
    who: &'static str,
    name: &str,
    inner: Box<dyn Read + Send + Sync>,
) -> Box<dyn Read + Send + Sync> {
    Box::new(AtMost { name: name.to_owned(), who, inner, left: size })
}

/// A file that may have so many more bytes.
struct AtMost<R> {
    name: String,
    who: &'static str,
    inner: R,
    left: u64,
}

impl<R: Read> Read for AtMost<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // One more byte shows whether the file is longer.
        let most = self.left.saturating_add(1).min(buffer.len() as u64);
        let n = self.inner.read(&mut buffer[..most as usize])?;
        let Some(left) = self.left.checked_sub(n as u64) else {
            let why = format!("{}: is longer than {}", self.name, self.who);
            return Err(Failure::new(Status::Integrity, why).into());
        };
        self.left = left;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use failure::OrFail;

    fn read(content: &[u8], left: u64) -> Result<Vec<u8>, Failure> {
        let (name, mut all) = ("vol1".to_owned(), Vec::new());
        let read = AtMost { name, who: "told", inner: content, left }.read_to_end(&mut all);
        read.or_fail(Status::Failed, "other").map(|_| all)
    }

    #[test]
    fn a_file_is_read_up_to_its_size_and_refused_if_it_is_longer() {
        assert_eq!(read(b"moo", 3), Ok(b"moo".to_vec()));
        // What is cut shows in its hash.
        assert_eq!(read(b"mo", 3), Ok(b"mo".to_vec()));
        assert_eq!(read(b"", 0), Ok(Vec::new()));
        for (content, size) in [(&b"mooo"[..], 3), (b"m", 0)] {
            assert_eq!(read(content, size).unwrap_err().status(), Status::Integrity);
        }
        let mut endless =
            AtMost { name: "v".into(), who: "told", inner: io::repeat(0), left: 1 << 20 };
        assert!(io::copy(&mut endless, &mut io::sink()).is_err());
    }
}
