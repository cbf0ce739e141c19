//! Random selections, with filters and lists, beside those of stock.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};
use tests::peers::newest;
use tests::sandbox::workspace;
use tests::scale::scale;
use tests::{Sandbox, Tree};

use super::drop_in;
use crate::selection::dice::Dice;
use crate::selection::oracle::{Selected, quoted};

/// The cases of one sandbox: a new tree comes after every tenth.
const BLOCK: usize = 50;

/// The newest duplicity, loaded once: a start of its own for each case would take most of the time.
struct Stock {
    server: Child,
    calls: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Stock {
    fn start(sandbox: &Sandbox) -> Stock {
        let (program, script) = (newest(), workspace().join("tests/e2e/duplicity/stock.py"));
        let python = Path::new(&program).with_file_name("python3");
        let call = format!("exec {} {} {program}", python.display(), script.display());
        let mut command = sandbox.command(&call);
        // It asks for a passphrase even where none is needed, unless the variable is set.
        command.env("PASSPHRASE", "").stderr(Stdio::null());
        let mut server = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let calls = server.stdin.take().unwrap();
        let answers = BufReader::new(server.stdout.take().unwrap());
        Stock { server, calls, answers }
    }

    /// What it would store.
    fn selected(&mut self, options: &[String], source: &str, url: &str) -> Selected {
        let own = "full --archive-dir . --name archive --no-encryption --dry-run -v5".split(' ');
        let words: Vec<_> =
            own.chain(options.iter().map(String::as_str)).chain([source, url]).collect();
        writeln!(self.calls, "{}", json!(words)).unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        let answer: Value = serde_json::from_str(&answer).expect("an answer of stock.py");
        let status = i32::try_from(answer[0].as_i64().unwrap()).unwrap();
        selected(status, answer[1].as_str().unwrap())
    }
}

impl Drop for Stock {
    fn drop(&mut self) {
        // A test that fails leaves it with nobody to answer.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The paths that are listed as new.
fn selected(status: i32, out: &str) -> Selected {
    match status {
        0 => {
            Ok(out.lines().filter_map(|line| line.strip_prefix("A ").map(str::to_owned)).collect())
        }
        status => Err(status),
    }
}

/// Compares the cases of a block. Returns how many of them stock has not refused.
fn compare_block(first: usize, end: usize) -> usize {
    let sandbox = drop_in();
    sandbox.sh("mkdir store").silent();
    let (mut stock, url) = (Stock::start(&sandbox), sandbox.url("store"));
    let absolute = sandbox.path("src").to_string_lossy().into_owned();
    let mut compared = 0;
    for case in first..end {
        let mut dice = Dice::new(4_000_000 + case as u64);
        if case % 10 == 0 {
            sandbox.sh("rm -rf src list*").silent();
            dice.fill(&Tree::empty(sandbox.path("src")), "", 3);
        }
        let source = if dice.below(3) == 0 { absolute.as_str() } else { "src" };
        let options = dice.filtered_options(&sandbox, source);
        let theirs = stock.selected(&options, source, &url);
        let options = quoted(&options);
        let call =
            format!("full --dry-run -v5 --no-encryption --allow-deletions {options} {source}");
        let run = sandbox.sh(&format!("duplicity {call} {url}"));
        let ours = selected(run.status, &run.out());
        let agree = match (&theirs, &ours) {
            (Ok(theirs), Ok(ours)) => theirs == ours,
            // A last option that includes; a filter without an effect.
            (Err(16), Err(16)) | (Err(70), Err(70)) | (Err(71), Err(71)) => true,
            // A pattern that does not begin as the source is spelled; doubled slashes. We may have found
            // another fault: a last option that includes.
            (Err(14 | 15), Ok(_) | Err(14 | 16 | 23)) => true,
            _ => false,
        };
        let lists = || sandbox.sh("tail -n +1 list*; find src").out();
        assert!(
            agree,
            "case {case}: {options} {source}\nstock: {theirs:?}\nours:  {ours:?}\n{}\n{}",
            run.err(),
            lists()
        );
        compared += usize::from(theirs.is_ok());
    }
    compared
}

#[test]
fn random_selections_with_filters_are_those_of_stock() {
    // Stock refuses more than half of them: 5,000 are compared in the long run.
    let cases = scale(100, 13_000);
    // MOO_CASE begins at that case: to repeat one that has failed, with the tree of its ten.
    let case = std::env::var("MOO_CASE").map_or(0, |case| case.parse::<usize>().unwrap());
    let (next, done, compared) =
        (AtomicUsize::new(case / 10 * 10), AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        loop {
            let first = next.fetch_add(BLOCK, Ordering::Relaxed);
            if first >= cases {
                return;
            }
            let end = cases.min(first + BLOCK);
            let more = compare_block(first, end);
            let compared = compared.fetch_add(more, Ordering::Relaxed) + more;
            let done = done.fetch_add(end - first, Ordering::Relaxed) + end - first;
            println!("{compared} of {done} random selections compared, the others refused");
        }
    };
    thread::scope(|scope| (0..3).for_each(|_| drop(scope.spawn(work))));
    let compared = compared.into_inner();
    let done = done.into_inner();
    assert!(compared * 4 > done, "only {compared} of {done} were compared");
}

#[test]
fn a_slash_at_the_end_of_a_literal_meant_a_directory_and_means_nothing() {
    let sandbox = drop_in();
    sandbox.sh("mkdir store && echo c >src/sub/c").silent();
    let (mut stock, url) = (Stock::start(&sandbox), sandbox.url("store"));
    for (options, paths) in [
        ("--filter-literal --include src/a/ --filter-globbing --exclude **", ". a"),
        ("--filter-literal --exclude src/a/ --exclude src/sub/", ". link"),
        ("--filter-literal --filter-ignorecase --exclude SRC/SUB/C/ --exclude src/sub/b", ""),
        ("--include src/a/ --exclude **", "."),
    ] {
        let words: Vec<_> = options.split(' ').map(str::to_owned).collect();
        let theirs = stock.selected(&words, "src", &url);
        let call = "duplicity full --dry-run -v5 --no-encryption --allow-deletions";
        let call = format!("{call} {}", quoted(&words));
        let run = sandbox.sh(&format!("{call} src {url}"));
        assert_eq!(selected(run.status, &run.out()), theirs, "{options}");
        assert!(paths.is_empty() || theirs.unwrap().join(" ") == paths, "{options}");
    }
}
