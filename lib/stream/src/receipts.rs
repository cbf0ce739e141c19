//! Receipts: members of JSON from `moo-upload` to `moo-commit`, one per file that has arrived at the
//! store.

use std::io::{Read, Write};

use crate::control::{Begin, Receipt, StreamKind, Totals};
use crate::input::Input;
use crate::member::Member;
use crate::output::Output;
use failure::{Failure, OrFail, Status};

/// The name of each member.
const RECEIPT: &str = "receipt.json";

impl<W: Write> Output<W> {
    /// Writes a receipt.
    ///
    /// # Errors
    /// The output fails.
    pub fn receipt(&mut self, receipt: &Receipt) -> Result<(), Failure> {
        let mut body = serde_json::to_vec(receipt).or_fail(Status::Failed, RECEIPT)?;
        body.push(b'\n');
        self.append(&Member::named(RECEIPT), &body)
    }
}

/// Receipts that are being read.
pub struct ReceiptsInput<R> {
    input: Input<R>,
}

impl<R: Read> ReceiptsInput<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// The input is no stream of receipts, a stage has failed, or the input can't be read.
    pub fn open(from: R) -> Result<ReceiptsInput<R>, Failure> {
        Ok(ReceiptsInput { input: Input::open(from, StreamKind::Receipts)? })
    }

    /// What the first stage has decided.
    pub fn begin(&self) -> &Begin {
        self.input.begin()
    }

    /// What the stages before have counted, once the receipts have ended.
    pub fn totals(&self) -> Totals {
        self.input.end().map(|end| end.totals.clone()).unwrap_or_default()
    }

    /// The next receipt, or `None` at the end.
    ///
    /// # Errors
    /// The input is malformed or cut, a stage has failed, or the input can't be read.
    pub fn advance(&mut self) -> Result<Option<Receipt>, Failure> {
        let Some(item) = self.input.advance()? else { return Ok(None) };
        let malformed = |why: &dyn std::fmt::Display| {
            Failure::new(Status::Integrity, format!("standard input: malformed receipt: {why}"))
        };
        if item.member.name != RECEIPT.as_bytes() {
            return Err(malformed(&"another member"));
        }
        serde_json::from_slice(&item.body).map(Some).map_err(|error| malformed(&error))
    }
}
