//! What happens on the way to a store, which a person wants to know at once.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::memory::{Memory, Slot, Text};

/// Shows a line once, such as why a connection was lost. Without a supervisor it goes nowhere.
pub fn news(text: &str) {
    if let Some(memory) = Memory::inherited() {
        memory.write(Slot::News, &Text { text: text.to_owned(), since: Some(now()) });
    }
}

/// Says, while it lives, what this stage waits for.
pub fn waiting(what: &str) -> Waiting {
    let memory = Memory::inherited();
    if let Some(memory) = &memory {
        memory.write(Slot::Wait, &Text { text: what.to_owned(), since: Some(now()) });
    }
    Waiting { memory }
}

/// A stage waits.
pub struct Waiting {
    memory: Option<Memory>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(memory) = &self.memory {
            memory.write(Slot::Wait, &Text::default());
        }
    }
}

/// Milliseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
