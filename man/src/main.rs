//! `cargo run -p manual` writes the pages of the programs and commands into `man/man1`.

use std::io;

fn main() -> io::Result<()> {
    for page in manual::pages()? {
        std::fs::write(manual::folder().join("man1").join(page.name), page.text)?;
    }
    Ok(())
}
