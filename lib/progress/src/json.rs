//! Progress and results as lines of JSON. `man/schema/progress.json` is the schema, and
//! moobacker-progress(5) the description.

use cli::shown::in_json;
use failure::Reason;
use serde::Serialize;

use crate::memory::{Made, Place, Work};
use crate::view::View;

/// The version of the schema. It changes when a field is removed or changes its meaning; new fields
/// do not change it.
pub const VERSION: u32 = 1;

#[derive(Serialize)]
struct Event<'a, T> {
    schema: u32,
    #[serde(rename = "type")]
    kind: &'static str,
    command: &'a str,
    time: String,
    elapsed_seconds: u64,
    #[serde(flatten)]
    content: T,
}

#[derive(Serialize)]
struct Progress<'a> {
    phase: &'static str,
    files_done: u64,
    files_total: Option<u64>,
    bytes_done: u64,
    bytes_total: Option<u64>,
    bytes_read: u64,
    bytes_per_second: Option<u64>,
    seconds_left: Option<u64>,
    path: &'a str,
}

#[derive(Serialize)]
struct Message<'a> {
    text: &'a str,
}

#[derive(Serialize)]
struct Summary<'a> {
    exit_status: u8,
    place: Option<&'a str>,
    bytes_read: u64,
    set: Option<Set<'a>>,
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct Set<'a> {
    kind: &'static str,
    time: &'a str,
    entries_new: u64,
    entries_changed: u64,
    entries_deleted: u64,
    bytes_read: u64,
    bytes_stored: u64,
}

/// How far a command is.
pub(crate) fn progress(view: &View<'_>, work: &Work) -> String {
    let phase = if work.active { "reading" } else { "finishing" };
    let content = Progress {
        phase,
        files_done: work.files,
        files_total: work.files_total,
        bytes_done: work.bytes,
        bytes_total: work.bytes_total,
        bytes_read: work.all_read(),
        bytes_per_second: view.per_second,
        seconds_left: view.left,
        path: &work.path,
    };
    line("progress", view, content)
}

/// What has happened on the way to the store.
pub(crate) fn message(view: &View<'_>, text: &str) -> String {
    line("message", view, Message { text })
}

/// What a command has done.
pub(crate) fn summary(
    view: &View<'_>,
    exit_status: u8,
    made: Option<&Made>,
    place: Option<&Place>,
    reason: Reason,
) -> String {
    let set = made.map(|made| Set {
        kind: if made.full { "full" } else { "inc" },
        time: &made.time,
        entries_new: made.new,
        entries_changed: made.changed,
        entries_deleted: made.deleted,
        bytes_read: made.read,
        bytes_stored: made.sent,
    });
    let bytes_read = view.work.map_or(0, Work::all_read);
    let place = place.map(|place| place.to.as_str());
    let reason = Some(reason.name()).filter(|_| reason != Reason::Other);
    line("summary", view, Summary { exit_status, place, bytes_read, set, reason })
}

fn line(kind: &'static str, view: &View<'_>, content: impl Serialize) -> String {
    let event = Event {
        schema: VERSION,
        kind,
        command: view.command,
        time: jiff::Timestamp::now().to_string(),
        elapsed_seconds: view.elapsed.as_secs(),
        content,
    };
    in_json(&serde_json::to_string(&event).unwrap_or_default())
}
