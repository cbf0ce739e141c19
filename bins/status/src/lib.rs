//! `moo-status` tells what a store holds: its chains and sets, what is wrong with them, and how old the
//! last good one is.

mod finding;
mod findings;
mod gather;
mod inventory;
mod json;
mod metrics;
mod table;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::SystemTime;

use archive::{Collection, Identity, Labels, SetId, SetTime};
use cli::{Common, Out, Program};
use failure::{Failure, OrFail};
use local::Folder;
use openpgp::{Cert, find_certificate};
use store::Store;
use stream::Totals;
use survey::Survey;

use crate::inventory::{Belonging, Doubts, Inventory};

/// List the sets of a store and their problems
///
/// moo-status lists the sets of the store at URL and what is wrong with them. It needs no key, and it
/// detects more with the archive directory.
#[derive(clap::Parser, Debug)]
#[command(name = "moo-status", version, after_help = EXAMPLES)]
pub struct Status {
    /// URL of the store, such as file:///srv/backup or sftp://user@host/backup
    url: String,
    /// Use the archive directory FOLDER
    #[arg(short, long, value_name = "FOLDER")]
    archive: Option<PathBuf>,
    /// Exit with 3 if the newest good set is older than AGE, such as 26h; print nothing if all is
    /// well
    #[arg(long, value_name = "AGE")]
    max_age: Option<String>,
    /// Accept a set as good only if the certificate KEY has signed its seal
    #[arg(long, value_name = "KEY")]
    seal_key: Vec<OsString>,
    /// Accept a set as good only if it has the identity ID: 32 hexadecimal digits, from moo status
    /// or the recovery kit. The default is the identity in the newest seal of --archive
    #[arg(long, value_name = "ID")]
    identity: Option<Identity>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Print metrics in the text format of Prometheus
    #[arg(long, conflicts_with = "json")]
    metrics: bool,
    /// Give each metric the label source="NAME"
    #[arg(long, value_name = "NAME", requires = "metrics")]
    label_source: Option<String>,
    /// Give each metric the label store="NAME"
    #[arg(long, value_name = "NAME", requires = "metrics")]
    label_store: Option<String>,
    #[command(flatten)]
    reached: store::Options,
    #[command(flatten)]
    common: Common,
}

const EXAMPLES: &str = "\
Examples:
  moo-status file:///srv/backup
  moo-status --metrics --label-store disk file:///srv/backup
  moo-status --archive ~/archive --max-age 26h file:///srv/backup
  moo-fetch --metadata file:///srv/backup | moo-decrypt | moo-upload file://$HOME/copy |
      moo-commit && moo-status --archive ~/copy file:///srv/backup";

impl Program for Status {
    const NAME: &'static str = "moo-status";
    type Outlet = ();

    fn common(&self) -> &Common {
        &self.common
    }

    fn run(self, (): &mut ()) -> Result<Totals, Failure> {
        list(&self)?;
        Ok(Totals::default())
    }
}

/// Lists the sets of the store, and fails if it does not hold what it should.
fn list(arguments: &Status) -> Result<(), Failure> {
    let url = arguments.url.as_str();
    let now = SetTime::try_from(SystemTime::now()).or_fail(failure::Status::Failed, "clock")?;
    let limit = arguments.max_age.as_ref().map(|age| watch::limit(age, now)).transpose()?;
    let quiet = limit.is_some();
    let mut out = Out::new();
    let (inventory, result) = match take_inventory(arguments, now) {
        Ok(inventory) => {
            let result = watch::judge(url, &inventory, limit);
            (Some(inventory), result)
        }
        Err(failure) => (None, Err(failure)),
    };
    if arguments.metrics {
        // A store that can't be reached is to be seen there, too.
        let code = result.as_ref().err().map_or(0, |failure| failure.status().code());
        metrics::print(inventory.as_ref(), code, &arguments.labels(), &mut out)?;
    } else if let Some(inventory) = &inventory {
        if arguments.json {
            out.json(&json::object(url, inventory))?;
        } else if !quiet {
            table::print(url, inventory, &mut out)?;
        }
    }
    out.flush()?;
    result
}

impl Status {
    /// The labels of the metrics.
    fn labels(&self) -> String {
        let named = [("source", &self.label_source), ("store", &self.label_store)];
        metrics::labels(named.into_iter().filter_map(|(key, value)| Some((key, value.as_deref()?))))
    }
}

/// What the store holds at this time.
fn take_inventory(arguments: &Status, now: SetTime) -> Result<Inventory, Failure> {
    let folder = arguments.archive.as_deref().map(Folder::open).transpose()?;
    let mut store = store::open(&arguments.url, &arguments.reached)?;
    let files = store.list()?;
    let certs = arguments.seal_key.iter().map(find_certificate);
    let certs = certs.collect::<Result<Vec<_>, _>>()?;
    let mut survey = Survey::of(store.as_mut(), &files, folder.as_ref(), &certs)?;
    let known = folder.as_ref().map(Folder::collection).transpose()?;
    // What no seal vouches for is listed, but is no good set.
    let unsealed = unsealed(&mut survey, store.as_mut(), (known.as_ref(), &certs))?;
    let belonging = belonging(arguments.identity, &mut survey, store.as_mut())?;
    let forks = survey.forks(store.as_mut())?;
    let doubts = Doubts { unsealed, belonging, forks, unlinked: survey.unlinked() };
    let shows_sets = arguments.max_age.is_none() && !arguments.metrics;
    let labels = match shows_sets {
        true => labels(&mut survey, store.as_mut())?,
        false => BTreeMap::new(),
    };
    gather::gather((&survey, &labels), doubts, folder.as_ref(), now)
}

/// What people have said of the sets, as their seals have it.
fn labels(survey: &mut Survey, store: &mut dyn Store) -> Result<BTreeMap<SetId, Labels>, Failure> {
    let mut labels = BTreeMap::new();
    let sets: Vec<_> = survey.collection.complete().map(|set| set.id).collect();
    for set in sets {
        labels.extend(survey.labels(store, set)?.map(|labels| (set, labels)));
    }
    labels.retain(|_, labels: &mut Labels| !labels.is_empty());
    Ok(labels)
}

/// Which backup the sets are of, as their seals say.
fn belonging(
    expected: Option<Identity>,
    survey: &mut Survey,
    store: &mut dyn Store,
) -> Result<Belonging, Failure> {
    if let Some(expected) = expected.or(survey.identity()) {
        let foreign = survey.foreign(expected, store)?;
        return Ok(Belonging { identity: Some(expected), foreign, several: None });
    }
    let found = survey.identities(store)?;
    let several = (found.len() > 1).then(|| survey::several(&found));
    let identity = found.into_keys().next().filter(|_| several.is_none());
    Ok(Belonging { identity, foreign: BTreeMap::new(), several })
}

/// The sets that have no seal of the seal key, where one is demanded, and that the archive does not
/// know.
fn unsealed(
    survey: &mut Survey,
    store: &mut dyn Store,
    (known, certs): (Option<&Collection>, &[Cert]),
) -> Result<BTreeSet<SetId>, Failure> {
    let mut unsealed = BTreeSet::new();
    if certs.is_empty() {
        return Ok(unsealed);
    }
    let known: BTreeSet<_> =
        known.into_iter().flat_map(Collection::complete).map(|set| set.id).collect();
    let sets: Vec<_> = survey.collection.complete().map(|set| set.id).collect();
    for set in sets.into_iter().filter(|set| !known.contains(set)) {
        if survey.seal(store, set)?.is_none() {
            unsealed.insert(set);
        }
    }
    Ok(unsealed)
}
