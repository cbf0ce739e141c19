//! Progress and results in words, for people.

use std::time::Duration;

use cli::legible::size;
use cli::shown::count;
use unicode_width::UnicodeWidthChar;

use crate::memory::{Made, Place};
use crate::view::View;

/// What stands for the end of a line that was cut.
const CUT: &str = "...";

/// How far a command is, in a line.
pub(crate) fn progress(view: &View<'_>) -> String {
    let verb = verb(view.command);
    let Some(work) = view.work else { return format!("{} so far", clock(view.elapsed)) };
    if !work.active {
        return format!("{}, {} so far", finishing(view.command), clock(view.elapsed));
    }
    let noun = if view.command == "backup" { "entries" } else { "files" };
    let mut parts = vec![match known(work.files_total, work.files) {
        Some(total) => format!("{} of {total} {noun}", work.files),
        None => format!("{} {noun}", work.files),
    }];
    match known(work.bytes_total, work.bytes) {
        Some(total) => {
            let percent = percent(work.bytes, total);
            parts.push(format!("{} of {} ({percent} %)", size(work.bytes), size(total)));
        }
        None if view.command != "prune" => parts.push(size(work.bytes)),
        None => {}
    }
    parts.extend(view.per_second.map(|rate| format!("{}/s", size(rate))));
    parts.extend(view.left.map(|left| format!("{} left", clock(Duration::from_secs(left)))));
    let path = if work.path.is_empty() { String::new() } else { format!(": {}", work.path) };
    format!("{verb} {}{path}", parts.join(", "))
}

/// A total, unless there is more than the last set had.
fn known(total: Option<u64>, done: u64) -> Option<u64> {
    total.filter(|total| *total > 0 && *total >= done)
}

/// It is only done when it is stored, so never 100.
fn percent(done: u64, total: u64) -> u64 {
    let percent = u128::from(done) * 100 / u128::from(total.max(1));
    u64::try_from(percent).unwrap_or(99).min(99)
}

fn verb(command: &str) -> &'static str {
    match command {
        "backup" => "backing up",
        "restore" | "drill" => "restoring",
        "verify" => "verifying",
        "replicate" => "copying",
        "rekey" => "encrypting",
        "prune" => "deleting",
        _ => "reading",
    }
}

fn finishing(command: &str) -> &'static str {
    match command {
        "backup" | "consolidate" | "replicate" | "rekey" => "storing the rest",
        _ => "finishing",
    }
}

/// What a command has done, in one or two lines. None if it has read nothing.
pub(crate) fn summary(view: &View<'_>, made: Option<&Made>, place: Option<&Place>) -> Vec<String> {
    let to = place.map_or("", |place| place.to.as_str());
    let time = clock(view.elapsed);
    if let Some(made) = made {
        let kind = if made.full { "full set" } else { "increment" };
        let Made { new, changed, deleted, read, sent, .. } = made;
        return vec![
            format!("{kind} of {}: {new} new, {changed} changed, {deleted} deleted", made.time),
            format!("read {}, stored {} in {time}: {to}", size(*read), size(*sent)),
        ];
    }
    let Some(work) = view.work else { return Vec::new() };
    let read = size(work.all_read());
    vec![match view.command {
        "restore" => format!("restored to {to}: read {read} in {time}"),
        "verify" => format!("found no damage: read {read} in {time}: {to}"),
        "drill" => format!("restored files and found no damage: read {read} in {time}: {to}"),
        "replicate" | "rekey" => format!("copied {read} in {time} to {to}"),
        "prune" => format!("deleted {} in {time}: {to}", count(work.files, "file")),
        "sync" => format!("the archive directory is current: read {read} in {time}: {to}"),
        _ => format!("read {read} in {time}: {to}"),
    }]
}

/// What a command waits for.
pub(crate) fn wait(what: &str, time: Duration) -> String {
    format!("waiting for {what}, {} so far", clock(time))
}

/// A time as a clock shows it.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        return format!("{hours}:{minutes:02}:{seconds:02}");
    }
    format!("{minutes}:{seconds:02}")
}

/// The text, cut to so many columns.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    let width = |letter: char| letter.width().unwrap_or(0);
    if text.chars().map(width).sum::<usize>() <= columns {
        return text.to_owned();
    }
    let (mut cut, mut left) = (String::new(), columns.saturating_sub(CUT.len()));
    for letter in text.chars() {
        let Some(rest) = left.checked_sub(width(letter)) else { break };
        left = rest;
        cut.push(letter);
    }
    cut + &CUT[..columns.min(CUT.len())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Work;
    use proptest::prelude::*;

    #[test]
    fn a_line_says_how_much_is_done_and_never_all_of_it() {
        let mut work = Work { active: true, files: 2, bytes: 1024, ..Work::default() };
        work.path = "etc/passwd".into();
        let view = View { per_second: Some(2048), ..View::of("backup", Some(&work)) };
        assert_eq!(progress(&view), "backing up 2 entries, 1.0 KiB, 2.0 KiB/s: etc/passwd");
        let work = Work { files_total: Some(3), bytes_total: Some(1024), ..work.clone() };
        let view = View { left: Some(3725), ..View::of("backup", Some(&work)) };
        assert_eq!(
            progress(&view),
            "backing up 2 of 3 entries, 1.0 KiB of 1.0 KiB (99 %), 1:02:05 left: etc/passwd"
        );
    }

    #[test]
    fn wide_letters_take_two_columns() {
        assert_eq!(cut("猫猫猫", 6), "猫猫猫");
        assert_eq!(cut("猫猫猫猫", 6), "猫...");
        assert_eq!(cut("moomoo", 2), "..");
    }

    proptest! {
        #[test]
        fn no_cut_is_too_long(text: String, columns in 0usize..100) {
            let width = |letter: char| letter.width().unwrap_or(0);
            prop_assert!(cut(&text, columns).chars().map(width).sum::<usize>() <= columns);
        }
    }
}
