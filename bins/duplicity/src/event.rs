//! What the stages do with single files, in the words of duplicity.

use progress::Event;

use crate::journal::{Journal, Level, code, quoted};
use crate::listing::kind;

/// Tells of an event: a line of JSON.
pub(crate) fn tell(line: &[u8], journal: &Journal) {
    let Ok(event) = serde_json::from_slice(line) else { return };
    let info = |code, extra: &str, text: &str| journal.put(Level::Info, code, extra, text);
    let entry = |letter: &str, code, path: &str| {
        let path = archive::unescape(path).unwrap_or_default();
        info(code, &quoted(&path), &format!("{letter} {}", String::from_utf8_lossy(&path)));
    };
    match event {
        Event::New { path } => entry("A", code::FILE_NEW, &path),
        Event::Changed { path } => entry("M", code::FILE_CHANGED, &path),
        Event::Deleted { path } => entry("D", code::FILE_DELETED, &path),
        Event::Unreadable { path } => {
            // moo-scan says it to people.
            let path = archive::unescape(&path).unwrap_or_default();
            let text = format!("Error accessing {}", String::from_utf8_lossy(&path));
            journal.event(Level::Warning, code::CANNOT_READ, &quoted(&path), &text);
        }
        Event::Written { path, kind: name } => {
            let path = archive::unescape(&path).unwrap_or_default();
            let text =
                format!("Writing {} of type {}", String::from_utf8_lossy(&path), kind(&name));
            info(code::FILE_WRITTEN, &format!("{} {}", quoted(&path), kind(&name)), &text);
        }
        Event::Sending { name } => info(code::UPLOAD_BEGIN, "", &format!("Writing {name}")),
        Event::Sent { name } => info(code::UPLOAD_DONE, "", &format!("Wrote {name}")),
    }
}
