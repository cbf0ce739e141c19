//! Copies of whole sets, one after the other: each gets its names when all of it has arrived, so
//! that an interruption costs one.

use std::fs::File;

use archive::{SetTime, set_time};
use failure::Failure;
use stream::FilesInput;

use crate::arrival::Arrivals;
use crate::present::Present;

/// Receives all sets of the stream that are not there.
pub(crate) fn receive(
    input: &mut FilesInput<File>,
    mut present: Present,
    arrivals: &mut Arrivals,
) -> Result<(), Failure> {
    let mut set: Option<SetTime> = None;
    while let Some(name) = input.next_file()? {
        let time = set_time(&name);
        if let Some(next) = time.filter(|_| time != set) {
            arrivals.publish()?;
            present.make_room(next, arrivals.store().as_mut())?;
            set = time;
        }
        if present.has(&name, input, arrivals)? {
            log::info!("{name}: is in the store already");
        } else {
            arrivals.receive(&name, input)?;
        }
    }
    arrivals.publish()
}
