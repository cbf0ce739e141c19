//! What happens to single entries and files, as lines of JSON for a program that asks for them.
//!
//! [`VARIABLE`] contains `DESCRIPTOR:INODE` of a pipe, like the lifeline's variable.

use std::fs::File;
use std::io::Write;
use std::rc::Rc;

use archive::{TreePath, escape};
use serde::{Deserialize, Serialize};

/// The environment variable that names the pipe.
pub const VARIABLE: &str = "MOO_EVENTS";

/// What has happened. Paths are escaped as in streams.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event {
    /// A backup stores a new entry.
    New {
        /// Its path below the source.
        path: String,
    },
    /// A backup stores an entry that has changed.
    Changed {
        /// Its path below the source.
        path: String,
    },
    /// A backup records an entry as deleted.
    Deleted {
        /// Its path below the source.
        path: String,
    },
    /// An entry of the source could not be read.
    Unreadable {
        /// Its path below the source.
        path: String,
    },
    /// A restore writes an entry.
    Written {
        /// Its path in the backup.
        path: String,
        /// Its type.
        kind: String,
    },
    /// A file is being sent to the store.
    Sending {
        /// Its name.
        name: String,
    },
    /// A file has arrived at the store.
    Sent {
        /// Its name.
        name: String,
    },
}

/// Tells of what happens, if a program asks for it.
#[derive(Clone, Debug, Default)]
pub struct Events(Option<Rc<File>>);

impl Events {
    /// The pipe of this command, if it has one.
    #[must_use]
    pub fn find() -> Events {
        Events(cli::lifeline::inherited(VARIABLE, File::options().write(true)).map(Rc::new))
    }

    /// Tells of an entry.
    pub fn entry(&self, path: &TreePath, event: impl FnOnce(String) -> Event) {
        if self.0.is_some() {
            let bytes = if path.is_root() { b"." } else { path.as_bytes() };
            self.tell(&event(escape(bytes)));
        }
    }

    /// Tells of an event. Nobody may be there any more to hear it.
    pub fn tell(&self, event: &Event) {
        let Some(pipe) = &self.0 else { return };
        if let Ok(line) = serde_json::to_string(event) {
            let _ = (&**pipe).write_all((line + "\n").as_bytes());
        }
    }
}
