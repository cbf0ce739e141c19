//! What all programs share: arguments, messages, exit statuses.

pub mod legible;
mod messages;
mod program;

pub use messages::Verbosity;
pub use program::{Common, Program, main};
