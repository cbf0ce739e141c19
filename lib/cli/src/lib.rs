//! What all programs share: arguments, messages, exit statuses.

pub mod form;
mod jobs;
pub mod legible;
pub mod lifeline;
mod messages;
pub mod note;
mod out;
mod processor_time;
mod program;
pub mod shown;

pub use jobs::Jobs;
pub use messages::Verbosity;
pub use out::Out;
pub use program::{Common, Program, harden, main, misuse, suggestion};
