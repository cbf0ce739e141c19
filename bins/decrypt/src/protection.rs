//! Whether a file may be read that is not encrypted: whoever can write to the store can have made it.

use archive::Wrapping;
use failure::Failure;

use crate::broken;

/// What is known of how the files of a stream are protected.
#[derive(Debug)]
pub(crate) struct Protection {
    /// Whether a key or a passphrase was given to decrypt with.
    pub(crate) demanded: bool,
    /// Whether such files are read all the same: the user says so, or the seal key vouches for them.
    pub(crate) waived: bool,
    /// Whether the files of the stream belong to one chain, which is encrypted as a whole or not at
    /// all.
    pub(crate) one_chain: bool,
    /// The first file of each kind.
    pub(crate) plain: Option<String>,
    pub(crate) encrypted: bool,
}

impl Protection {
    /// Takes note of a file.
    ///
    /// # Errors
    /// It is not encrypted and should be, or one before it was not.
    pub(crate) fn check(&mut self, stored: &str, wrapping: Wrapping) -> Result<(), Failure> {
        if self.waived {
            return Ok(());
        }
        let hint = "(--allow-unprotected reads it)";
        match wrapping {
            Wrapping::OpenPgp => self.encrypted = true,
            _ if self.demanded => {
                let why = format!("is not encrypted, though a key was given {hint}");
                return Err(broken(stored, &why));
            }
            _ => {
                self.plain.get_or_insert_with(|| stored.to_owned());
            }
        }
        match self.plain.as_ref().filter(|_| self.encrypted && self.one_chain) {
            Some(plain) => {
                let why = format!("is not encrypted, but other files of its chain are {hint}");
                Err(broken(plain, &why))
            }
            None => Ok(()),
        }
    }
}
