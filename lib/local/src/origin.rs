//! Where a set is made: the host and the source, as manifests name them.

/// The name of this host.
pub fn host() -> Vec<u8> {
    rustix::system::uname().nodename().to_bytes().to_vec()
}

/// The name of a source, as duplicity's manifests spell it: no doubled or trailing slash, no `.`
/// component.
pub fn source_name(spelt: &[u8]) -> Vec<u8> {
    let parts = spelt.split(|b| *b == b'/').filter(|part| !part.is_empty() && *part != b".");
    let joined = parts.collect::<Vec<_>>().join(&b'/');
    match (spelt.first(), joined.is_empty()) {
        (Some(b'/'), _) => [b"/", joined.as_slice()].concat(),
        (_, true) => b".".to_vec(),
        _ => joined,
    }
}

#[cfg(test)]
mod tests {
    use super::source_name;

    #[test]
    fn sources_are_spelt_as_duplicity_spells_them() {
        for (spelt, named) in
            [("/etc/", "/etc"), ("a//b/./c", "a/b/c"), ("./", "."), ("/", "/"), ("../x", "../x")]
        {
            assert_eq!(source_name(spelt.as_bytes()), named.as_bytes(), "{spelt}");
        }
    }
}
