//! What a person sees on a terminal while a command works, and what a program or a log gets.

mod connection;
mod forms;
mod json;
mod kit;
mod line;
mod passphrase;
