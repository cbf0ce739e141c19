//! What names stand for: a call of a command with names of sources and stores, as calls with paths,
//! URLs and options.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};

use failure::{Failure, Status, shown};
use options::Call;

use crate::nearest;
use crate::planned::{Planned, backup_options};
use crate::tables::{Config, Snapshot, Source, Store};
use crate::values::Name;

/// Whether the arguments of a call are names, and not a URL. No arguments mean all names, where the
/// command can do without any.
pub fn takes_names(command: &str, call: &Call) -> bool {
    let first = call.arguments.first();
    match command {
        "backup" | "run-checks" => call.arguments.iter().all(is_name),
        _ if has_one_state(command) => first.is_some_and(is_name),
        "rekey" => false,
        "replicate" => call.arguments.len() == 3 && call.arguments.iter().all(is_name),
        _ => first.is_none_or(is_name),
    }
}

/// Whether a command takes names and nothing else: several sources, and last a store of theirs.
fn takes_only_names(command: &str) -> bool {
    matches!(
        command,
        "backup"
            | "run-checks"
            | "status"
            | "prune"
            | "cleanup"
            | "repair"
            | "sync"
            | "consolidate"
    )
}

/// Whether a command reads the backup of one source in one store.
fn has_one_state(command: &str) -> bool {
    matches!(command, "restore" | "list" | "find" | "diff" | "mount")
}

/// A word that can be no URL, and no path that goes through a folder.
fn is_name(word: &OsString) -> bool {
    word.to_str().is_some_and(|word| Name::try_from(word.to_owned()).is_ok())
}

/// A source's folder in a store.
#[derive(Clone, Copy, Debug)]
struct Place<'a> {
    source_name: &'a Name,
    source: &'a Source,
    store_name: &'a Name,
    store: &'a Store,
}

/// What the arguments of a call name.
struct Named<'a> {
    places: Vec<Place<'a>>,
    /// The arguments after the names.
    rest: VecDeque<&'a OsStr>,
}

/// Who calls.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Whether it is root, who leaves most of the work to the configured user.
    pub root: bool,
    /// The user who has called `sudo`, who does the work where none is configured.
    pub sudo: Option<String>,
}

impl Caller {
    /// Who calls this process.
    pub fn of_process() -> Caller {
        let sudo = std::env::var("SUDO_USER").ok();
        Caller { root: rustix::process::geteuid().is_root(), sudo }
    }

    /// A caller who does all the work.
    pub fn plain() -> Caller {
        Caller { root: false, sudo: None }
    }
}

impl Config {
    /// The calls that a call with names stands for, in the order of the configuration.
    ///
    /// # Errors
    /// Status 2: a name is of nothing; or root calls, and there is nobody to run the stages as.
    pub fn calls(
        &self,
        command: &str,
        call: &Call,
        caller: &Caller,
    ) -> Result<Vec<Planned>, Failure> {
        let call = call.clone().without("config");
        let words = call.arguments.iter().map(OsString::as_os_str);
        if command == "replicate" {
            return self.copies(&call, words, caller);
        }
        let named = self.named(command, words.collect())?;
        let user = self.user(command, &call, caller)?;
        let planned = named.places.into_iter().map(|place| {
            let mut words: Vec<OsString> = call.kind.iter().cloned().collect();
            words.extend(user.iter().map(|user| format!("--user={user}").into()));
            words.extend(self.options(command, place, !named.rest.is_empty()));
            words.extend(call.options.iter().flatten().cloned());
            words.push("--".into());
            let path = place.source.path.as_deref().unwrap_or("-");
            words.extend((command == "backup").then(|| OsString::from(path)));
            words.push(Config::url(place.store, place.source_name).into());
            words.extend(named.rest.iter().map(|word| (*word).to_owned()));
            Planned { source: place.source_name.clone(), store: place.store_name.clone(), words }
        });
        Ok(planned.collect())
    }

    /// The call that deletes old sets of a source in a store after its backup, by that user if one is given;
    /// none if nothing is to be deleted from here.
    ///
    /// # Errors
    /// As [`calls`](Self::calls).
    pub fn prune_after(
        &self,
        backup: &Planned,
        user: Option<&OsStr>,
        caller: &Caller,
    ) -> Result<Option<Planned>, Failure> {
        let place = self.sources.get(&backup.source).zip(self.stores.get(&backup.store));
        if !place.is_some_and(|(source, store)| self.prunes(source, store)) {
            return Ok(None);
        }
        let user = user.map(|user| vec!["--user".into(), user.to_owned()]);
        let call = Call {
            options: user.into_iter().chain([vec!["--force".into()]]).collect(),
            arguments: [&backup.source, &backup.store].map(|name| OsString::from(&**name)).into(),
            ..Call::default()
        };
        Ok(self.calls("prune", &call, caller)?.pop())
    }

