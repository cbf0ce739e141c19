//! Rows of numbers, sorted by the first one: in memory while they are few, else in a file without a name.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;

use failure::{Failure, OrFail, Status, TemporaryFile};

const ROW: u64 = 32;
/// Bytes of rows that stay in memory.
const IN_MEMORY: usize = 8 << 10;

/// A part of a file: where it begins, how long it is, and where its bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) start: u64,
    pub(crate) length: u64,
    pub(crate) source: u64,
    pub(crate) at: u64,
}

/// Rows that follow one another without a gap.
pub(crate) struct Table {
    rows: Rows<File>,
    count: u64,
    /// The end of the last row.
    pub(crate) length: u64,
}

impl Table {
    /// The row that holds a place before the end.
    pub(crate) fn find(&self, place: u64) -> Result<Row, Failure> {
        let (mut from, mut end) = (0, self.count);
        while from + 1 < end {
            let middle = from + (end - from) / 2;
            if self.row(middle)?.start <= place { from = middle } else { end = middle }
        }
        self.row(from)
    }

    fn row(&self, number: u64) -> Result<Row, Failure> {
        let mut bytes = [0; ROW as usize];
        let at = number * ROW;
        let read = match &self.rows {
            Rows::InFile(file) => file.read_exact_at(&mut bytes, at),
            Rows::InMemory(rows) => {
                let row = usize::try_from(at).ok().and_then(|at| rows.get(at..at + bytes.len()));
                row.map(|row| bytes.copy_from_slice(row)).ok_or(io::ErrorKind::UnexpectedEof.into())
            }
        };
        read.or_fail(Status::Failed, TemporaryFile)?;
        let number = |at: usize| bytes[at..at + 8].try_into().map_or(0, u64::from_le_bytes);
        Ok(Row { start: number(0), length: number(8), source: number(16), at: number(24) })
    }
}

/// Where rows are.
enum Rows<F> {
    InMemory(Vec<u8>),
    InFile(F),
}

/// A table that is being written.
pub(crate) struct TableWriter {
    rows: Rows<BufWriter<File>>,
    count: u64,
    length: u64,
}

impl TableWriter {
    pub(crate) fn new() -> TableWriter {
        TableWriter { rows: Rows::InMemory(Vec::new()), count: 0, length: 0 }
    }

    /// Adds a part of so many bytes; one without any is left out.
    pub(crate) fn add(&mut self, length: u64, source: u64, at: u64) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        let row = [self.length, length, source, at].map(u64::to_le_bytes).concat();
        if let Rows::InMemory(rows) = &self.rows
            && rows.len() >= IN_MEMORY
        {
            let mut file = BufWriter::new(tempfile::tempfile()?);
            file.write_all(rows)?;
            self.rows = Rows::InFile(file);
        }
        match &mut self.rows {
            Rows::InMemory(rows) => rows.extend(row),
            Rows::InFile(file) => file.write_all(&row)?,
        }
        self.count += 1;
        let too_long = || io::Error::new(io::ErrorKind::InvalidData, "longer than any file");
        let end = self.length.checked_add(length).filter(|end| *end <= i64::MAX as u64);
        self.length = end.ok_or_else(too_long)?;
        Ok(())
    }

    pub(crate) fn finish(self) -> io::Result<Table> {
        let TableWriter { rows, count, length } = self;
        let rows = match rows {
            Rows::InMemory(rows) => Rows::InMemory(rows),
            Rows::InFile(file) => {
                Rows::InFile(file.into_inner().map_err(io::IntoInnerError::into_error)?)
            }
        };
        Ok(Table { rows, count, length })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_is_in_the_row_that_holds_it() {
        let mut writer = TableWriter::new();
        for (length, source) in [(3, 7), (0, 8), (1, 9), (5, 10)] {
            writer.add(length, source, 100 * source).unwrap();
        }
        let table = writer.finish().unwrap();
        let sources: Vec<_> = (0..9).map(|place| table.find(place).unwrap().source).collect();
        assert_eq!((table.length, sources), (9, vec![7, 7, 7, 9, 10, 10, 10, 10, 10]));
        assert_eq!(table.find(5).unwrap(), Row { start: 4, length: 5, source: 10, at: 1000 });
    }

    #[test]
    fn many_rows_are_found_as_few_are() {
        let mut writer = TableWriter::new();
        (0..1000).for_each(|number| writer.add(2, number, 0).unwrap());
        let table = writer.finish().unwrap();
        assert!(matches!(table.rows, Rows::InFile(_)));
        assert!((0..2000).all(|place| table.find(place).unwrap().source == place / 2));
    }

    #[test]
    fn no_file_is_longer_than_the_system_can_have() {
        let mut writer = TableWriter::new();
        assert!(writer.add(u64::MAX, 0, 0).is_err());
    }
}
