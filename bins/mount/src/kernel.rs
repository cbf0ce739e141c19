//! What the kernel asks, and who answers.
//!
//! A store that hangs must not stop the whole file system. So what may need a volume is answered by a
//! thread of its own, one question after the other, and everything else at once.

use std::ffi::OsStr;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::Builder;
use std::time::Duration;

use failure::{Failure, OrFail, Status};
use fuser::{
    Errno, FileAttr, FileHandle, Filesystem, FopenFlags, Generation, INodeNo, KernelConfig,
    LockOwner, OpenFlags, ReplyAttr, ReplyData, ReplyDirectory, ReplyEntry, ReplyOpen, ReplyXattr,
    Request,
};

use crate::filesystem::{Known, READ_AHEAD, States};

/// How long the kernel may remember what it was told: nothing changes.
const FOREVER: Duration = Duration::from_secs(365 * 86_400);

/// A question that may need a volume.
type Question = Box<dyn FnOnce(&States) + Send>;

/// The file system as the kernel sees it.
pub(crate) struct Kernel {
    states: Arc<States>,
    waiting: Sender<Question>,
}

impl Kernel {
    /// Starts the thread that waits for volumes. It ends with the file system.
    pub(crate) fn start(states: States) -> Result<Kernel, Failure> {
        let states = Arc::new(states);
        let (waiting, questions) = channel::<Question>();
        let of_thread = Arc::clone(&states);
        let answer = move || questions.into_iter().for_each(|question| question(&of_thread));
        Builder::new().spawn(answer).or_fail(Status::Failed, "thread")?;
        Ok(Kernel { states, waiting })
    }

    /// Has a question answered once those before it are. A question that is dropped answers with an
    /// error by itself.
    fn later(&self, question: impl FnOnce(&States) + Send + 'static) {
        let _ = self.waiting.send(Box::new(question));
    }

    /// Answers what an inode is.
    fn describe(
        &self,
        known: Result<Known, Errno>,
        answer: impl FnOnce(Result<FileAttr, Errno>) + Send + 'static,
    ) {
        match known {
            Err(error) => answer(Err(error)),
            Ok(Known::Attributes(attributes)) => answer(Ok(attributes)),
            Ok(Known::Object(object)) if self.states.knows_size(&object) => {
                answer(self.states.stat(&object));
            }
            Ok(Known::Object(object)) => self.later(move |states| answer(states.stat(&object))),
        }
    }

    /// Answers what extended attributes an inode has, or what one of them is.
    fn extended(&self, number: INodeNo, name: Option<&OsStr>, size: u32, reply: ReplyXattr) {
        if self.states.knows_extended(number, name) {
            return answer(self.states.extended(number, name), size, reply);
        }
        let name = name.map(OsStr::to_owned);
        self.later(move |states| answer(states.extended(number, name.as_deref()), size, reply));
    }
}

impl Filesystem for Kernel {
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> std::io::Result<()> {
        if let Err(most) = config.set_max_readahead(READ_AHEAD) {
            let _ = config.set_max_readahead(most);
        }
        Ok(())
    }

    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        self.describe(self.states.find(parent, name), |found| match found {
            Ok(found) => reply.entry(&FOREVER, &found, Generation(0)),
            Err(error) => reply.error(error),
        });
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        self.describe(self.states.known(ino), |found| match found {
            Ok(found) => reply.attr(&FOREVER, &found),
            Err(error) => reply.error(error),
        });
    }

    fn readlink(&self, _: &Request, ino: INodeNo, reply: ReplyData) {
        match self.states.target(ino) {
            Ok(target) => reply.data(&target),
            Err(error) => reply.error(error),
        }
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.opened(FileHandle(0), FopenFlags::FOPEN_KEEP_CACHE);
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        self.later(move |states| match states.content(ino, offset, size) {
            Ok(bytes) => reply.data(&bytes),
            Err(error) => reply.error(error),
        });
    }

    fn opendir(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.opened(FileHandle(0), FopenFlags::FOPEN_KEEP_CACHE | FopenFlags::FOPEN_CACHE_DIR);
    }

    fn readdir(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        match self.states.list_any(ino, offset, &mut reply) {
            Ok(()) => reply.ok(),
            Err(error) => reply.error(error),
        }
    }

    fn getxattr(&self, _: &Request, ino: INodeNo, name: &OsStr, size: u32, reply: ReplyXattr) {
        self.extended(ino, Some(name), size, reply);
    }

    fn listxattr(&self, _: &Request, ino: INodeNo, size: u32, reply: ReplyXattr) {
        self.extended(ino, None, size, reply);
    }
}

/// Whoever asks for no bytes wants to know how many there are.
fn answer(bytes: Result<Vec<u8>, Errno>, size: u32, reply: ReplyXattr) {
    match bytes {
        Err(error) => reply.error(error),
        Ok(bytes) if size == 0 => reply.size(bytes.len() as u32),
        Ok(bytes) if bytes.len() > size as usize => reply.error(Errno::ERANGE),
        Ok(bytes) => reply.data(&bytes),
    }
}
