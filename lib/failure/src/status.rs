//! The exit statuses, which moobacker(7) documents.

/// The exit status of every program, and thereby of a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Status {
    /// Something failed that has no status of its own.
    Failed = 1,
    /// The program was called wrongly.
    Usage = 2,
    /// Done, but some source entries could not be read, or compared entries differ.
    Partial = 3,
    /// The previous stage was killed: its stream has no end mark.
    Killed = 4,
    /// A hash, a signature or a format does not hold.
    Integrity = 5,
    /// A key is missing, locked, expired or wrong.
    Key = 6,
    /// The store refused.
    Refused = 7,
    /// The store was lost: try again.
    Lost = 8,
    /// Another run has locked the archive directory.
    Busy = 9,
    /// The backup does not exist.
    Absent = 10,
}

impl Status {
    const ALL: [Status; 10] = [
        Status::Failed,
        Status::Usage,
        Status::Partial,
        Status::Killed,
        Status::Integrity,
        Status::Key,
        Status::Refused,
        Status::Lost,
        Status::Busy,
        Status::Absent,
    ];

    /// The number that the process exits with.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The status with that number; an unknown number counts as [`Status::Failed`].
    pub fn from_code(code: u8) -> Status {
        Status::ALL.into_iter().find(|status| status.code() == code).unwrap_or(Status::Failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_statuses_count_as_failed() {
        assert_eq!(Status::from_code(77), Status::Failed);
        assert_eq!(Status::from_code(9), Status::Busy);
    }
}
