//! rclone's messages, in our words.

use failure::{Failure, Reason, Status, legible};

/// Texts of rclone and of the system, in lower case, and their meanings. The first match counts.
const MEANINGS: &[(&str, Status)] = &[
    ("didn't find section in config", Status::Usage),
    ("no space left", Status::Refused),
    ("quota exceeded", Status::Refused),
    ("read-only file system", Status::Refused),
    ("unable to authenticate", Status::Key),
    ("invalidaccesskeyid", Status::Key),
    ("signaturedoesnotmatch", Status::Key),
    ("invalid_grant", Status::Key),
    ("401 unauthorized", Status::Key),
    ("private key", Status::Key),
    ("knownhosts", Status::Key),
    ("host key", Status::Key),
    ("permission denied", Status::Refused),
    ("accessdenied", Status::Refused),
    ("token", Status::Key),
    ("password", Status::Key),
    ("connection", Status::Lost),
    ("dial tcp", Status::Lost),
    ("no such host", Status::Lost),
    ("timeout", Status::Lost),
    ("timed out", Status::Lost),
    ("unreachable", Status::Lost),
    ("unexpected eof", Status::Lost),
    ("broken pipe", Status::Lost),
    ("serviceunavailable", Status::Lost),
    ("slowdown", Status::Lost),
    ("internalerror", Status::Lost),
    ("too many requests", Status::Lost),
    ("directory not found", Status::Absent),
    ("object not found", Status::Absent),
    ("directory or doesn't exist", Status::Absent),
];

/// The failure for an exit status and the text on standard error. `own` are names from the user or
/// from this program, which are ignored in the text.
pub(crate) fn failure(which: &str, code: Option<i32>, said: &[u8], own: &[&str]) -> Failure {
    let why = reason(said);
    let status = match code {
        Some(3 | 4) => Status::Absent,
        Some(5) => Status::Lost,
        _ => {
            // As they stand in the message: without secrets.
            let own: Vec<_> = own.iter().map(|name| legible::masked(name)).collect();
            let words = without_names(&why, &own);
            let meaning = MEANINGS.iter().find(|(meaning, _)| words.contains(meaning));
            meaning.map_or(Status::Refused, |(_, status)| *status)
        }
    };
    let hint = if status == Status::Usage { " (rclone config lists the remotes)" } else { "" };
    let failure = Failure::of(status, which, format!("rclone: {why}{hint}"));
    match status {
        Status::Absent => failure.because(Reason::NoSuchFile),
        Status::Lost => failure.because(Reason::ConnectionLost),
        _ => failure,
    }
}

/// A message in lower case, without names: given names, quoted text, and the parts between colons
/// that contain a path, whose words are the user's.
fn without_names(message: &str, own: &[String]) -> String {
    let mut text = message.to_owned();
    for name in own.iter().filter(|name| !name.is_empty()) {
        text = without(&text, name);
    }
    let unquoted: Vec<&str> = text.split('"').step_by(2).collect();
    let text = unquoted.join(" ").to_lowercase().replace("i/o timeout", "timeout");
    let parts = text.split(": ").filter(|part| !part.contains('/'));
    parts.collect::<Vec<_>>().join(": ")
}

