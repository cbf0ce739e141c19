//! What would be done, and what was done: for people, or as JSON.

use archive::SetId;
use cli::{Out, legible, shown};
use failure::Failure;
use serde::Serialize;

use crate::holdings::Holdings;
use crate::plan::{Goner, Item, Plan, Stay};

/// Reports to standard output. What was deleted is reported in JSON only.
pub(crate) struct Report<'a> {
    holdings: &'a Holdings,
    json: bool,
    out: Out,
}

/// What --json prints for a set or a file: `prune.json` of the schemas.
#[derive(Serialize)]
struct Line<'a> {
    action: &'a str,
    set: Option<Set>,
    file: Option<&'a str>,
    /// Its files in the store.
    files: &'a [String],
    bytes: u64,
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct Set {
    #[serde(rename = "type")]
    kind: &'static str,
    time: String,
    base: Option<String>,
}

/// The last line.
#[derive(Serialize)]
struct Total {
    action: &'static str,
    deleted: bool,
    removed: usize,
    kept: usize,
    bytes: u64,
}

impl<'a> Report<'a> {
    pub(crate) fn new(holdings: &'a Holdings, json: bool) -> Report<'a> {
        Report { holdings, json, out: Out::new() }
    }

    /// Lists what would go and what stays, and what all of it comes to.
    pub(crate) fn list(mut self, plan: &Plan) -> Result<(), Failure> {
        for Goner { what, why, stored, .. } in &plan.goes {
            self.line("remove", what, stored, why)?;
        }
        for Stay { what, why, stored } in &plan.stays {
            self.line("keep", what, stored, why)?;
        }
        self.total(plan, false)
    }

    /// Reports a set or a file that has gone.
    pub(crate) fn removed(&mut self, goner: &Goner) -> Result<(), Failure> {
        if !self.json {
            return Ok(());
        }
        self.line("remove", &goner.what, &goner.stored, &goner.why)
    }

    /// Reports what all of it comes to, as the last line.
    pub(crate) fn total(mut self, plan: &Plan, deleted: bool) -> Result<(), Failure> {
        let bytes = plan.goes.iter().map(|goner| self.holdings.size(&goner.stored)).sum();
        let (removed, kept) = (plan.goes.len(), plan.stays.len());
        if self.json {
            self.out.json(&Total { action: "total", deleted, removed, kept, bytes })?;
        } else if !deleted && removed == 0 {
            self.out.line("nothing would go")?;
        } else if !deleted {
            self.out.line(&format!("{} would be freed (with --force)", legible::size(bytes)))?;
        }
        self.out.flush()
    }

    fn line(
        &mut self,
        action: &str,
        what: &Item,
        files: &[String],
        why: &str,
    ) -> Result<(), Failure> {
        let bytes = self.holdings.size(files);
        if !self.json {
            return self.out.line(&text(action, what, bytes, why));
        }
        let (set, file) = match what {
            Item::File(name) => (None, Some(name.as_str())),
            Item::Set(id) => (Some(Set::of(*id)), None),
        };
        let reason = Some(why).filter(|why| !why.is_empty());
        self.out.json(&Line { action, set, file, files, bytes, reason })
    }
}

impl Set {
    fn of(id: SetId) -> Set {
        let base = id.base.map(|base| base.to_string());
        Set { kind: shown::kind(id), time: id.time.to_string(), base }
    }
}

fn text(action: &str, what: &Item, bytes: u64, why: &str) -> String {
    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
    format!("{action:6}  {what}, {}{why}", legible::size(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_whatever_the_name() {
        let file = |name: &str| Item::File(name.to_owned());
        assert_eq!(
            text("keep", &file("a\n\u{1b}[2J"), 1536, "foreign"),
            "keep    a\\x0a\\x1b[2J, 1.5 KiB: foreign"
        );
        assert_eq!(text("remove", &file("full"), 7, ""), "remove  full, 7 B");
    }
}
