//! What duplicity selects, and what we do.

use tests::{Duplicity, Run, Sandbox};

/// Words of the shell.
pub(crate) fn quoted(words: &[impl AsRef<str>]) -> String {
    let quote = |word: &str| format!("'{}'", word.replace('\'', r"'\''"));
    words.iter().map(|word| quote(word.as_ref())).collect::<Vec<_>>().join(" ")
}

/// What a program selects: the paths, or its exit status.
pub(crate) type Selected = Result<Vec<String>, i32>;

fn selected(run: &Run, path: impl Fn(&str) -> Option<String>) -> Selected {
    match run.status {
        0 => Ok(run.out().lines().filter_map(path).collect()),
        status => Err(status),
    }
}

/// What duplicity would store.
pub(crate) fn stock(duplicity: &Duplicity<'_>, options: &str, source: &str) -> Selected {
    let url = "file://$PWD/store";
    let run = duplicity.run("full", &format!("--dry-run -v5 {options} {source} {url}"));
    selected(&run, |line| line.strip_prefix("A ").map(str::to_owned))
}

/// What we store; nothing too, as duplicity does.
pub(crate) fn ours(sandbox: &Sandbox, options: &str, source: &str) -> Selected {
    let scan = format!("moo-scan --allow-deletions {options} {source} >scan.tar || exit");
    let run = sandbox.sh(&format!("{scan}; tar tf scan.tar --quoting-style=literal"));
    selected(&run, |line| {
        let path = line.strip_prefix("snapshot/")?;
        let path = path.strip_suffix('/').unwrap_or(path);
        // A source that is a file has no name of its own.
        Some(if path.is_empty() { "." } else { path }.to_owned())
    })
}

/// Both select the same; or duplicity refuses the options and we do, or understand them. Tells
/// whether there was something to compare.
#[track_caller]
pub(crate) fn compare(
    sandbox: &Sandbox,
    duplicity: &Duplicity<'_>,
    options: &str,
    source: &str,
) -> bool {
    let (stock, ours) = (stock(duplicity, options, source), ours(sandbox, options, source));
    let agree = match (&stock, &ours) {
        (Ok(stock), Ok(ours)) => stock == ours,
        // A last option that includes.
        (Err(16), Err(2)) => true,
        // A pattern that does not begin as the source is spelt; doubled slashes.
        (Err(14 | 15), Ok(_) | Err(2)) => true,
        _ => false,
    };
    assert!(
        agree,
        "{options} {source}\nduplicity: {stock:?}\nmoo-scan:  {ours:?}\n{}",
        lists(sandbox)
    );
    stock.is_ok()
}

fn lists(sandbox: &Sandbox) -> String {
    sandbox.sh("tail -n +1 list*; find src").out()
}