    /// What the arguments of a call name, and what follows the names.
    fn named<'a>(
        &'a self,
        command: &str,
        words: VecDeque<&'a OsStr>,
    ) -> Result<Named<'a>, Failure> {
        let mut rest = words;
        let first = rest.pop_front().and_then(OsStr::to_str);
        let mut places = self.places(first)?;
        let of_source = first.is_some_and(|name| self.sources.contains_key(name));
        let only_names = takes_only_names(command);
        while only_names
            && of_source
            && let Some(name) =
                rest.front().and_then(|word| self.sources.get_key_value(word.to_str()?))
        {
            places.extend(self.places(Some(name.0))?);
            rest.pop_front();
        }
        let is_store = |word: &&OsStr| places.iter().any(|place| **word == **place.store_name);
        if of_source && let Some(word) = rest.front().copied().filter(is_store) {
            places.retain(|place| *word == **place.store_name);
            rest.pop_front();
        }
        if only_names && let Some(word) = rest.front() {
            let known = self.sources.keys().chain(self.stores.keys());
            return Err(unknown(&word.to_string_lossy(), "source or store", known));
        }
        let one_state = has_one_state(command) || !rest.is_empty();
        let one_source = |place: &Place<'_>| place.source_name == places[0].source_name;
        if one_state && !places.iter().all(one_source) {
            let why = "is of several sources; name one of them";
            return Err(Failure::of(Status::Usage, first.unwrap_or(command), why));
        }
        // One state comes from one store.
        if has_one_state(command) {
            places.truncate(1);
        }
        Ok(Named { places, rest })
    }

    /// Copies between two stores of a source: SOURCE STORE1 STORE2.
    fn copies<'a>(
        &self,
        call: &Call,
        mut names: impl Iterator<Item = &'a OsStr>,
        caller: &Caller,
    ) -> Result<Vec<Planned>, Failure> {
        let mut name = || names.next().and_then(OsStr::to_str).unwrap_or_default();
        let (source_name, from, into) = (name(), name(), name());
        let (source_name, source) = self.source(source_name)?;
        let store = |name: &str| {
            let found = self.stores_of(source).find(|(known, _)| ***known == *name);
            found.ok_or_else(|| {
                Failure::of(Status::Usage, source_name, format!("{name}: no such store of it"))
            })
        };
        let ((_, from), (into_name, into)) = (store(from)?, store(into)?);
        let user = self.user("replicate", call, caller)?;
        let mut words: Vec<OsString> =
            user.iter().map(|user| format!("--user={user}").into()).collect();
        words
            .extend(source.identity.iter().map(|identity| format!("--identity={identity}").into()));
        let reach = [from, into].map(|store| self.reach(source, store));
        words.extend(reach.into_iter().flatten().map(OsString::from));
        words.extend(call.options.iter().flatten().cloned());
        words.push("--".into());
        words.extend([from, into].map(|store| Config::url(store, source_name).into()));
        Ok(vec![Planned { source: source_name.clone(), store: into_name.clone(), words }])
    }

    fn source(&self, name: &str) -> Result<(&Name, &Source), Failure> {
        let found = self.sources.iter().find(|(known, _)| ***known == *name);
        found.ok_or_else(|| unknown(name, "source", self.sources.keys()))
    }

    /// What a first name stands for: a source with its stores, a store with its sources, or all.
    fn places(&self, name: Option<&str>) -> Result<Vec<Place<'_>>, Failure> {
        let all = self.sources.iter().flat_map(|(source_name, source)| {
            let stores = self.stores_of(source);
            stores.map(move |(store_name, store)| Place { source_name, source, store_name, store })
        });
        let Some(name) = name else { return Ok(all.collect()) };
        if !self.sources.contains_key(name) && self.stores.contains_key(name) {
            return Ok(all.filter(|place| **place.store_name == *name).collect());
        }
        let Some((source, _)) = self.sources.get_key_value(name) else {
            let known = self.sources.keys().chain(self.stores.keys());
            return Err(unknown(name, "source or store", known));
        };
        Ok(all.filter(|place| place.source_name == source).collect())
    }

    /// Whom root leaves the work to.
    fn user(&self, command: &str, call: &Call, caller: &Caller) -> Result<Option<String>, Failure> {
        if !caller.root || !options::has(command, "user") || call.has("user") {
            return Ok(None);
        }
        let user = self.user.as_deref().or(caller.sudo.as_deref()).filter(|user| *user != "root");
        user.map(|user| Some(user.to_owned())).ok_or_else(|| {
            let why = "run as root: set user in the configuration, or pass --user";
            Failure::new(Status::Usage, why)
        })
    }

    /// The options of a command for a source and a store, as far as the command has them.
    fn options(&self, command: &str, place: Place<'_>, compares: bool) -> Vec<OsString> {
        let Place { source_name, source, store_name, store } = place;
        let makes = matches!(command, "backup" | "consolidate");
        let mut words = Vec::new();
        let mut add = |long: &str, value: Option<&str>| {
            if let Some(value) = value.filter(|_| options::has(command, long)) {
                words.push(OsString::from(format!("--{long}={value}")));
            }
        };
        add("archive-dir", self.archive_dir.as_deref());
        add("name", Some(&self.archive_name(source_name, store_name)));
        if makes {
            self.encrypt_key.iter().for_each(|key| add("encrypt-key", Some(key)));
            add("seal-key", self.seal_key.as_deref());
        }
        let full = source.full_if_older_than.as_ref().or(self.full_if_older_than.as_ref());
        add("full-if-older-than", full.map(|age| &**age));
        add("identity", source.identity.as_deref());
        add("snapshot", source.snapshot.map(Snapshot::word));
        add("parity", store.parity.map(|percent| percent.to_string()).as_deref());
        add("secret-key", self.secret_key.as_deref());
        add("passphrase-file", self.passphrase_file.as_deref());
        words.extend(self.reach(source, store).into_iter().map(OsString::from));
        if command == "backup" {
            words.extend(self.making(source));
            words.extend(source.dumps().map(OsString::from));
        }
        if command == "backup" || command == "verify" && compares {
            words.extend(source.selection());
        }
        if command == "prune" {
            let keep = self.keep(source, store).map(crate::Keep::words).unwrap_or_default();
            words.extend(keep.into_iter().map(OsString::from));
        }
        words
    }

    /// The words of how a source's folder in a store is reached, which all commands take: those of the
    /// store, and those among the options of a backup.
    pub fn reach(&self, source: &Source, store: &Store) -> Vec<String> {
        let ssh = store.ssh_options.iter().map(|option| format!("--ssh-option={option}"));
        let bandwidth = store.bandwidth.iter().map(|most| format!("--bwlimit={most}"));
        let further = store.options.iter().map(ToString::to_string);
        let own =
            self.own_options(source).into_iter().filter(|option| options::reaches_store(option));
        let own = own.flatten().filter_map(|word| word.into_string().ok());
        ssh.chain(bandwidth).chain(further).chain(own).collect()
    }

    /// The other options of a backup.
    fn making(&self, source: &Source) -> impl Iterator<Item = OsString> {
        let own = self.own_options(source).into_iter();
        own.filter(|option| !options::reaches_store(option)).flatten()
    }

    fn own_options(&self, source: &Source) -> Vec<Vec<OsString>> {
        backup_options(self.options.iter().chain(&source.options)).options
    }
}

