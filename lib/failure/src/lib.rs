//! How a program fails: an exit status, a reason, and one line for the user.
//!
//! Every library and program uses this crate. A message reads `which: why; what to do`. Foreign
//! text passes through [`legible`] first.

mod connection;
#[allow(clippy::module_inception)] // the file is named as its noun is
mod failure;
pub mod legible;
mod reason;
mod status;
mod temporary;

pub use failure::{Failure, OrFail};
pub use legible::{Shown, shown};
pub use reason::Reason;
pub use status::Status;
pub use temporary::TemporaryFile;
