//! What the tokens in a configuration of SSH stand for.

use std::path::PathBuf;

use failure::{Failure, Status};

/// The values of the tokens in a configuration.
pub(crate) struct Place<'a> {
    pub(crate) name: &'a str,
    pub(crate) host: &'a str,
    pub(crate) user: &'a str,
    pub(crate) port: u16,
}

impl Place<'_> {
    /// A text with its tokens replaced, or `None` for an unknown token.
    pub(crate) fn expand(&self, text: &str) -> Option<String> {
        let mut parts = text.split('%');
        let mut done = parts.next().unwrap_or_default().to_owned();
        while let Some(part) = parts.next() {
            match part.chars().next() {
                Some('h') => done.push_str(self.host),
                Some('n') => done.push_str(self.name),
                Some('r') => done.push_str(self.user),
                Some('p') => done.push_str(&self.port.to_string()),
                Some('d') => done.push_str(home().to_str()?),
                // `%%`: no token begins at the second sign.
                None => {
                    done.push('%');
                    done.push_str(parts.next()?);
                    continue;
                }
                Some(_) => return None,
            }
            done.push_str(&part[1..]);
        }
        Some(done)
    }

    /// A path of the configuration. ssh has expanded most of them; a remaining `~` is HOME.
    pub(crate) fn file(&self, text: &str) -> PathBuf {
        let text = self.expand(text).unwrap_or_else(|| text.to_owned());
        match text.strip_prefix("~/") {
            Some(rest) => home().join(rest),
            None => text.into(),
        }
    }
}

/// A configuration that can't be followed.
pub(crate) fn refused(why: &str) -> Failure {
    Failure::new(Status::Usage, format!("configuration of ssh: {why}"))
}

/// The home of the calling user, from the environment.
pub(crate) fn home() -> PathBuf {
    std::env::home_dir().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_expanded_and_unknown_ones_refused() {
        let place = Place { name: "box", host: "10.0.0.1", user: "purr", port: 2222 };
        let expand = |text: &str| place.expand(text);
        assert_eq!(expand("nc %h %p"), Some("nc 10.0.0.1 2222".into()));
        assert_eq!(expand("%%h %r@%n %%%h"), Some("%h purr@box %10.0.0.1".into()));
        assert_eq!((expand("x%"), expand("%C")), (None, None));
    }
}
