//! Receipts: lines of JSON from `moo-upload` to `moo-commit`, one per file that has arrived at the
//! store.
//!
//! The first line describes the run, the last one its success or failure.

use std::io::{BufRead, BufReader, Read, Write};

use serde::{Deserialize, Serialize};

use crate::control::{Begin, Failed, Receipt, StreamKind, Totals};
use crate::input::{Input, peek};
use failure::{Failure, OrFail, Status};

/// The longest line that is read: a seal of a set with a million volumes fits.
const LONGEST_LINE: u64 = 256 << 20;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Last {
    End(Totals),
    Failed(Failed),
}

/// Receipts that are being written.
pub struct Receipts<W: Write> {
    to: W,
}

impl<W: Write> Receipts<W> {
    /// Writes the first line.
    pub fn begin(&mut self, begin: &Begin) -> Result<(), Failure> {
        self.line(begin)
    }

    /// Writes a file's line.
    pub fn receipt(&mut self, receipt: &Receipt) -> Result<(), Failure> {
        self.line(receipt)
    }

    fn line(&mut self, what: &impl Serialize) -> Result<(), Failure> {
        let mut line = serde_json::to_vec(what).or_fail(Status::Failed, "standard output")?;
        line.push(b'\n');
        self.to.write_all(&line).map_err(|e| Failure::of_output(&e))
    }

    /// Writes receipts that end as finished or as failed. `stage` is the program's name.
    pub fn deliver(
        stage: &str,
        to: W,
        run: impl FnOnce(&mut Receipts<W>) -> Result<Totals, Failure>,
    ) -> Result<Totals, Failure> {
        let mut receipts = Receipts { to };
        match run(&mut receipts) {
            Ok(totals) => receipts.line(&Last::End(totals.clone())).map(|()| totals),
            Err(failure) => {
                if !failure.is_closed_pipe() {
                    // What failed first is the news, not that it can't be passed on.
                    let _ = receipts.line(&Last::Failed(Failed::of(stage, &failure)));
                }
                Err(failure)
            }
        }
    }
}

/// Receipts that are being read.
pub struct ReceiptsInput<R> {
    from: BufReader<R>,
    begin: Begin,
    totals: Option<Totals>,
}

impl<R: Read> ReceiptsInput<R> {
    /// Reads the first line.
    pub fn open(from: R) -> Result<ReceiptsInput<R>, Failure> {
        let mut from = BufReader::new(from);
        if peek(&mut from)?.starts_with(b"failed.json\0") {
            // A stage that failed before it knew that receipts were wanted.
            let failed = Input::open(from, StreamKind::Receipts).err();
            return Err(failed.unwrap_or_else(|| broken("not receipts")));
        }
        let line = line(&mut from)?.ok_or_else(|| killed("empty"))?;
        if !line.starts_with(b"{") {
            return Err(broken("not receipts: is moo-upload the stage before?"));
        }
        if let Ok(Last::Failed(failed)) = serde_json::from_slice(&line) {
            return Err(failed.into());
        }
        let begin = Begin::parse(&line, StreamKind::Receipts).map_err(|why| broken(&why))?;
        Ok(ReceiptsInput { from, begin, totals: None })
    }

    /// What the first stage has decided.
    pub fn begin(&self) -> &Begin {
        &self.begin
    }

    /// What the stages before have counted, once the receipts have ended.
    pub fn totals(&self) -> Totals {
        self.totals.clone().unwrap_or_default()
    }

    /// The next receipt, or `None` at the end.
    pub fn advance(&mut self) -> Result<Option<Receipt>, Failure> {
        let Some(line) = line(&mut self.from)? else {
            return Err(killed("ends without an end mark"));
        };
        if let Ok(receipt) = serde_json::from_slice(&line) {
            return Ok(Some(receipt));
        }
        let totals = match serde_json::from_slice(&line) {
            Ok(Last::End(totals)) => totals,
            Ok(Last::Failed(failed)) => return Err(failed.into()),
            Err(error) => return Err(broken(&format!("malformed receipt: {error}"))),
        };
        if peek(&mut self.from)?.is_empty() {
            self.totals = Some(totals);
            return Ok(None);
        }
        Err(broken("continues after its end mark"))
    }
}

/// The next complete line, or `None` at the end of the input, even in the middle of a line.
fn line(from: &mut impl BufRead) -> Result<Option<Vec<u8>>, Failure> {
    let mut line = Vec::new();
    let read = from.take(LONGEST_LINE).read_until(b'\n', &mut line);
    if read.map_err(|e| Failure::of_input(&e))? as u64 == LONGEST_LINE {
        return Err(broken("a line without an end"));
    }
    Ok(line.ends_with(b"\n").then_some(line))
}

fn killed(why: &str) -> Failure {
    let cause = "the previous program in the pipe failed";
    Failure::new(Status::Killed, format!("standard input: {why}: {cause}"))
}

fn broken(why: &str) -> Failure {
    Failure::new(Status::Integrity, format!("standard input: {why}"))
}
