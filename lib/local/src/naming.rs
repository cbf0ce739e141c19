//! What a new set is named by: the clock, the host, and the source as manifests name them.

use archive::SetTime;
use failure::{Failure, OrFail, Status};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

/// The time by the clock.
pub fn now() -> Result<SetTime, Failure> {
    SetTime::try_from(SystemTime::now()).or_fail(Status::Failed, "clock")
}

/// The seconds that a clock may be behind a set, because a few sets can be made in the same second.
pub const PATIENCE: i64 = 5;

/// The time of the clock when it is later than that of a set. Waits some seconds for this.
///
/// # Errors
/// The clock is further behind.
pub fn now_after(set: SetTime) -> Result<SetTime, Failure> {
    loop {
        let time = now()?;
        if time > set {
            return Ok(time);
        }
        if set.seconds() - time.seconds() > PATIENCE {
            let why = format!("clock: now is before the newest set, {set}");
            return Err(Failure::new(Status::Failed, format!("{why} (has it been set back?)")));
        }
        sleep(Duration::from_millis(50));
    }
}

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
