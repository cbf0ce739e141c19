//! `cargo run -p manual`: writes the programs' pages into `man/man1`.

fn main() -> std::io::Result<()> {
    for command in manual::commands() {
        let page = manual::page(command)?;
        std::fs::write(manual::folder().join("man1").join(page.name), page.text)?;
    }
    Ok(())
}
