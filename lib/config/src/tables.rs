//! The tables of the configuration and what they hold, as moobacker.toml(5) describes them.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::marker::PhantomData;

use failure::shown;
use indexmap::IndexMap;
use options::Call;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Error, IntoDeserializer, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::keep::Keep;
use crate::planned::{Planned, backup_options};
use crate::values::{
    Age, Archive, FileName, Line, Locator, Name, Pattern, Percent, Ping, Rooted, Size,
    SourceIdentity, User,
};

/// One value, or a list of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "Vec<T>", bound(serialize = "T: Clone + Serialize"))]
pub struct List<T>(pub Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<List<T>, D::Error> {
        from.deserialize_any(OneOrMany(PhantomData))
    }
}

/// Reads a text or a list of texts.
struct OneOrMany<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrMany<T> {
    type Value = List<T>;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a text or a list of texts")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<List<T>, E> {
        T::deserialize(text.into_deserializer()).map(|value| List(vec![value]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, values: A) -> Result<List<T>, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(values)).map(List)
    }
}

impl<T> From<List<T>> for Vec<T> {
    fn from(list: List<T>) -> Vec<T> {
        list.0
    }
}

impl<T> Default for List<T> {
    fn default() -> List<T> {
        List(Vec::new())
    }
}

impl<T> List<T> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values, in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }
}

/// All of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Who the stages run as that use a store or an archive directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<User>,
    /// The folder of the archive directories.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive_dir: Option<Rooted>,
    /// The certificates that backups are encrypted to: files or fingerprints.
    #[serde(default, skip_serializing_if = "List::is_empty")]
    pub encrypt_key: List<Line>,
    /// The key that signs seals: a file or a fingerprint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seal_key: Option<Line>,
    /// The file with the key that restores, where it is on this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_key: Option<Rooted>,
    /// The file with the passphrase of `secret_key`, or of the backups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passphrase_file: Option<Rooted>,
    /// When a new full set is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_if_older_than: Option<Age>,
    /// Further options of `moo backup`, a word each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Line>,
    /// Commands before all backups.
    #[serde(default, skip_serializing_if = "List::is_empty")]
    pub before: List<Line>,
    /// Commands after all backups.
    #[serde(default, skip_serializing_if = "List::is_empty")]
    pub after: List<Line>,
    /// Commands after backups of which one failed.
    #[serde(default, skip_serializing_if = "List::is_empty")]
    pub failed: List<Line>,
    /// Whether some command before or after backups needs root; by default it may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hooks_need_root: Option<bool>,
    /// The URL that gets a request at the start, after a success and after a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ping: Option<Ping>,
    /// Which sets stay, in all stores that say nothing themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<Keep>,
    /// What `moo run-checks` checks.
    #[serde(default, skip_serializing_if = "Checks::is_empty")]
    pub checks: Checks,
    /// The stores.
    pub stores: IndexMap<Name, Store>,
    /// The sources.
    pub sources: IndexMap<Name, Source>,
}

/// What is checked, and how often.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Checks {
    /// How old the newest set may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Age>,
    /// After which time a store is verified again: names, seals and a share of the hashes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify: Option<Age>,
    /// After which time a few files are restored again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drill: Option<Age>,
}

impl Checks {
    /// Whether nothing is checked.
    pub fn is_empty(&self) -> bool {
        *self == Checks::default()
    }
}

/// A place that keeps backups: a folder for each source.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Store {
    /// The folder above those of the sources.
    pub url: Locator,
    /// Whether the account can only add files, so that nothing is deleted from here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub append_only: bool,
    /// Options of SSH, such as `Port=2222`.
    #[serde(default, skip_serializing_if = "List::is_empty")]
    pub ssh_options: List<Line>,
    /// The most that is sent or read, in KiB a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bandwidth: Option<u32>,
    /// The parity of the sets there, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parity: Option<Percent>,
    /// Further options of how the store is reached, a word each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Line>,
    /// Which sets stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<Keep>,
}

/// What makes a snapshot of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Snapshot {
    /// A subvolume of btrfs.
    Btrfs,
    /// A dataset of ZFS.
    Zfs,
    /// A logical volume.
    Lvm,
}

impl Snapshot {
    /// The value of `moo backup --snapshot`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Snapshot::Btrfs => "btrfs",
            Snapshot::Zfs => "zfs",
            Snapshot::Lvm => "lvm",
        }
    }
}

