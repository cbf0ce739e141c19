//! `moo-delta` replaces a file's content by what differs from the last backup's.

mod base;

use std::cell::RefCell;
use std::fs::File;
use std::path::PathBuf;

use archive::Part;
use cli::{Common, Program};
use failure::Failure;
use stream::{
    Annotations, Content, Entry, Output, StreamKind, Totals, TreeInput, pipe, write_content,
};

use crate::base::Base;

/// Replace content in a tree stream by its difference from the last backup
///
/// In an increment, a file whose signature is in the archive directory becomes a librsync delta
/// against the last backup. All other entries, and full sets, pass unchanged.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-delta", version, after_help = EXAMPLES)]
pub struct Delta {
    /// Read the signatures of the last backup from the archive directory FOLDER
    #[arg(short, long, value_name = "FOLDER")]
    archive: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  moo-scan --archive ~/archive /etc | moo-sign | moo-delta --archive ~/archive | tar tv
  moo-scan --archive ~/archive /etc | moo-sign | moo-delta --archive ~/archive |
      moo-pack --archive ~/archive | moo-encrypt --encrypt-key KEY |
      moo-upload file:///srv/backup | moo-commit --archive ~/archive";

impl Program for Delta {
    const NAME: &'static str = "moo-delta";
    type Outlet = Output<File>;

    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, output: &mut Output<File>) -> Result<Totals, Failure> {
        let mut input = TreeInput::open(pipe::input()?)?;
        let mut base = Base::open(self.archive.as_deref(), input.begin())?;
        output.begin(&input.begin().onward(StreamKind::Tree))?;
        while let Some(entry) = input.advance()? {
            match base.signature(&entry)? {
                Some(signature) => write_delta(&mut input, entry, &signature, output)?,
                None => output.append(&entry.member, &entry.body)?,
            }
        }
        Ok(input.totals())
    }
}

/// Writes a delta in place of the content that starts with `first`.
fn write_delta(
    input: &mut TreeInput<File>,
    first: Entry,
    signature: &[u8],
    output: &mut Output<File>,
) -> Result<(), Failure> {
    let (path, member) = (first.name.path.clone(), first.member.clone());
    // The hash of the whole content comes with its last piece, which the delta reads past.
    let facts = RefCell::new(Annotations::default());
    let note = |entry: &Entry| {
        facts.borrow_mut().extend(&entry.member.annotations);
        Ok(())
    };
    let content = Content::new(input, first, note)?;
    let mut delta = rsync::Delta::new(&path.to_string(), content, signature)?;
    write_content(output, Part::Diff, &path, &member, &mut delta, |_, _| Ok(facts.take()))?;
    Ok(())
}
