//! The recipe: two machines, users, keys, sudo, cron.

mod backup_sh;
mod conf;
mod doctor;
mod host;
mod install;
mod intruder;
mod killed;
mod kit;
pub(crate) mod local;
mod privileges;
mod remote;
mod swapped;
mod two_servers;
mod whole;
