//! Telling what would be done.

use cli::legible;
use std::io::Write;

use failure::Failure;

use crate::holdings::Holdings;
use crate::plan::Plan;

/// Prints a line for each set and file, and what all of it comes to.
pub(crate) fn tell(plan: &Plan, holdings: &Holdings) -> Result<(), Failure> {
    let mut text = String::new();
    let mut freed = 0;
    for goner in &plan.goes {
        let size = holdings.size(goner.stored.iter().map(String::as_str));
        freed += size;
        text += &line("remove", &goner.what, size, &goner.why);
    }
    for stay in &plan.stays {
        let size = holdings.size(stay.stored.iter().map(String::as_str));
        text += &line("keep", &stay.what, size, &stay.why);
    }
    text += &match plan.goes.len() {
        0 => "nothing would go\n".to_owned(),
        _ => format!("{} would be freed (with --force)\n", legible::size(freed)),
    };
    std::io::stdout().write_all(text.as_bytes()).map_err(|error| Failure::of_output(&error))
}

fn line(verb: &str, what: &str, size: u64, why: &str) -> String {
    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
    format!("{verb:6}  {}, {}{why}\n", legible::name(what.as_bytes()), legible::size(size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_whatever_the_name() {
        assert_eq!(
            line("keep", "a\n\u{1b}[2J", 1536, "foreign"),
            "keep    a\\x0a\\x1b[2J, 1.5 KiB: foreign\n"
        );
        assert_eq!(line("remove", "full", 7, ""), "remove  full, 7 B\n");
    }
}
