//! The right to read every file, where a user has it: it is for the source alone.

use failure::{Failure, OrFail, Status};
use rustix::process::geteuid;
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};

/// Does work with no more rights than the user has: whoever owns the archive may have put links
/// to other people's files there. Root is root, and owns what it calls its own.
pub(crate) fn without<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    if geteuid().is_root() {
        return work();
    }
    let rights = capabilities(None).or_fail(Status::Failed, "capabilities")?;
    if rights.effective.is_empty() {
        return work();
    }
    set(CapabilitySets { effective: CapabilitySet::empty(), ..rights })?;
    let done = work();
    set(rights)?;
    done
}

/// Whether this process can become another user.
///
/// # Errors
/// The system does not tell.
pub(crate) fn becomes_others() -> Result<bool, Failure> {
    let rights = capabilities(None).or_fail(Status::Failed, "capabilities")?;
    Ok(rights.effective.contains(CapabilitySet::SETUID | CapabilitySet::SETGID))
}

fn set(rights: CapabilitySets) -> Result<(), Failure> {
    set_capabilities(None, rights).or_fail(Status::Failed, "capabilities")
}
