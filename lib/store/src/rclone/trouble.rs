//! What rclone says when it fails, in our words.

use stream::{Failure, Status};

/// Words in messages, in lower case, and what they mean; the first that fits counts.
const MEANINGS: &[(&str, Status)] = &[
    ("didn't find section in config", Status::Usage),
    ("unable to authenticate", Status::Key),
    ("invalidaccesskeyid", Status::Key),
    ("signaturedoesnotmatch", Status::Key),
    ("invalid_grant", Status::Key),
    ("token", Status::Key),
    ("401 unauthorized", Status::Key),
    ("private key", Status::Key),
    ("knownhosts", Status::Key),
    ("host key", Status::Key),
    ("password", Status::Key),
    ("no space left", Status::Refused),
    ("permission denied", Status::Refused),
    ("accessdenied", Status::Refused),
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

/// The failure behind an exit status and what was written on standard error.
pub(crate) fn failure(which: &str, code: Option<i32>, said: &[u8]) -> Failure {
    let said = String::from_utf8_lossy(said);
    let why = reason(&said);
    let text = why.to_lowercase();
    let meaning = MEANINGS.iter().find(|(words, _)| text.contains(words));
    let status = match (meaning, code) {
        (Some((_, status)), _) => *status,
        (None, Some(3 | 4)) => Status::Absent,
        (None, Some(5)) => Status::Lost,
        _ => Status::Refused,
    };
    let hint = if status == Status::Usage { " (rclone config tells the remotes)" } else { "" };
    Failure::new(status, format!("{which}: rclone: {why}{hint}"))
}

/// The reason in the last thing that it says: behind `Failed to VERB: `, and with its causes.
fn reason(said: &str) -> String {
    let lines: Vec<&str> = said.lines().map(str::trim).collect();
    let last = lines.iter().rposition(|line| line.contains("Failed to "));
    let start = last.unwrap_or_else(|| lines.len().saturating_sub(1));
    let Some(line) = lines.get(start).filter(|line| !line.is_empty()) else {
        return "failed, and does not say why".to_owned();
    };
    let first = line.split_once("Failed to ").map_or(*line, |(_, rest)| {
        rest.split_once("last error was: ").or(rest.split_once(": ")).map_or(rest, |(_, why)| why)
    });
    let causes = lines[start + 1..].iter().filter_map(|line| line.strip_prefix("caused by: "));
    [first].into_iter().chain(causes).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: i32, text: &str) -> (Status, String) {
        let failure = failure("rclone:r:f", Some(code), text.as_bytes());
        let message = failure.message().strip_prefix("rclone:r:f: rclone: ").unwrap().to_owned();
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
                    "didn't find section in config file (rclone config tells the remotes)",
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
}
