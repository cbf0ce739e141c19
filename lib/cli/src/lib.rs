//! What all programs share: arguments, messages, exit statuses.

mod jobs;
pub mod legible;
pub mod lifeline;
mod messages;
pub mod note;
mod program;

pub use jobs::Jobs;
pub use messages::Verbosity;
pub use program::{Common, Program, harden, main, misuse, suggestion};
