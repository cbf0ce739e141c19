//! What a run has done, in the form that duplicity prints.

use std::time::{SystemTime, UNIX_EPOCH};

use stream::Totals;

/// The statistics of a run that ends now.
pub(crate) fn text(totals: &Totals) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let start = totals.start as f64 / 1000.0;
    let entries = totals.new_files + totals.changed_files + totals.deleted_files;
    let count = |name: &str, number: u64| format!("{name} {number}\n");
    let size = |name: &str, bytes: u64| format!("{name} {bytes} ({})\n", human(bytes));
    let time = |name: &str, seconds: f64| format!("{name} {seconds:.2}\n");
    let mut text = "--------------[ Backup Statistics ]--------------\n".to_owned();
    text += &time("StartTime", start);
    text += &time("EndTime", now);
    text += &time("ElapsedTime", now - start);
    text += &count("SourceFiles", totals.source_files);
    text += &size("SourceFileSize", totals.source_bytes);
    text += &count("NewFiles", totals.new_files);
    text += &size("NewFileSize", totals.new_bytes);
    text += &count("DeletedFiles", totals.deleted_files);
    text += &count("ChangedFiles", totals.changed_files);
    text += &size("ChangedFileSize", totals.changed_bytes);
    text += &count("DeltaEntries", entries);
    text += &size("RawDeltaSize", totals.delta_bytes);
    text += &size("TotalDestinationSizeChange", totals.stored_bytes);
    text += &count("Errors", totals.unreadable);
    text + "-------------------------------------------------"
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
    use super::human;

    #[test]
    fn sizes_are_rounded_for_people() {
        assert_eq!(human(1000), "1000 bytes");
        assert_eq!(human(1536), "1.50 KB");
        assert_eq!(human(5 << 40), "5.00 TB");
    }
}
