//! `cargo run -p manual` writes the pages of the programs and commands into `man/man1`. With
//! `-- --completions FOLDER` it writes the shells' completions below FOLDER instead, such as
//! `/usr/local/share`.

use std::io;
use std::path::Path;

fn main() -> io::Result<()> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    match &arguments[..] {
        [] => write_pages(),
        [option, folder] if option == "--completions" => {
            manual::completions::write(Path::new(folder))
        }
        _ => Err(io::Error::other("usage: manual [--completions FOLDER]")),
    }
}

fn write_pages() -> io::Result<()> {
    for page in manual::pages()? {
        std::fs::write(manual::folder().join("man1").join(page.name), page.text)?;
    }
    Ok(())
}
