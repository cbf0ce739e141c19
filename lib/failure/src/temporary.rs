//! What messages call a temporary file.

use std::env::temp_dir;
use std::fmt;

use crate::shown;

/// Names the folder that temporary files are made in, and the variable that chooses it: a full disk
/// is not to look like a full store.
#[derive(Clone, Copy, Debug)]
pub struct TemporaryFile;

impl fmt::Display for TemporaryFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "temporary file in TMPDIR ({})", shown(&temp_dir()))
    }
}
