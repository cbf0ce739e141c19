//! One spelling for the URL of a store: what leads to the same folder is the same URL.

use std::env;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::sftp::Address;

/// The default port of SSH.
const SSH_PORT: u16 = 22;

/// A URL in its one spelling: no doubled or trailing slash, no `.` component, no port that is the
/// default, the host in lower case, a folder of this machine from its root. Nothing is quoted in a
/// URL, so `%` stands for itself. A URL that is none stays as it is.
pub fn spelling(url: &str) -> String {
    if let Some(path) = local::store_folder(url) {
        return folder(path).map_or_else(|| url.to_owned(), |path| format!("file://{path}"));
    }
    if let Some(rest) = url.strip_prefix("sftp://") {
        return Address::parse(rest)
            .map_or_else(|_| url.to_owned(), |address| of_sftp(address, true));
    }
    match url.split_once(':').map(|(scheme, rest)| (scheme, rest.trim_end_matches('/'))) {
        // What the rest of a path means is the remote's business; a remote's root is none of these.
        Some(("rclone", rest)) if !rest.ends_with(':') => format!("rclone:{rest}"),
        _ => url.to_owned(),
    }
}

/// The spellings under which an archive directory may have been made, the likely ones first: the URL
/// as it is, in its one spelling, and those that lead there and were told apart before.
pub fn spellings(url: &str) -> Vec<String> {
    let one = spelling(url);
    let mut all = vec![url.to_owned(), one.clone(), format!("{one}/")];
    if let Some(Ok(address)) = url.strip_prefix("sftp://").map(Address::parse)
        && address.port.is_none_or(|port| port == SSH_PORT)
    {
        let with_port = of_sftp(Address { port: Some(SSH_PORT), ..address }, false);
        all.extend([format!("{with_port}/"), with_port]);
    }
    let mut told = std::collections::HashSet::new();
    all.retain(|url| told.insert(url.clone()));
    all
}

fn of_sftp(mut address: Address, short: bool) -> String {
    address.host.make_ascii_lowercase();
    address.port = address.port.filter(|port| !short || *port != SSH_PORT);
    let absolute = if address.folder.starts_with('/') { "/" } else { "" };
    let parts = address.folder.split('/').filter(|part| !matches!(*part, "" | "."));
    let joined = parts.collect::<Vec<_>>().join("/");
    address.folder = match (absolute, joined.as_str()) {
        ("", "") => ".".to_owned(),
        _ => format!("{absolute}{joined}"),
    };
    let text = address.to_string();
    match address.folder.as_str() {
        "/" => text,
        _ => text.trim_end_matches('/').to_owned(),
    }
}

/// A folder of this machine from its root, or `None` if its path is not UTF-8. `..` stays: a link may stand
/// before it.
fn folder(path: &Path) -> Option<String> {
    let here = if path.is_absolute() { None } else { env::current_dir().ok() };
    let path = here.map_or_else(|| path.to_owned(), |here| here.join(path));
    let name = local::source_name(path.as_os_str().as_bytes());
    String::from_utf8(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_to_one_folder_is_one_url() {
        for (one, others) in [
            ("file:///srv/a", &["file:///srv/a/", "file:////srv//a", "file:///srv/./a/."][..]),
            ("file:///", &["file:////", "file:///./"]),
            ("sftp://moo@barn/a/b", &["sftp://moo@BARN:22/a//b/", "sftp://moo@Barn/./a/b"]),
            ("sftp://barn//a", &["sftp://barn:22//a/", "sftp://barn///a"]),
            ("sftp://barn", &["sftp://barn/", "sftp://barn:22/", "sftp://barn/./"]),
            ("sftp://[::1]:2222/a", &["sftp://[::1]:2222/a/"]),
            ("rclone:cloud:a/b", &["rclone:cloud:a/b/"]),
        ] {
            assert_eq!(spelling(one), one);
            for other in others {
                assert_eq!(spelling(other), one, "{other}");
                assert_eq!(spellings(other)[0], *other);
                assert!(spellings(other).contains(&one.to_owned()), "{other}");
            }
        }
    }

    #[test]
    fn what_leads_elsewhere_is_another_url() {
        let urls = [
            "file:///srv/a",
            "file:///srv/A",
            "file:///srv/%61",
            "file:///srv/b/../a",
            "sftp://barn/a",
            "sftp://barn//a",
            "sftp://moo@barn/a",
            "sftp://barn:2222/a",
            "sftp://barn/A",
            "sftp://barn/%61",
            "sftp://barn",
            "sftp://barn//",
            "rclone:cloud:a",
            "rclone:cloud:/a",
            "rclone:Cloud:a",
            "rclone:cloud:",
            "rclone:cloud:/",
            "moo",
            "",
        ];
        let mut all: Vec<_> = urls.iter().map(|url| spelling(url)).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), urls.len());
    }

    #[test]
    fn a_relative_folder_is_the_one_from_the_root() {
        let here = env::current_dir().unwrap();
        assert_eq!(spelling("file://a/b"), format!("file://{}/a/b", here.display()));
    }
}
