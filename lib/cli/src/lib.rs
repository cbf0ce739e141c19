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
pub mod signals;
pub mod size;

pub use jobs::Jobs;
pub use messages::{TYPED, Verbosity, say};
pub use out::Out;
pub use program::{CLOSED_PIPE, Common, Program, arguments, harden, main, misuse, suggestion};