/// What is backed up.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Source {
    /// The directory or file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<Rooted>,
    /// Instead of a path: commands whose output is backed up, by the names of the files.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub commands: IndexMap<FileName, Line>,
    /// Who runs the commands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_as: Option<User>,
    /// What makes a snapshot of it, which is backed up instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<Snapshot>,
    /// The stores that it goes to; all if there are none.
    #[serde(default, skip_serializing_if = "List::is_empty")]
    pub stores: List<Name>,
    /// The globs that leave entries out.
    #[serde(default, skip_serializing_if = "List::is_empty")]
    pub exclude: List<Line>,
    /// The choices in their order, where includes and excludes mix.
    #[serde(default, skip_serializing_if = "List::is_empty")]
    pub select: List<Pattern>,
    /// Whether the content of caches stays out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exclude_caches: bool,
    /// Whether what has the flag `d` of chattr stays out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exclude_nodump: bool,
    /// The size above which a file stays out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude_larger_than: Option<Size>,
    /// The identity of its backups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<SourceIdentity>,
    /// When a new full set is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_if_older_than: Option<Age>,
    /// Further options of `moo backup`, a word each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Line>,
    /// Commands before its backup.
    #[serde(default, skip_serializing_if = "List::is_empty")]
    pub before: List<Line>,
    /// Commands after its backup.
    #[serde(default, skip_serializing_if = "List::is_empty")]
    pub after: List<Line>,
    /// Commands after its backup if that failed.
    #[serde(default, skip_serializing_if = "List::is_empty")]
    pub failed: List<Line>,
    /// Which of its sets stay, whatever its stores say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<Keep>,
    /// The names of its archive directories, by store, where they are not SOURCE.STORE.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub archive_names: IndexMap<Name, Archive>,
}

