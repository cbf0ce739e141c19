//! What goes wrong between a store and us. Whatever it is: the store has a set as a whole or not
//! at all, what it had before stays as it was, and the next run succeeds.

mod network;
mod refusals;
mod requests;
mod upload;
