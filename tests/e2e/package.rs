//! The Debian package: built from the programs of this build, and installed on machines of their own.

pub(crate) mod deb;
mod root_unit;
mod schedules;
mod takeover;
mod unit;
