//! The statistics of a set as JSON.

use archive::{FileKind, FileName, SetId, SetTime};
use failure::{Failure, OrFail, Status, legible};
use local::Folder;
use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};
use stream::{SetHeader, Totals};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statistics {
    /// duplicity has these two keys, and no values for them.
    filename: Option<()>,
    start_time: f64,
    end_time: f64,
    elapsed_time: f64,
    errors: u64,
    total_destination_size_change: Option<()>,
    source_files: u64,
    source_file_size: u64,
    new_files: u64,
    new_file_size: u64,
    deleted_files: u64,
    changed_files: u64,
    changed_file_size: u64,
    changed_delta_size: u64,
    delta_entries: u64,
    raw_delta_size: u64,
    #[serde(rename = "StartTime_str")]
    start: String,
    #[serde(rename = "EndTime_str")]
    end: String,
    #[serde(rename = "backup_meta")]
    meta: Meta,
}

/// What the set is.
#[derive(Serialize)]
struct Meta {
    action: &'static str,
    skipped_inc: bool,
    /// The time of the full set of the chain.
    #[serde(rename = "time_full_bkp")]
    full: i64,
    #[serde(rename = "time_full_bkp_str")]
    full_text: String,
    /// How many increments the chain has had.
    #[serde(rename = "no_of_inc")]
    increments: usize,
    concurrency: u64,
    target: String,
    source: String,
    /// The statistics of earlier sets in the archive directory.
    local_json_stat: Vec<String>,
}

/// The JSON that duplicity 3 stores beside a set, for one that ends now. `url` is that of the store, `folder`
/// the archive directory.
///
/// # Errors
/// The archive directory can't be read.
pub fn json(
    head: &SetHeader,
    totals: &Totals,
    url: &str,
    folder: Option<&Folder>,
) -> Result<String, Failure> {
    let now = crate::now();
    let start = totals.start as f64 / 1000.0;
    let statistics = Statistics {
        filename: None,
        start_time: start,
        end_time: now,
        elapsed_time: now - start,
        errors: totals.unreadable,
        total_destination_size_change: None,
        source_files: totals.source_files,
        source_file_size: totals.source_bytes,
        new_files: totals.new_files,
        new_file_size: totals.new_bytes,
        deleted_files: totals.deleted_files,
        changed_files: totals.changed_files,
        changed_file_size: totals.changed_bytes,
        changed_delta_size: 0,
        delta_entries: totals.new_files + totals.changed_files + totals.deleted_files,
        raw_delta_size: totals.delta_bytes,
        start: text(start),
        end: text(now),
        meta: meta(head, url, folder)?,
    };
    let mut json = Vec::new();
    let format = PrettyFormatter::with_indent(b"    ");
    let made = statistics.serialize(&mut Serializer::with_formatter(&mut json, format));
    made.or_fail(Status::Failed, "statistics")?;
    Ok(String::from_utf8_lossy(&json).into_owned())
}

fn meta(head: &SetHeader, url: &str, folder: Option<&Folder>) -> Result<Meta, Failure> {
    let (mut full, mut increments, mut earlier) = (head.time, 0, Vec::new());
    if let Some(folder) = folder {
        let collection = folder.collection()?;
        let end = |sets: &[SetId]| sets.last().map(|id| id.time);
        let chains = collection.chains.iter();
        let sets = chains.map(|chain| chain.sets.iter().map(|set| set.id).collect::<Vec<_>>());
        let extended = sets.filter(|_| head.base.is_some()).find(|sets| end(sets) == head.base);
        if let Some([first, others @ ..]) = extended.as_deref() {
            (full, increments) = (first.time, others.len());
        }
        let is_stats = |name: &String| {
            FileName::parse(name).is_some_and(|name| name.kind == FileKind::Stats && !name.partial)
        };
        earlier = folder.names()?.into_iter().filter(is_stats).collect();
        earlier.sort_unstable();
    }
    if earlier.is_empty() {
        earlier.push("N/A".to_owned());
    }
    Ok(Meta {
        action: if head.base.is_some() { "inc" } else { "full" },
        skipped_inc: false,
        full: full.seconds(),
        full_text: full.to_string(),
        increments,
        concurrency: 0,
        target: legible::masked(url),
        source: String::from_utf8_lossy(&head.source).into_owned(),
        local_json_stat: earlier,
    })
}

/// A time in seconds since 1970, as in the names of files.
fn text(at: f64) -> String {
    SetTime::from_seconds(at as i64).map_or_else(|_| String::new(), |time| time.to_string())
}
