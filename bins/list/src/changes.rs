//! What differs between the states at two times.

use cli::legible;
use std::cmp::Ordering;
use std::ffi::OsString;

use failure::{Failure, Status};
use local::{EntryRecord, Folder, Signatures};
use serde::Serialize;

use crate::line::named;
use crate::object::EntryObject;
use crate::paths::Paths;
use crate::{Form, differences, state};
use cli::Out;
use cli::shown;

/// What became of an entry.
enum Change {
    Added(EntryRecord),
    Deleted(EntryRecord),
    Modified(EntryRecord, EntryRecord, Vec<&'static str>),
    /// It is of another type now.
    Replaced(EntryRecord, EntryRecord),
}

#[derive(Serialize)]
struct ChangeObject {
    change: &'static str,
    fields: Vec<&'static str>,
    old: Option<EntryObject>,
    new: Option<EntryObject>,
}

/// Lists the changes.
pub(crate) fn list(
    folder: &Folder,
    times: &[String],
    words: &[OsString],
    form: Form,
    out: &mut Out,
) -> Result<(), Failure> {
    let [first, second] = times else {
        return Err(Failure::new(Status::Usage, "--changes: needs two times"));
    };
    let mut paths = Paths::new(words)?;
    let collection = folder.collection()?;
    let old = state::at(folder, &collection, "--changes", first)?;
    let new = state::at(folder, &collection, "--changes", second)?;
    let mut pair = Pair { old: old.entries, new: new.entries };
    while let Some(change) = pair.advance(&mut paths)? {
        change.tell(form, out)?;
    }
    let (old, new) = (shown::time(old.time), shown::time(new.time));
    paths.check(&format!("the backups of {old} and {new}"))
}

/// Two states, side by side.
struct Pair {
    old: Signatures,
    new: Signatures,
}

impl Pair {
    /// The next difference among what is asked for.
    fn advance(&mut self, paths: &mut Paths) -> Result<Option<Change>, Failure> {
        while let Some((path, order)) = self.order() {
            if paths.are_before(&path) {
                return Ok(None);
            }
            let wanted = paths.take(&path);
            let change = if wanted { self.change(order)? } else { None };
            if order != Ordering::Greater {
                self.old.advance()?;
            }
            if order != Ordering::Less {
                self.new.advance()?;
            }
            if change.is_some() {
                return Ok(change);
            }
        }
        Ok(None)
    }

    /// The next path of both, and which state has it: less is the old one alone.
    fn order(&self) -> Option<(archive::TreePath, Ordering)> {
        let (old, new) = (self.old.peek(), self.new.peek());
        let (known, order) = match (old, new) {
            (None, None) => return None,
            (Some(known), None) => (known, Ordering::Less),
            (None, Some(known)) => (known, Ordering::Greater),
            (Some(old), Some(new)) => match old.path.cmp(&new.path) {
                Ordering::Greater => (new, Ordering::Greater),
                order => (old, order),
            },
        };
        Some((known.path.clone(), order))
    }

    fn change(&mut self, order: Ordering) -> Result<Option<Change>, Failure> {
        let (old, new) = (self.old.peek().cloned(), self.new.peek().cloned());
        match (order, old, new) {
            (Ordering::Less, Some(old), _) => Ok(Some(Change::Deleted(old))),
            (Ordering::Greater, _, Some(new)) => Ok(Some(Change::Added(new))),
            (_, Some(old), Some(new)) if old.member.kind != new.member.kind => {
                Ok(Some(Change::Replaced(old, new)))
            }
            (_, Some(old), Some(new)) => {
                let fields = differences::fields(&mut self.old, &mut self.new)?;
                Ok((!fields.is_empty()).then_some(Change::Modified(old, new, fields)))
            }
            _ => Ok(None),
        }
    }
}

impl Change {
    fn tell(&self, form: Form, out: &mut Out) -> Result<(), Failure> {
        match form {
            Form::Lines => out.line(&self.line()),
            Form::Json => out.json(&self.object()),
            Form::Null => out.path(&self.known().path),
        }
    }

    /// The entry as it is, or was.
    fn known(&self) -> &EntryRecord {
        match self {
            Change::Added(known) | Change::Deleted(known) => known,
            Change::Modified(_, new, _) | Change::Replaced(_, new) => new,
        }
    }

    fn line(&self) -> String {
        let (sign, what) = match self {
            Change::Added(new) => ('+', legible::kind(new.member.kind).to_owned()),
            Change::Deleted(old) => ('-', legible::kind(old.member.kind).to_owned()),
            Change::Modified(_, _, fields) => ('M', fields.join(",")),
            Change::Replaced(old, new) => (
                'T',
                format!("{} to {}", legible::kind(old.member.kind), legible::kind(new.member.kind)),
            ),
        };
        format!("{sign} {what:<20} {}", named(self.known()))
    }

    fn object(&self) -> ChangeObject {
        let (change, fields, old, new) = match self {
            Change::Added(new) => ("added", Vec::new(), None, Some(new)),
            Change::Deleted(old) => ("deleted", Vec::new(), Some(old), None),
            Change::Modified(old, new, fields) => {
                ("modified", fields.clone(), Some(old), Some(new))
            }
            Change::Replaced(old, new) => ("replaced", vec!["type"], Some(old), Some(new)),
        };
        ChangeObject {
            change,
            fields,
            old: old.map(EntryObject::new),
            new: new.map(EntryObject::new),
        }
    }
}
