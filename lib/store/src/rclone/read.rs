//! RcloneReader a file through rclone. RcloneReader resumes at the same byte after the remote was lost.

use std::io::{self, Read};
use std::process::{Child, Stdio};

use failure::{Failure, OrFail, Reason, Status};

use super::call::Rclone;
use crate::Tries;

/// A file that is being read.
pub(crate) struct RcloneReader {
    rclone: Rclone,
    name: String,
    size: u64,
    at: u64,
    tries: Tries,
    child: Option<Child>,
}

impl RcloneReader {
    pub(crate) fn new(rclone: &Rclone, name: &str, size: u64) -> RcloneReader {
        let (rclone, name, tries) = (rclone.clone(), name.to_owned(), Tries::new(rclone.tries));
        RcloneReader { rclone, name, size, at: 0, tries, child: None }
    }

    /// The next bytes of the running call, or of a new one.
    fn next(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let child = match &mut self.child {
            Some(child) => child,
            none => {
                let offset = format!("--offset={}", self.at);
                let words = ["cat", &offset, &self.rclone.place(&self.name)];
                none.insert(self.rclone.start(&words, Stdio::null())?)
            }
        };
        let n = child.stdout.as_mut().map_or(Ok(0), |from| from.read(buffer));
        n.or_fail(Status::Lost, self.rclone.which(&self.name))
    }

    /// Why the call has ended before the file.
    fn end(&mut self) -> Failure {
        let which = self.rclone.which(&self.name);
        let output = self.child.take().map(Child::wait_with_output).transpose();
        match output.or_fail(Status::Failed, "rclone") {
            Ok(Some(output)) if !output.status.success() => {
                self.rclone.failure(&self.name, &output)
            }
            Ok(_) => {
                Failure::of(Status::Lost, which, "ends too early").because(Reason::ConnectionLost)
            }
            Err(failure) => failure,
        }
    }
}

impl Read for RcloneReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.size - self.at).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        if wanted == 0 {
            return Ok(0);
        }
        loop {
            let n = self.next(&mut buffer[..wanted])?;
            self.at += n as u64;
            if n > 0 {
                self.tries.progress();
                return Ok(n);
            }
            let failure = self.end();
            self.tries.failed(failure, || false)?;
        }
    }
}

impl Drop for RcloneReader {
    /// Who has read enough does not wait for the rest.
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
