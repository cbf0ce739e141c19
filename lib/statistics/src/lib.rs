//! The statistics of a set in duplicity's two forms: text and JSON.

mod json;

use std::time::{SystemTime, UNIX_EPOCH};

use archive::SetTime;
use stream::Totals;

pub use json::json;

/// The time by the clock, in seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// The text that duplicity prints, for a run that ends now.
pub fn text(totals: &Totals) -> String {
    let now = now();
    let start = totals.start as f64 / 1000.0;
    let entries = totals.new_files + totals.changed_files + totals.deleted_files;
    let count = |name: &str, number: u64| format!("{name} {number}\n");
    let size = |name: &str, bytes: u64| format!("{name} {bytes} ({})\n", human(bytes));
    let time = |name: &str, at: f64| format!("{name} {at:.2} ({})\n", local(at));
    let mut text = "--------------[ Backup Statistics ]--------------\n".to_owned();
    text += &time("StartTime", start);
    text += &time("EndTime", now);
    text += &format!("ElapsedTime {:.2} ({})\n", now - start, duration(now - start));
    text += &count("SourceFiles", totals.source_files);
    text += &size("SourceFileSize", totals.source_bytes);
    text += &count("NewFiles", totals.new_files);
    text += &size("NewFileSize", totals.new_bytes);
    text += &count("DeletedFiles", totals.deleted_files);
    text += &count("ChangedFiles", totals.changed_files);
    text += &size("ChangedFileSize", totals.changed_bytes);
    // duplicity has this line, and counts nothing in it.
    text += &size("ChangedDeltaSize", 0);
    text += &count("DeltaEntries", entries);
    text += &size("RawDeltaSize", totals.delta_bytes);
    text += &size("TotalDestinationSizeChange", totals.stored_bytes);
    text += &count("Errors", totals.unreadable);
    text + "-------------------------------------------------"
}

/// A time in seconds since 1970, as people read it.
fn local(at: f64) -> String {
    SetTime::from_seconds(at as i64).map_or_else(|_| "?".to_owned(), SetTime::local)
}

/// A time that has passed: `1 hour 2 minutes 3.25 seconds`.
fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    let (hours, minutes) = (whole / 3600, whole / 60 % 60);
    let rest = seconds.max(0.0) - (whole - whole % 60) as f64;
    let unit = |number: u64, name: &str| match number {
        0 => String::new(),
        1 => format!("1 {name} "),
        _ => format!("{number} {name}s "),
    };
    format!("{}{}{rest:.2} seconds", unit(hours, "hour"), unit(minutes, "minute"))
}

fn human(bytes: u64) -> String {
    let mut size = bytes as f64;
    for unit in ["bytes", "KB", "MB", "GB"] {
        if size < 1024.0 {
            return if unit == "bytes" {
                format!("{size} bytes")
            } else {
                format!("{size:.2} {unit}")
            };
        }
        size /= 1024.0;
    }
    format!("{size:.2} TB")
}

#[cfg(test)]
mod tests {
    use super::{duration, human};

    #[test]
    fn durations_are_in_words() {
        assert_eq!(duration(0.254), "0.25 seconds");
        assert_eq!(duration(61.5), "1 minute 1.50 seconds");
        assert_eq!(duration(7262.0), "2 hours 1 minute 2.00 seconds");
        assert_eq!(duration(-1.0), "0.00 seconds");
    }

    #[test]
    fn sizes_are_rounded_for_people() {
        assert_eq!(human(1000), "1000 bytes");
        assert_eq!(human(1536), "1.50 KB");
        assert_eq!(human(5 << 40), "5.00 TB");
    }
}