impl Config {
    /// The stores of a source, with their names.
    pub fn stores_of<'a>(
        &'a self,
        source: &'a Source,
    ) -> impl Iterator<Item = (&'a Name, &'a Store)> {
        let chosen = move |name: &Name| source.stores.is_empty() || source.stores.0.contains(name);
        self.stores.iter().filter(move |(name, _)| chosen(name))
    }

    /// The URL of a source's folder in a store.
    pub fn url(store: &Store, source: &Name) -> String {
        let url = store.url.trim_end_matches('/');
        // The root of a remote of rclone has no slash.
        if url.ends_with(':') { format!("{url}{source}") } else { format!("{url}/{source}") }
    }

    /// What messages call a call: its source, and its store if there are several.
    pub fn title(&self, planned: &Planned) -> String {
        match self.stores.len() {
            0 | 1 => planned.source.to_string(),
            _ => format!("{} at {}", planned.source, planned.store),
        }
    }

    /// The name of the archive directory of a source and a store.
    pub fn archive_name(&self, source: &Name, store: &Name) -> String {
        let names = self.sources.get(source).map(|source| &source.archive_names);
        let given = names.and_then(|names| names.get(store));
        given.map_or_else(|| format!("{source}.{store}"), Archive::to_string)
    }

    /// The rules for the sets of a source in a store.
    pub fn keep<'a>(&'a self, source: &'a Source, store: &'a Store) -> Option<&'a Keep> {
        source.keep.as_ref().or(store.keep.as_ref()).or(self.keep.as_ref())
    }

    /// Whether sets of a source in a store are deleted after its backup.
    pub fn prunes(&self, source: &Source, store: &Store) -> bool {
        !store.append_only && self.keep(source, store).is_some()
    }

    /// The configuration, if its tables agree; or the key that is wrong, and why.
    pub(crate) fn agreed(self) -> Result<Config, String> {
        match self.disagreement() {
            Some((key, why)) => Err(format!("{key}: {why}")),
            None => Ok(self),
        }
    }

    /// The keys of a backup that are files which do not exist, each with what names it: the setup is not
    /// finished.
    pub fn missing_keys(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let encrypt = self.encrypt_key.iter().map(|key| ("encrypt-key", &**key));
        let seal = self.seal_key.iter().map(|key| ("seal-key", &**key));
        let missing = |key: &str| {
            let sought = std::fs::symlink_metadata(key);
            sought.is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
        };
        encrypt.chain(seal).filter(move |(_, key)| key.contains('/') && missing(key))
    }

    /// What the tables must agree on: the key that is wrong, and why.
    pub(crate) fn disagreement(&self) -> Option<(String, String)> {
        let wrong = |key: &str, why: &str| Some((key.to_owned(), why.to_owned()));
        if self.stores.is_empty() {
            return wrong("stores", "a store is needed, such as [stores.main] with its url");
        }
        if self.sources.is_empty() {
            return wrong("sources", "a source is needed, such as [sources.etc] with its path");
        }
        if self.encrypt_key.is_empty() && self.passphrase_file.is_none() {
            return wrong("encrypt-key", "missing; give the certificate that encrypts the backups");
        }
        if let Some(wrong) = self.same_place().or_else(|| self.no_rule()) {
            return Some(wrong);
        }
        let further = not_an_option(&self.options).map(|why| ("options".to_owned(), why));
        let of_store = |(name, store): (&Name, &Store)| {
            let why = not_an_option(&store.options).or_else(|| store.reaches_nothing());
            why.map(|why| (format!("stores.{name}.options"), why))
        };
        further
            .or_else(|| self.stores.iter().find_map(of_store))
            .or_else(|| self.sources.iter().find_map(|(name, source)| self.disagrees(name, source)))
    }

    /// Two stores with one URL, or two archive directories with one name: the key and why.
    fn same_place(&self) -> Option<(String, String)> {
        let mut urls = HashMap::new();
        for (name, store) in &self.stores {
            if let Some(other) = urls.insert(store.url.trim_end_matches('/'), name) {
                return Some((
                    format!("stores.{name}.url"),
                    format!("is that of the store {other}"),
                ));
            }
        }
        let mut archives = HashMap::new();
        for (name, source) in &self.sources {
            for (store, _) in self.stores_of(source) {
                let archive = self.archive_name(name, store);
                if let Some((other, at)) = archives.insert(archive.clone(), (name, store)) {
                    let why = format!(
                        "its archive directory {archive} is that of {other} at {at}; set archive-names"
                    );
                    return Some((format!("sources.{name}"), why));
                }
            }
        }
        None
    }

    /// A table of rules without a rule: the key and why.
    fn no_rule(&self) -> Option<(String, String)> {
        let stores =
            self.stores.iter().map(|(name, store)| (format!("stores.{name}.keep"), &store.keep));
        let sources = self
            .sources
            .iter()
            .map(|(name, source)| (format!("sources.{name}.keep"), &source.keep));
        let mut all = std::iter::once(("keep".to_owned(), &self.keep)).chain(stores).chain(sources);
        let empty =
            all.find(|(_, keep)| keep.as_ref().is_some_and(|keep| *keep == Keep::default()));
        empty.map(|(key, _)| (key, "a rule is needed, such as full = 4".to_owned()))
    }

    fn disagrees(&self, name: &Name, source: &Source) -> Option<(String, String)> {
        let key = |key: &str| format!("sources.{name}.{key}");
        let is_kind = |name: &Name| Call::read("backup", &[OsString::from(&**name)]);
        if is_kind(name).is_some_and(|call| call.kind.is_some()) {
            return Some((format!("sources.{name}"), "a kind of backup has that name".to_owned()));
        }
        match (&source.path, source.commands.is_empty()) {
            (None, true) => {
                let why = "a path is needed, such as path = \"/etc\", or commands";
                return Some((format!("sources.{name}"), why.to_owned()));
            }
            (Some(_), false) => {
                let why = "give path or commands, not both: make two sources";
                return Some((key("commands"), why.to_owned()));
            }
            (Some(_), true) if source.run_as.is_some() => {
                return Some((key("run-as"), "there are no commands".to_owned()));
            }
            _ => {}
        }
        if source.path.is_none() && source.snapshot.is_some() {
            return Some((
                key("snapshot"),
                "there is no snapshot of the output of commands".to_owned(),
            ));
        }
        if source.path.is_none() && source.selects() {
            let why = "nothing can be selected in the output of commands";
            return Some((format!("sources.{name}"), why.to_owned()));
        }
        if !source.exclude.is_empty() && !source.select.is_empty() {
            return Some((key("exclude"), "give exclude or select, not both".to_owned()));
        }
        if let Some(why) = not_an_option(&source.options) {
            return Some((key("options"), why));
        }
        let named = source.stores.iter().map(|store| ("stores", store));
        let named = named.chain(source.archive_names.keys().map(|store| ("archive-names", store)));
        let mut unknown = named.filter(|(_, store)| !self.stores.contains_key(*store));
        unknown.next().map(|(word, store)| (key(word), format!("{store}: no such store")))
    }
}

/// Options of `moo backup` that have keys of their own, or would make of each backup something else.
const OWN: [&str; 9] = [
    "archive-dir",
    "config",
    "dry-run",
    "help",
    "identity",
    "name",
    "start-over",
    "user",
    "version",
];

/// Why words are no options of `moo backup`.
fn not_an_option(words: &[Line]) -> Option<String> {
    let call = backup_options(words.iter());
    if let Some(own) = OWN.into_iter().find(|own| call.has(own)) {
        return Some(format!("--{own}: not an option that a configuration can give"));
    }
    let other = call.kind.or_else(|| call.arguments.into_iter().next())?;
    Some(format!("{}: not an option", shown(&other)))
}

impl Store {
    /// Why its options are none of how it is reached.
    fn reaches_nothing(&self) -> Option<String> {
        let options = backup_options(self.options.iter()).options;
        let other = options.into_iter().find(|option| !options::reaches_store(option))?;
        let word = other.into_iter().next().unwrap_or_default();
        Some(format!(
            "{}: not an option of how a store is reached; give it to a source",
            shown(&word)
        ))
    }
}
