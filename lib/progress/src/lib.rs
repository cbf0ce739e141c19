//! What a person sees while a command works. A stage reports how far it is into memory that all
//! processes of the command share ([`Reporter`]); the supervisor `moo-run` draws it ([`Painter`]).
//!
//! So one process writes to the terminal, also for a command of several pipes; a stage whose
//! messages are redirected can report; and a stage that nobody watches does next to nothing.
//! Back-pressure makes the progress of a pipe's first stage that of the pipe.

mod events;
mod files;
mod json;
mod memory;
mod news;
mod painter;
mod rate;
mod report;
mod screen;
mod text;
mod view;

pub use events::{Event, Events, VARIABLE as EVENTS};
pub use files::Files;
pub use json::VERSION;
pub use memory::{Made, Memory, Place, Work};
pub use news::{news, waiting};
pub use painter::{Asker, Painter};
pub use report::Reporter;

/// Records the set that the command has made.
pub fn made(made: &Made) {
    if let Some(memory) = Memory::inherited() {
        memory.write(memory::Slot::Made, made);
    }
}

/// Records where the command stores, or what it reads.
pub fn place(place: &Place) {
    if let Some(memory) = Memory::inherited() {
        memory.write(memory::Slot::Place, place);
    }
}
