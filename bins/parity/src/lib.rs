//! `moo-parity` passes the files of a set on, and adds parity files, from which `moo repair` rebuilds
//! what the store has damaged or lost.

use std::fs::File;

use archive::{FileName, SetTime, parity_name, set_time};
use cli::{Common, Program};
use failure::{Failure, Status};
use parity::{Group, Kind, Share, hash_of_hex};
use stream::member::SHA256;
use stream::{Annotations, FileWriter, FilesInput, Job, Output, StreamKind, Totals, pipe};

/// Add parity files to the files of a set
///
/// moo-parity passes the files that moo-encrypt has made on, unchanged, and adds parity files. moo
/// repair rebuilds damaged and missing files from them, up to the share of their bytes that is
/// damaged, without any key. duplicity ignores parity files.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-parity", version, after_help = EXAMPLES)]
pub struct Parity {
    /// Add parity of PERCENT of the bytes of each group of up to 64 volumes, from 0.1 to 100
    #[arg(long, value_name = "PERCENT", default_value = "5")]
    share: Share,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  moo-scan /etc | moo-sign | moo-delta | moo-pack | moo-encrypt --encrypt-key KEY |
      moo-parity --share 5 | tar tv
  moo-scan --archive ~/archive /etc | moo-sign | moo-delta --archive ~/archive |
      moo-pack --archive ~/archive | moo-encrypt --encrypt-key KEY | moo-parity |
      moo-upload file:///srv/backup | moo-commit --archive ~/archive";

impl Program for Parity {
    const NAME: &'static str = "moo-parity";
    type Outlet = Output<File>;

    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, output: &mut Output<File>) -> Result<Totals, Failure> {
        let mut input = FilesInput::open(pipe::input()?)?;
        if matches!(input.begin().job, Job::Restore(_)) {
            return Err(broken("is a restore, and neither a backup nor a copy"));
        }
        output.begin(&input.begin().onward(StreamKind::Files))?;
        self.warn_of_resumed(&input);
        let mut current: Option<Set> = None;
        while let Some(name) = input.next_file()? {
            let time = set_time(&name).ok_or_else(|| broken(&format!("{name}: is of no set")))?;
            if current.as_ref().is_some_and(|set| set.time != time)
                && let Some(mut set) = current.take()
            {
                set.add_parity(output)?;
            }
            let set = current.get_or_insert_with(|| Set {
                time,
                share: self.share,
                parity: 0,
                group: None,
            });
            set.pass(&name, &mut input, output)?;
        }
        if let Some(mut set) = current {
            set.add_parity(output)?;
        }
        Ok(input.totals())
    }
}

impl Parity {
    /// What an earlier run has stored does not pass by again.
    fn warn_of_resumed(&self, input: &FilesInput<File>) {
        let stored = input.begin().set().map_or(0, |set| set.stored().len());
        if stored > 0 {
            let what = if stored == 1 { "volume 1 has" } else { "the first volumes have" };
            log::warn!(
                "{what} no parity, because an interrupted run has stored {}; \
                 moo repair --parity adds it",
                if stored == 1 { "it" } else { "them" }
            );
        }
    }
}

/// The set that the stream has come to.
struct Set {
    time: SetTime,
    share: Share,
    /// How many parity files it has so far.
    parity: u64,
    group: Option<Group>,
}

impl Set {
    /// Passes a file on, and adds it to the group.
    fn pass(
        &mut self,
        name: &str,
        input: &mut FilesInput<File>,
        output: &mut Output<File>,
    ) -> Result<(), Failure> {
        let kind = Kind::of(name);
        let group = match (&mut self.group, FileName::parse(name)) {
            (Some(group), _) => group,
            (none, Some(name)) => none.insert(Group::new(name.set, self.share)?),
            (None, None) => return Err(broken(&format!("{name}: comes before the volumes"))),
        };
        let mut writer = FileWriter::new(output, name);
        while let Some(chunk) = input.chunk()? {
            writer.pass(&chunk)?;
            group.write(&chunk)?;
        }
        let facts = input.closing().cloned().unwrap_or_default();
        let sha256 = facts.get(SHA256).and_then(hash_of_hex).ok_or_else(|| {
            broken(&format!("{name}: comes without its hash (moo-parity follows moo-encrypt)"))
        })?;
        writer.close(facts)?;
        group.end(name, sha256, kind);
        if kind == Kind::Volume && group.is_full() {
            self.add_parity(output)?;
        }
        Ok(())
    }

    /// Ends the group, if there is one, and writes its parity file.
    fn add_parity(&mut self, output: &mut Output<File>) -> Result<(), Failure> {
        let Some(group) = self.group.take() else { return Ok(()) };
        self.parity += 1;
        let parity = group.finish()?;
        let mut writer = FileWriter::new(output, &parity_name(self.time, self.parity));
        parity.write_to(&mut writer)?;
        writer.close(Annotations::default())
    }
}

fn broken(why: &str) -> Failure {
    Failure::of(Status::Integrity, "standard input", why)
}
