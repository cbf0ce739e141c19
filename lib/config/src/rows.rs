//! The configuration as lines for the scripts that set up and check a machine.

use crate::keep::Keep;
use crate::tables::{Config, Source};
use crate::values::Name;

/// Lines of `SCOPE KEY VALUE`, where the scope is `/` for all sources, or a source:
///
/// - `/ user`, `/ encrypt-key` and `/ seal-key`; `/ checks yes` if there are any;
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
    for (name, store) in &config.stores {
        rows.add("/", "remote", &format!("{} {}", &**name, store.url.trim_end_matches('/')));
        rows.all("/", "append-only", store.append_only.then_some(&**name).into_iter());
    }
    for (name, source) in &config.sources {
        rows.of_source(config, name, source);
    }
    rows.0
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
