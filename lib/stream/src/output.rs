//! Writing a stream, so that it ends as finished, as failed, or visibly cut.

use std::io::Write;

use serde::Serialize;

use crate::control::{Begin, End, Failed, StreamKind, Totals};
use crate::gather::GatherWriter;
use crate::member::Member;
use crate::tar_writer::TarWriter;
use failure::{Failure, Status, legible};

/// A stream that is being written. Members are written whole, so that it can end at any time.
pub struct Output<W: Write> {
    tar: TarWriter<GatherWriter<W>>,
    members: u64,
    bytes: u64,
    form: Form,
}

/// What the reader of an output is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Stream,
    /// The program was asked for text instead.
    Text,
    /// A terminal: a tar is useless there.
    Terminal,
    /// A terminal that gets the bodies of receipts, a line each.
    Lines,
}

impl<W: Write> Output<W> {
    pub(crate) fn new(to: W, terminal: bool) -> Output<W> {
        let tar = TarWriter::new(GatherWriter::new(to));
        let form = if terminal { Form::Terminal } else { Form::Stream };
        Output { tar, members: 0, bytes: 0, form }
    }

    /// The output as one for text, in place of a stream.
    pub fn text(&mut self) -> &mut impl Write {
        self.form = Form::Text;
        self.tar.get_mut()
    }

    /// Writes `begin.json` at once, so that the next stages can prepare.
    pub fn begin(&mut self, begin: &Begin) -> Result<(), Failure> {
        if self.form == Form::Terminal && begin.stream == StreamKind::Receipts {
            self.form = Form::Lines;
            return Ok(());
        }
        if self.form == Form::Terminal {
            let why = "is a terminal (pipe it into the next stage, or into `tar tv`)";
            return Err(Failure::new(Status::Usage, format!("standard output: {why}")));
        }
        self.control("begin.json", begin)?;
        self.flush()
    }

    /// Writes a member with its whole body.
    pub fn append(&mut self, member: &Member, body: &[u8]) -> Result<(), Failure> {
        self.members += 1;
        self.bytes += body.len() as u64;
        if self.form == Form::Lines {
            let line = legible::line(body.trim_ascii_end());
            return writeln!(self.tar.get_mut(), "{line}").map_err(|e| Failure::of_output(&e));
        }
        self.tar.append(member, body).map_err(|e| Failure::of_output(&e))
    }

    /// Writes the buffered bytes.
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.tar.get_mut().flush().map_err(|e| Failure::of_output(&e))
    }

    fn finish(mut self, totals: Totals) -> Result<(), Failure> {
        let end = End { members: self.members, bytes: self.bytes, totals };
        self.close("end.json", &end)
    }

    fn fail(mut self, stage: &str, failure: &Failure) -> Result<(), Failure> {
        self.close("failed.json", &Failed::of(stage, failure))
    }

    fn close(&mut self, name: &str, last: &impl Serialize) -> Result<(), Failure> {
        if self.form == Form::Stream {
            self.control(name, last)?;
            self.tar.end(false).map_err(|e| Failure::of_output(&e))?;
        }
        self.flush()
    }

    fn control(&mut self, name: &str, what: &impl Serialize) -> Result<(), Failure> {
        let mut body =
            serde_json::to_vec(what).map_err(|e| Failure::of(Status::Failed, name, e))?;
        body.push(b'\n');
        self.tar.append(&Member::named(name), &body).map_err(|e| Failure::of_output(&e))
    }
}

/// Runs a stage on its output. The stream ends with `end.json` after success, and with
/// `failed.json` after a failure.
///
/// `stage` is the program's name for `failed.json`.
pub fn deliver<W: Write>(
    stage: &str,
    to: W,
    run: impl FnOnce(&mut Output<W>) -> Result<Totals, Failure>,
) -> Result<Totals, Failure> {
    deliver_by(stage, Output::new(to, false), run)
}

pub(crate) fn deliver_by<W: Write>(
    stage: &str,
    mut output: Output<W>,
    run: impl FnOnce(&mut Output<W>) -> Result<Totals, Failure>,
) -> Result<Totals, Failure> {
    match run(&mut output) {
        Ok(totals) => output.finish(totals.clone()).map(|()| totals),
        Err(failure) => {
            if !failure.is_closed_pipe() {
                // What failed first is the news, not that it can't be passed on.
                let _ = output.fail(stage, &failure);
            }
            Err(failure)
        }
    }
}
