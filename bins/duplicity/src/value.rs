//! The values of options, checked before anything is done.

use std::ffi::{OsStr, OsString};
use std::path::{Component, Path};
use std::time::SystemTime;

use archive::{SetTime, parse_time};
use failure::shown;

use crate::code::Refusal;
use crate::option::{DuplicityOption, Takes};

/// Checks the value of an option by its name in the help.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check(option: &DuplicityOption, value: Option<&OsStr>) -> Result<(), Refusal> {
    let (Takes::Value(name), Some(value)) = (option.takes, value) else {
        return Ok(());
    };
    let long = option.long;
    let why = match name {
        // A descriptor and the level of messages have been read already.
        "N" | "SECONDS" | "BYTES" | "KIB" | "PERCENT" => number(value).err(),
        "INDEX" => index(value).err(),
        "MIB" => number(value).and_then(above_zero).err(),
        "TIME" => time(value).map(|_| ()).err(),
        "NAME" if long == "name" => folder(value).err(),
        "MODE" if value != "full" && value != "partial" => Some("not full or partial".to_owned()),
        _ => None,
    };
    match why {
        Some(why) => Err(Refusal::usage(format!("--{long}: {}: {why}", shown(value)))),
        None => Ok(()),
    }
}

fn number(value: &OsStr) -> Result<u32, String> {
    let number = value.to_str().and_then(|text| text.parse().ok());
    number.ok_or_else(|| "not a number".to_owned())
}

/// A place in a list, counted from its end if it is below 0.
///
/// # Errors
/// It is none.
pub(crate) fn index(value: &OsStr) -> Result<i64, String> {
    let number = value.to_str().and_then(|text| text.parse().ok());
    number.ok_or_else(|| "not a number".to_owned())
}

fn above_zero(number: u32) -> Result<(), String> {
    if number > 0 { Ok(()) } else { Err("not a number above 0".to_owned()) }
}

/// A time in any of duplicity's ways.
///
/// # Errors
/// It is none.
pub(crate) fn time(value: &OsStr) -> Result<SetTime, String> {
    let parsed = parse_time(&value.to_string_lossy(), now()?);
    parsed.map_err(|_| "not a time, nor an age such as 3D or 1M".to_owned())
}

/// A time as the age that `moo` takes, which takes no time where an age is meant.
///
/// # Errors
/// It is none.
pub(crate) fn age(value: &OsStr) -> Result<OsString, String> {
    let seconds = now()?.seconds() - time(value)?.seconds();
    Ok(format!("{}s", seconds.max(0)).into())
}

fn now() -> Result<SetTime, String> {
    SetTime::try_from(SystemTime::now()).map_err(|error| error.to_string())
}

/// A name below the folder of archive directories.
fn folder(value: &OsStr) -> Result<(), String> {
    let is_name = |component| matches!(component, Component::Normal(_));
    match !value.is_empty() && Path::new(value).components().all(is_name) {
        true => Ok(()),
        false => Err("not a name of a directory below --archive-dir".to_owned()),
    }
}
