//! The configuration as lines for the scripts that set up and check a machine.

use crate::keep::Keep;
use crate::planned::backup_options;
use crate::tables::{Config, List, Source};
use crate::values::{Line, Name};

/// Lines of `SCOPE KEY VALUE`, where the scope is `/` for all sources, or a source:
///
/// - `/ user`, `/ encrypt-key` and `/ seal-key`; `/ checks yes` if there are any;
/// - `/ needs-root KEY` for each key that has something which only root can do, as under cron;
/// - `/ remote STORE URL` for each store, and `/ append-only STORE` if it is;
/// - `SOURCE source PATH`, or `-` for one of commands, `SOURCE identity ID` and `SOURCE option WORD`, for each word of its options;
/// - `SOURCE store STORE ARCHIVE URL` for each of its stores, `SOURCE reach STORE WORD` for each word of
///   how it is reached, and `SOURCE rule STORE WORD` for each word of its rules.
pub fn rows(config: &Config) -> String {
    let mut rows = Rows(String::new());
    rows.all("/", "user", config.user.iter().map(|value| &**value));
    rows.all("/", "encrypt-key", config.encrypt_key.iter().map(|value| &**value));
    rows.all("/", "seal-key", config.seal_key.iter().map(|value| &**value));
    if !config.checks.is_empty() {
        rows.add("/", "checks", "yes");
    }
    rows.all("/", "needs-root", needs_root(config).into_iter());
    for (name, store) in &config.stores {
        rows.add("/", "remote", &format!("{} {}", &**name, store.url.trim_end_matches('/')));
        rows.all("/", "append-only", store.append_only.then_some(&**name).into_iter());
    }
    for (name, source) in &config.sources {
        rows.of_source(config, name, source);
    }
    rows.0
}

/// The keys with something that needs root: hooks, unless the configuration says otherwise, and commands of
/// other users and snapshots, which may be among the options.
fn needs_root(config: &Config) -> Vec<&'static str> {
    let sources = || config.sources.values();
    let has_option = |long: &str| {
        sources()
            .any(|source| backup_options(config.options.iter().chain(&source.options)).has(long))
    };
    let any = |has: fn(&Source) -> bool| sources().any(has);
    let hooks = config.hooks_need_root.unwrap_or(true);
    let hook =
        |of_all: &List<Line>, has: fn(&Source) -> bool| hooks && (!of_all.is_empty() || any(has));
    let keys = [
        ("before", hook(&config.before, |source| !source.before.is_empty())),
        ("after", hook(&config.after, |source| !source.after.is_empty())),
        ("failed", hook(&config.failed, |source| !source.failed.is_empty())),
        ("run-as", any(|source| source.run_as.is_some()) || has_option("command-user")),
        ("snapshot", any(|source| source.snapshot.is_some()) || has_option("snapshot")),
    ];
    keys.into_iter().filter(|(_, needed)| *needed).map(|(key, _)| key).collect()
}

struct Rows(String);

impl Rows {
    fn add(&mut self, scope: &str, key: &str, value: &str) {
        self.0.push_str(&format!("{scope} {key} {value}\n"));
    }

    fn all<'a>(&mut self, scope: &str, key: &str, values: impl Iterator<Item = &'a str>) {
        values.for_each(|value| self.add(scope, key, value));
    }

    fn of_source(&mut self, config: &Config, name: &Name, source: &Source) {
        self.add(name, "source", source.path.as_deref().unwrap_or("-"));
        self.all(name, "identity", source.identity.iter().map(|value| &**value));
        self.all(
            name,
            "option",
            config.options.iter().chain(&source.options).map(|value| &**value),
        );
        for (store_name, store) in config.stores_of(source) {
            let archive = config.archive_name(name, store_name);
            let url = Config::url(store, name);
            self.add(name, "store", &format!("{store_name} {archive} {url}"));
            for word in config.reach(source, store) {
                self.add(name, "reach", &format!("{store_name} {word}"));
            }
            for word in config.keep(source, store).map(Keep::words).unwrap_or_default() {
                self.add(name, "rule", &format!("{store_name} {word}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(all: &str, source: &str) -> Vec<&'static str> {
        let text = format!(
            "encrypt-key = \"/k.pgp\"\n{all}\n[stores.disk]\nurl = \"file:///b\"\n[sources.etc]\n{source}\n"
        );
        needs_root(&crate::read::parse(&text).unwrap())
    }

    #[test]
    fn hooks_commands_of_others_and_snapshots_need_root_and_nothing_else_does() {
        assert!(keys("ping = \"https://example.org\"", "path = \"/etc\"").is_empty());
        assert!(keys("", "commands = { \"a\" = \"id\" }").is_empty());
        assert_eq!(keys("before = \"x\"", "path = \"/etc\"\nafter = [\"y\"]"), ["before", "after"]);
        assert_eq!(keys("failed = \"x\"", "path = \"/etc\""), ["failed"]);
        let harmless = "before = \"x\"\nhooks-need-root = false";
        assert!(keys(harmless, "path = \"/etc\"\nafter = \"y\"\nfailed = \"z\"").is_empty());
        assert_eq!(keys(harmless, "path = \"/etc\"\nsnapshot = \"zfs\""), ["snapshot"]);
        let commands = "commands = { \"a\" = \"id\" }";
        assert_eq!(keys("", &format!("{commands}\nrun-as = \"tom\"")), ["run-as"]);
        assert_eq!(keys("", "path = \"/etc\"\nsnapshot = \"btrfs\""), ["snapshot"]);
        let option = "path = \"/etc\"\noptions = [\"--snapshot\", \"zfs\"]";
        assert_eq!(keys("", option), ["snapshot"]);
    }
}