/// A text without a name. A path is removed as a whole word; a name that may be a word of a message
/// too, only where rclone tells what it is about: before a colon, or at the end.
fn without(text: &str, name: &str) -> String {
    let is_path = name.contains(['/', ':']);
    let (mut kept, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(name) {
        let (before, after) = (&rest[..at], &rest[at + name.len()..]);
        let begins = !before.ends_with(char::is_alphanumeric);
        let ends = match is_path {
            true => !after.starts_with(char::is_alphanumeric),
            false => after.is_empty() || after.starts_with(':'),
        };
        kept.push_str(before);
        kept.push_str(if begins && ends { " " } else { name });
        rest = after;
    }
    kept + rest
}

/// The reason in its last message: the text after `Failed to VERB: `, with its causes.
fn reason(said: &[u8]) -> String {
    let lines = said.trim_ascii_end().split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let lines: Vec<String> = lines.map(legible::line).collect();
    let last = lines.iter().rposition(|line| message(line).starts_with(FAILED));
    let start = last.unwrap_or(lines.len() - 1);
    let line = message(&lines[start]);
    if line.is_empty() {
        return "failed, and does not say why".to_owned();
    }
    let first = line.strip_prefix(FAILED).map_or(line, |rest| {
        rest.split_once("last error was: ").or(rest.split_once(": ")).map_or(rest, |(_, why)| why)
    });
    let causes = lines[start + 1..].iter().filter_map(|line| line.strip_prefix("caused by: "));
    [first].into_iter().chain(causes).collect::<Vec<_>>().join(": ")
}

const FAILED: &str = "Failed to ";

/// A line of rclone without its time and its level.
fn message(line: &str) -> &str {
    let text =
        line.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '/' | ':' | ' '));
    text.strip_prefix("CRITICAL: ").or(text.strip_prefix("ERROR : ")).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: i32, text: &str) -> (Status, String) {
        let failure = failure("rclone:r:f", Some(code), text.as_bytes(), &["r:f", "f"]);
        let message = failure.why().strip_prefix("rclone: ").unwrap().to_owned();
        (failure.status(), message)
    }

    #[test]
    fn what_rclone_says_becomes_one_line_and_a_status() {
        let cases = [
            (
                3,
                "2026/11/23 08:26:10 ERROR : : error listing: directory not found\n\
                 2026/11/23 08:26:10 Failed to lsjson with 2 errors: last error was: error in \
                 ListJSON: directory not found\n",
                (Status::Absent, "error in ListJSON: directory not found"),
            ),
            (
                1,
                "2026/11/23 08:26:22 Failed to cat: RequestError: send request failed\n\
                 caused by: Get \"http://127.0.0.1:1/b\": dial tcp: connect: connection refused\n",
                (
                    Status::Lost,
                    "RequestError: send request failed: Get \"http://127.0.0.1:1/b\": dial tcp: \
                     connect: connection refused",
                ),
            ),
            (
                1,
                "2026/11/23 08:26:22 Failed to create file system for \"no:x\": didn't find \
                 section in config file\n",
                (
                    Status::Usage,
                    "didn't find section in config file (rclone config lists the remotes)",
                ),
            ),
            (1, "what\n", (Status::Refused, "what")),
            (5, "", (Status::Lost, "failed, and does not say why")),
            (
                1,
                "2026/11/23 08:18:44 Failed to rcat with 2 errors: last error was: write /x: no \
                 space left on device\n",
                (Status::Refused, "write /x: no space left on device"),
            ),
        ];
        for (code, text, (status, message)) in cases {
            assert_eq!(said(code, text), (status, message.to_owned()));
        }
    }

    #[test]
    fn names_tell_nothing_of_what_has_failed() {
        for name in ["token-store", "password", "connection lost", "401 unauthorized"] {
            let said = format!("Failed to rcat: write /srv/{name}/x: no space left on device\n");
            let place = format!("cloud:{name}");
            let failure = failure("w", Some(1), said.as_bytes(), &[&place, name]);
            assert_eq!(failure.status(), Status::Refused, "{name}: {failure}");
            let said = format!("Failed to lsjson: \"{place}\": what nobody knows\n");
            let failure = super::failure("w", Some(1), said.as_bytes(), &[&place, name]);
            assert_eq!(failure.status(), Status::Refused, "{name}: {failure}");
        }
    }

    #[test]
    fn only_what_rclone_itself_says_counts() {
        for (name, text, status) in [
            // The folder of a remote that is an alias is not among the names that we know.
            ("a/b", "write /srv/my connection timed out/a/b: no space left", Status::Refused),
            ("a/b", "mkdir /srv/private key/a/b: what nobody knows", Status::Refused),
            ("token store", "token store: what nobody knows", Status::Refused),
            ("Failed to token: x", "open Failed to token: x: what nobody knows", Status::Refused),
            // A name is no reason to miss what it says.
            ("connection", "dial: connection refused", Status::Lost),
            ("x", "read tcp 1.2.3.4:5->6.7.8.9:443: i/o timeout", Status::Lost),
            ("token", "couldn't fetch token: invalid_grant", Status::Key),
        ] {
            let said = format!("2026/11/23 08:26:10 CRITICAL: Failed to rcat: {text}\n");
            let failure = super::failure("w", Some(1), said.as_bytes(), &[name]);
            assert_eq!(failure.status(), status, "{failure}");
            assert_eq!(failure.why(), format!("rclone: {text}"));
        }
    }

    #[test]
    fn a_name_that_is_not_utf8_is_told_byte_by_byte() {
        let failure = super::failure("w", Some(1), b"Failed to cat: a\xffb: what\n", &[]);
        assert_eq!(failure.why(), "rclone: a\\xffb: what");
    }
}
