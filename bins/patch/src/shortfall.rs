//! What could not be given back as it was: each object at `-v`, and all of it in one line.

use std::fmt::Display;

use rustix::process::geteuid;

use crate::metadata::Given;

/// Counts of it.
#[derive(Debug, Default)]
pub(crate) struct Shortfall {
    owners: u64,
    attributes: u64,
    modes: u64,
    mtimes: u64,
    links: u64,
    devices: u64,
}

impl Shortfall {
    /// Takes what an object has got.
    pub(crate) fn add(&mut self, which: impl Display, given: Given) {
        if !given.owner {
            log::info!("{which}: owner not restored");
            self.owners += 1;
        }
        if let Err(error) = given.attributes {
            log::info!("{which}: not all extended attributes restored: {error}");
            self.attributes += 1;
        }
        if !given.mode {
            log::info!("{which}: mode not restored");
            self.modes += 1;
        }
        if !given.mtime {
            log::info!("{which}: modification time not restored");
            self.mtimes += 1;
        }
        if !given.link {
            log::info!("{which}: hard link restored as a separate file");
            self.links += 1;
        }
    }

    /// Takes a device that could not be made.
    pub(crate) fn add_device(&mut self, which: impl Display) {
        log::info!("{which}: device not restored");
        self.devices += 1;
    }

    /// Says what there is to say, and returns how many objects it is about.
    pub(crate) fn tell(&self) -> u64 {
        let metadata = self.owners + self.attributes + self.modes + self.mtimes;
        let all = metadata + self.links + self.devices;
        if all == 0 {
            return 0;
        }
        let root = if geteuid().is_root() { "" } else { "run as root to restore them; " };
        log::warn!("could not restore: {} ({root}--verbosity info names them)", self.words());
        all
    }

    fn words(&self) -> String {
        let parts = [
            (self.owners, "the owner of ", "object"),
            (self.attributes, "extended attributes of ", "object"),
            (self.modes, "the mode of ", "object"),
            (self.mtimes, "the modification time of ", "object"),
            (self.links, "", "hard link"),
            (self.devices, "", "device"),
        ];
        let parts = parts.iter().filter(|(count, ..)| *count > 0).map(|(count, before, what)| {
            let plural = if *count == 1 { "" } else { "s" };
            format!("{before}{count} {what}{plural}")
        });
        parts.collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::Errno;

    #[test]
    fn all_of_it_is_one_line() {
        let mut shortfall = Shortfall::default();
        assert_eq!(shortfall.tell(), 0);
        let given = Given { owner: false, mode: true, mtime: true, link: true, attributes: Ok(()) };
        shortfall.add("a", given);
        assert_eq!(shortfall.words(), "the owner of 1 object");
        shortfall.add("b", Given { attributes: Err(Errno::PERM), ..given });
        shortfall.add_device("c");
        let words = "the owner of 2 objects, extended attributes of 1 object, 1 device";
        assert_eq!((shortfall.words().as_str(), shortfall.tell()), (words, 4));
    }
}
