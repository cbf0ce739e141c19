//! The streams between the stages. One that is taken is not taken when it is cut or goes on.

use failure::Failure;
use stream::{FilesInput, ReceiptsInput, TreeInput};

use super::tars::{mended, place_in};

/// A tree stream, its headers mended.
pub fn tree_stream(data: &[u8]) {
    strict(data, read_tree);
    strict(&mended(data), read_tree);
}

/// A file stream, its headers mended.
pub fn file_stream(data: &[u8]) {
    strict(data, read_files);
    strict(&mended(data), read_files);
}

/// Receipts.
pub fn receipts(data: &[u8]) {
    strict(data, read_receipts);
}

/// Reads a stream to its end.
pub type Reader = fn(&[u8]) -> Result<(), Failure>;

fn strict(data: &[u8], read: Reader) {
    if let Err(failure) = read(data) {
        let message = failure.message();
        assert!(!message.is_empty() && message.len() < 5000, "{message}");
        return;
    }
    let at = place_in(data).min(data.len() - 1);
    for cut in [0, at, data.len() - 1] {
        assert!(read(&data[..cut]).is_err(), "is taken though it is cut at {cut}");
    }
    assert!(read(&[data, b"\0"].concat()).is_err(), "is taken though it goes on");
}

/// Reads a tree stream to its end; the paths rise.
pub fn read_tree(data: &[u8]) -> Result<(), Failure> {
    let mut input = TreeInput::open(data)?;
    let mut last = None;
    while let Some(entry) = input.advance()? {
        let now = Some(entry.name.path);
        assert!(last <= now, "paths rise");
        last = now;
    }
    Ok(())
}

/// Reads a file stream to its end.
pub fn read_files(data: &[u8]) -> Result<(), Failure> {
    let mut input = FilesInput::open(data)?;
    while let Some(name) = input.next_file()? {
        assert!(!name.is_empty() && !name.starts_with('.') && !name.contains('/'), "{name:?}");
        while input.chunk()?.is_some() {}
    }
    Ok(())
}

/// Reads receipts to their end.
pub fn read_receipts(data: &[u8]) -> Result<(), Failure> {
    let mut input = ReceiptsInput::open(data)?;
    while input.advance()?.is_some() {}
    Ok(())
}