impl Source {
    /// The words for what comes from commands.
    fn dumps(&self) -> impl Iterator<Item = String> {
        let pairs = self.commands.iter();
        let pairs = pairs
            .flat_map(|(name, line)| [format!("--stdin-name={name}"), format!("--command={line}")]);
        pairs.chain(self.run_as.iter().map(|user| format!("--command-user={user}")))
    }

    /// Whether it has rules of what is selected.
    pub(crate) fn selects(&self) -> bool {
        self.selection().next().is_some()
    }

    fn selection(&self) -> impl Iterator<Item = OsString> {
        let excluded = self.exclude.iter().map(|glob| format!("--exclude={glob}"));
        let chosen = self.select.iter().map(|pattern| match pattern.choice() {
            (true, glob) => format!("--include={glob}"),
            (false, glob) => format!("--exclude={glob}"),
        });
        let flags =
            [("--exclude-caches", self.exclude_caches), ("--exclude-nodump", self.exclude_nodump)];
        let flags = flags.into_iter().filter(|(_, set)| *set).map(|(word, _)| word.to_owned());
        let larger = self.exclude_larger_than.iter();
        let larger = larger.map(|size| format!("--exclude-larger-than={size}"));
        excluded.chain(chosen).chain(larger).chain(flags).map(OsString::from)
    }
}

