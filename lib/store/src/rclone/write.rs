//! Writing a file through rclone, which has to know its size first.

use std::io::{self, Write};
use std::process::{Child, Stdio};
use std::sync::PoisonError;

use failure::{Failure, OrFail, Status};

use super::Sent;
use super::call::Rclone;
use crate::{Sink, temporary};

/// A file that is being written.
pub(crate) struct RcloneSink {
    rclone: Rclone,
    /// The name in messages.
    name: String,
    child: Option<Child>,
    /// Where it is noted once rclone is content, and its note.
    sent: Sent,
    note: (String, u64),
}

impl RcloneSink {
    pub(crate) fn create(
        rclone: &Rclone,
        (name, size): (&str, u64),
        sent: Sent,
    ) -> Result<RcloneSink, Failure> {
        let option = format!("--size={size}");
        // Its output goes through a pipe that ends with this process, so rclone ends too.
        let child = rclone.start(&["rcat", &option, &rclone.place(name)], Stdio::piped())?;
        let note = (name.to_owned(), size);
        let name = temporary::shown(name).to_owned();
        Ok(RcloneSink { rclone: rclone.clone(), name, child: Some(child), sent, note })
    }

    /// Waits for rclone, and checks that it is content.
    fn end(&mut self) -> Result<(), Failure> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        drop(child.stdin.take());
        let output = child.wait_with_output().or_fail(Status::Failed, "rclone")?;
        self.rclone.check(&self.name, output).map(drop)
    }
}

impl Write for RcloneSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let pipe = self.child.as_mut().and_then(|child| child.stdin.as_mut());
        let written = pipe.map_or(Ok(0), |pipe| pipe.write(bytes));
        if written.is_err() {
            // It has said why, if it did not want all of it.
            self.end()?;
        }
        Ok(written.or_fail(Status::Failed, "rclone")?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for RcloneSink {
    fn finish(mut self: Box<Self>) -> Result<(), Failure> {
        self.end()?;
        let (name, size) = std::mem::take(&mut self.note);
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).insert(name, size);
        Ok(())
    }
}

impl Drop for RcloneSink {
    /// Who ends too early wants no file.
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
