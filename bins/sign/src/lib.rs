//! `moo-sign` adds, right behind each file's content, the signature that the next increment needs.

use std::fs::File;

use archive::{EntryName, Part};
use cli::{Common, Program};
use failure::Failure;
use rsync::Hash;
use stream::member::SIZE;
use stream::{Content, Entry, Member, Output, StreamKind, Totals, TreeInput, pipe};

/// Add a librsync signature of each file's content to a tree stream
///
/// moo-sign computes the signature from the bytes that it passes on, and writes it after them. The
/// next increment uses it to find unchanged blocks.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-sign", version, after_help = EXAMPLES)]
pub struct Sign {
    /// Use NAME as the strong sum of each block: blake2, or md4 for a chain that a librsync before
    /// 1.0 extends
    #[arg(long, value_name = "NAME", default_value = "blake2", value_parser = hash)]
    hash: Hash,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  moo-scan /etc | moo-sign | tar tv
  moo-scan --archive ~/archive /etc | moo-sign | moo-delta --archive ~/archive |
      moo-pack --archive ~/archive | moo-encrypt --encrypt-key KEY |
      moo-upload file:///srv/backup | moo-commit --archive ~/archive";

fn hash(name: &str) -> Result<Hash, &'static str> {
    match name {
        "blake2" => Ok(Hash::Blake2),
        "md4" => Ok(Hash::Md4),
        _ => Err("not one of blake2, md4"),
    }
}

impl Program for Sign {
    const NAME: &'static str = "moo-sign";
    type Outlet = Output<File>;

    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, output: &mut Output<File>) -> Result<Totals, Failure> {
        let mut input = TreeInput::open(pipe::input()?)?;
        output.begin(&input.begin().onward(StreamKind::Tree))?;
        while let Some(entry) = input.advance()? {
            if entry.is_content() {
                self.sign(&mut input, entry, output)?;
            } else {
                output.append(&entry.member, &entry.body)?;
            }
        }
        Ok(input.totals())
    }
}

impl Sign {
    /// Passes a file's content on, and its signature after it.
    fn sign(
        &self,
        input: &mut TreeInput<File>,
        first: Entry,
        output: &mut Output<File>,
    ) -> Result<(), Failure> {
        let path = first.name.path.clone();
        let size = first.member.annotations.parse(SIZE).unwrap_or(first.body.len() as u64);
        let pass_on = |entry: &Entry| output.append(&entry.member, &entry.body);
        let mut content = Content::new(input, first, pass_on)?;
        let signature = rsync::sign(&path.to_string(), &mut content, size, self.hash)?;
        let last = content.last()?;
        let name = EntryName { part: Part::Signature, path, piece: None }.encode(false);
        output.append(&Member { name, ..last.member }, &signature)
    }
}
