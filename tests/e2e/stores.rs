//! The kinds of stores: what all of them promise, and rclone from end to end.

mod conformance;
mod disks;
mod rclone;
