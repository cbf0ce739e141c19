//! `sftp://[USER@]HOST[:PORT]/FOLDER`.

use std::fmt;

use failure::{Failure, Status};

/// Where a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) user: Option<String>,
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    /// Relative to the directory where a login starts, unless it begins with a slash.
    pub(crate) folder: String,
}

impl Address {
    /// Parses the text after `sftp://`. As in duplicity, `//` begins an absolute path, and there is
    /// no quoting.
    pub(crate) fn parse(text: &str) -> Result<Address, Failure> {
        let (login, folder) = text.split_once('/').unwrap_or((text, ""));
        let (user, place) = match login.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, login),
        };
        // A password must not be repeated in a message.
        if user.is_some_and(|user| user.contains(':')) {
            return Err(usage(place, folder, "passwords are not supported (use a key)"));
        }
        let (host, port) =
            host_and_port(place).ok_or_else(|| usage(place, folder, "no such host or port"))?;
        if host.is_empty() || host.starts_with('-') || user == Some("") {
            return Err(usage(place, folder, "names no host or user"));
        }
        let trimmed = folder.trim_end_matches('/');
        let folder = match trimmed {
            "" if folder.is_empty() => ".",
            "" => "/",
            path => path,
        };
        let user = user.map(str::to_owned);
        Ok(Address { user, host: host.to_owned(), port, folder: folder.to_owned() })
    }

    /// A file in the folder, as messages name it.
    pub(crate) fn file(&self, name: &str) -> String {
        format!("{}/{name}", self.to_string().trim_end_matches('/'))
    }

    /// The path of a file in the folder.
    pub(crate) fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.folder.trim_end_matches('/'))
    }
}

/// `HOST`, `HOST:PORT`, `[IPV6]` or `[IPV6]:PORT`.
fn host_and_port(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']').and_then(|(host, rest)| match rest {
            "" => Some((host, None)),
            rest => Some((host, Some(rest.strip_prefix(':')?))),
        })?,
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    match port.map(str::parse) {
        None => Some((host, None)),
        Some(Ok(port)) if port > 0 => Some((host, Some(port))),
        Some(_) => None,
    }
}

fn usage(place: &str, folder: &str, why: &str) -> Failure {
    Failure::new(Status::Usage, format!("sftp://{place}/{folder}: {why}"))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sftp://")?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        match self.host.contains(':') {
            true => write!(f, "[{}]", self.host)?,
            false => f.write_str(&self.host)?,
        }
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, "/{}", if self.folder == "." { "" } else { &self.folder })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn parsed(text: &str) -> (Option<String>, String, Option<u16>, String) {
        let Address { user, host, port, folder } = Address::parse(text).unwrap();
        (user, host, port, folder)
    }

    #[test]
    fn relative_and_absolute_folders_are_told_apart_as_by_duplicity() {
        let user = || Some("purr".to_owned());
        assert_eq!(parsed("purr@h/a/b"), (user(), "h".into(), None, "a/b".into()));
        assert_eq!(parsed("purr@h:22//a/b/"), (user(), "h".into(), Some(22), "/a/b".into()));
        assert_eq!(parsed("h"), (None, "h".into(), None, ".".into()));
        assert_eq!(parsed("h/"), (None, "h".into(), None, ".".into()));
        assert_eq!(parsed("h//"), (None, "h".into(), None, "/".into()));
        assert_eq!(parsed("[::1]:2222/a"), (None, "::1".into(), Some(2222), "a".into()));
        assert_eq!(parsed("purr@site@h/a").0.as_deref(), Some("purr@site"));
    }

    #[test]
    fn what_is_no_address_is_refused_and_a_password_not_repeated() {
        for text in ["", "/a", "@h/a", "h:x/a", "h:0/a", "h:70000/a", "[::1/a", "-oProxy=x/a"] {
            assert_eq!(Address::parse(text).unwrap_err().status(), Status::Usage, "{text}");
        }
        let failure = Address::parse("purr:secret@h/a").unwrap_err();
        assert!(!failure.message().contains("secret"), "{failure}");
    }

    #[test]
    fn an_address_is_shown_as_it_was_given() {
        for text in ["purr@h/a", "h:22//a", "[::1]:5/a", "h/"] {
            assert_eq!(Address::parse(text).unwrap().to_string(), format!("sftp://{text}"));
        }
    }
}