/// A name of nothing, with the one that may be meant.
fn unknown<'a>(name: &str, what: &str, known: impl Iterator<Item = &'a Name>) -> Failure {
    let why = match nearest(name, known.map(|name| &**name)) {
        Some(meant) => format!("no such {what} in the configuration; did you mean {meant}?"),
        None => format!("no such {what} in the configuration (see moo config show)"),
    };
    Failure::of(Status::Usage, shown(name), why)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
        user = "moobacker"
        encrypt-key = "/k.pgp"
        options = ["--volsize", "5", "-o", "Port=22"]
        [stores.disk]
        url = "file:///mnt/b/"
        append-only = true
        [stores.far]
        url = "sftp://u@h/b"
        bandwidth = 9
        parity = 5
        keep = { full = 4 }
        [sources.etc]
        path = "/etc"
        [sources.home]
        path = "/home"
        stores = "far"
        exclude = "**.tmp"
        archive-names = { far = "old" }
    "#;

    fn calls(command: &str, words: &[&str]) -> Result<Vec<String>, String> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let call = Call::read(command, &words).unwrap();
        assert!(takes_names(command, &call), "{words:?}");
        let config = crate::read::parse(TEXT).unwrap();
        let planned = config
            .calls(command, &call, &Caller::plain())
            .map_err(|failure| failure.to_string())?;
        let line = |one: Planned| one.words.join(OsStr::new(" ")).into_string().unwrap();
        Ok(planned.into_iter().map(line).collect())
    }

    #[test]
    fn no_name_means_all_and_each_goes_where_it_belongs() {
        let all = calls("backup", &["full"]).unwrap();
        assert_eq!(
            all,
            [
                "full --name=etc.disk --encrypt-key=/k.pgp -o Port=22 --volsize 5 -- /etc file:///mnt/b/etc",
                "full --name=etc.far --encrypt-key=/k.pgp --parity=5 --bwlimit=9 -o Port=22 --volsize 5 -- /etc sftp://u@h/b/etc",
                "full --name=old --encrypt-key=/k.pgp --parity=5 --bwlimit=9 -o Port=22 --volsize 5 --exclude=**.tmp -- /home sftp://u@h/b/home",
            ]
        );
        assert_eq!(calls("status", &[]).unwrap().len(), 3);
        assert_eq!(calls("status", &["far"]).unwrap().len(), 2);
        assert_eq!(calls("status", &["etc", "far"]).unwrap().len(), 1);
    }

    #[test]
    fn the_words_after_the_names_are_the_commands_own() {
        assert_eq!(
            calls("restore", &["--time", "3D", "home", "/tmp/out"]).unwrap(),
            ["--name=old --bwlimit=9 -o Port=22 --time 3D -- sftp://u@h/b/home /tmp/out"]
        );
        assert_eq!(
            calls("list", &["etc", "far", "ssh"]).unwrap(),
            ["--name=etc.far --bwlimit=9 -o Port=22 -- sftp://u@h/b/etc ssh"]
        );
        assert_eq!(
            calls("find", &["etc", "far", "*.sql"]).unwrap(),
            ["--name=etc.far --bwlimit=9 -o Port=22 -- sftp://u@h/b/etc *.sql"]
        );
        assert_eq!(
            calls("diff", &["home", "3D", "now"]).unwrap(),
            ["--name=old --bwlimit=9 -o Port=22 -- sftp://u@h/b/home 3D now"]
        );
        assert_eq!(
            calls("prune", &["--force", "far"]).unwrap()[0],
            "--name=etc.far --bwlimit=9 -o Port=22 --keep-full=4 --force -- sftp://u@h/b/etc"
        );
        assert_eq!(
            calls("replicate", &["etc", "disk", "far"]).unwrap(),
            ["-o Port=22 --bwlimit=9 -o Port=22 -- file:///mnt/b/etc sftp://u@h/b/etc"]
        );
    }

    #[test]
    fn a_name_of_nothing_is_told_with_what_was_meant() {
        assert!(calls("status", &["hmoe"]).unwrap_err().ends_with("did you mean home?"));
        assert!(
            calls("backup", &["home", "disk"])
                .unwrap_err()
                .contains("disk: no such source or store")
        );
        assert_eq!(calls("status", &["home", "etc", "far"]).unwrap().len(), 2);
        assert!(calls("status", &["etc", "/x"]).is_err());
    }

    #[test]
    fn a_url_or_a_path_is_no_name() {
        for (command, words) in [
            ("backup", &["/etc", "file:///b"][..]),
            ("backup", &["etc", "file:///b"]),
            ("restore", &["file:///b", "out"]),
            ("restore", &[]),
            ("rekey", &["a", "b"]),
            ("replicate", &["file:///a", "file:///b"]),
        ] {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            assert!(!takes_names(command, &Call::read(command, &words).unwrap()), "{words:?}");
        }
    }
}
