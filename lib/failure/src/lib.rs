//! How a program fails: one exit status, what happened, and one line for its user.
//!
//! Every library and program uses this crate. A message reads `which: why; what to do`. Text that comes
//! from elsewhere passes [`legible`] before a person sees it.

#[allow(clippy::module_inception)] // the file is named as its noun is
mod failure;
pub mod legible;
mod reason;
mod status;

pub use failure::{Failure, OrFail};
pub use reason::Reason;
pub use status::Status;
