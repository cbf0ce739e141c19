//! How patterns and sources may be spelt, and what is said where they make no sense.

use tests::Sandbox;

use super::oracle::{Selected, ours};
use super::tree;

/// All but the folder `a`.
fn without_a(sandbox: &Sandbox) -> Selected {
    ours(sandbox, "--exclude src/a", "src")
}

#[test]
fn patterns_are_absolute_or_relative_or_begin_as_the_source_is_spelt() {
    let sandbox = Sandbox::new();
    tree(&sandbox);
    sandbox.sh("mkdir x; ln -s src/a x/link; ln -s . here").silent();
    let wanted = without_a(&sandbox);
    assert!(wanted.as_ref().is_ok_and(|paths| paths.len() > 10));
    for (pattern, source) in [
        ("src//a", "src"),
        ("./src/./a/", "src"),
        ("./src/a", "./src/"),
        ("./x/../src/a", "./x/../src"),
        ("x/../src/a", "./x/../src"),
        ("src/a", "$PWD/src"),
        ("a", "src"),
        ("./a", "src"),
        ("a", "$PWD/src"),
        ("$PWD/src/a", "src"),
        ("$PWD/src/a", "./x/../src"),
        ("$PWD/src/a", "here/src"),
        ("${PWD%/*}/*/src/a", "src"),
        ("a", "./x/../src"),
    ] {
        let found = ours(&sandbox, &format!("--exclude \"{pattern}\""), source);
        // Relative to the source, `src/a` is another folder.
        let other = pattern == "src/a" && source.contains("PWD");
        assert_eq!(found == wanted, !other, "{pattern} {source}");
        assert!(found.is_ok(), "{pattern} {source}");
    }
}

#[test]
fn the_working_directory_and_a_file_can_be_sources_too() {
    let sandbox = Sandbox::new();
    tree(&sandbox);
    let wanted = without_a(&sandbox).unwrap();
    for pattern in ["./a", "a", "$(pwd)/a"] {
        let scan = format!("cd src && moo-scan --exclude \"{pattern}\" .");
        let run = sandbox.sh(&format!("{scan} | tar t --quoting-style=literal")).succeeds();
        let found = run.out().lines().filter(|line| line.starts_with("snapshot/")).count();
        assert_eq!(found, wanted.len(), "{pattern}");
    }
    assert_eq!(ours(&sandbox, "--exclude '**'", "src/i.py"), Ok(vec![".".to_owned()]));
}

#[test]
fn names_that_are_no_text_are_matched_byte_for_byte() {
    let sandbox = Sandbox::new();
    sandbox
        .sh("mkdir src && cd src && touch \"$(printf '\\377a')\" \"$(printf '\\376a')\" b")
        .silent();
    let count = |options: &str| {
        let scan = format!("moo-scan --dry-run {options} src");
        sandbox.sh(&scan).succeeds().out().lines().count()
    };
    assert_eq!(count(r#"--exclude "$(printf '\377a')""#), 3);
    assert_eq!(count("--exclude 'src/?a'"), 2);
    assert_eq!(count("--exclude 'src/??a'"), 4);
    assert_eq!(count(r#"--exclude-regexp "$(printf '\377')""#), 3);
    assert_eq!(count("--exclude-regexp '/.a$'"), 2);
}

#[test]
fn options_that_make_no_sense_are_named_in_one_line() {
    let sandbox = Sandbox::new();
    tree(&sandbox);
    sandbox.sh("printf 'a\\n+ /etc\\n' >list; touch none").silent();
    for (options, message) in [
        ("--exclude /etc", "--exclude /etc: cannot match anything in src"),
        ("--exclude ../a", "--exclude ../a: cannot match anything in src"),
        ("--exclude-filelist list", "--include /etc (list, line 2): cannot match anything in src"),
        ("--exclude ''", "--exclude : an empty pattern"),
        ("--exclude 'a[b-a]'", "--exclude a[b-a]: a range of letters that ends before it begins"),
        ("--include a", "--include a: means nothing as the last option"),
        ("--include-regexp a", "--include-regexp a: means nothing as the last option"),
        ("--include a --exclude-filelist none", "--include a: means nothing as the last option"),
        ("--exclude-filelist nowhere", "nowhere: no such file or directory"),
        ("--files-from nowhere", "nowhere: no such file or directory"),
        ("--exclude-regexp '(a'", "--exclude-regexp (a: "),
        ("--exclude-regexp 'a{2,1}'", "--exclude-regexp a{2,1}: invalid repetition count range"),
        ("--exclude-older-than moo", "--exclude-older-than moo: "),
        ("--exclude-if-present a/b", "--exclude-if-present a/b: not the name of a file"),
    ] {
        let run = sandbox.sh(&format!("moo-scan --dry-run {options} src")).fails_with(2);
        run.one_message().stderr_has(&format!("moo-scan: {message}"));
    }
    sandbox.sh("test ! -e archive; moo-scan --archive archive --exclude /etc src").fails_with(2);
    sandbox.sh("test ! -e archive").succeeds();
}

#[test]
fn a_regular_expression_that_goes_astray_ends_the_run() {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir src && touch src/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab").silent();
    let run = sandbox.sh(r"moo-scan --dry-run --exclude-regexp '(a|aa)+(?!x)\1$' src");
    run.fails_with(1).one_message().stderr_has("takes too long on src/aaaa");
}

#[test]
fn a_dry_run_says_why_something_is_left_out_or_kept() {
    let sandbox = Sandbox::new();
    tree(&sandbox);
    sandbox.sh("echo '- src/b' >list").silent();
    let options = "--include src/a/b/f --include src/c/nothing --exclude-filelist list \
        --exclude-if-present .nobackup --exclude '**'";
    let run = sandbox.sh(&format!("moo-scan --dry-run -v info {options} src")).succeeds();
    run.stdout_is("new      .\nnew      a\nnew      a/b\nnew      a/b/f")
        .stderr_has("moo-scan: src/a/b/f: kept by --include src/a/b/f\n")
        .stderr_has("moo-scan: src/i.py: left out by --exclude **\n")
        .stderr_has("moo-scan: src/b: left out by --exclude src/b (list, line 1)\n")
        .stderr_has("moo-scan: src/c: left out by --exclude-if-present .nobackup\n");
    let options = "--include src/c/nothing --exclude '**'";
    let run = sandbox.sh(&format!("moo-scan --dry-run -v info {options} src")).fails_with(2);
    run.stderr_has("moo-scan: src/c: left out, as nothing in it is included\n");
}

#[test]
fn a_source_of_which_nothing_is_stored_is_named() {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir empty src && ln -s src link && touch src/a").silent();
    for (words, status, message) in [
        ("empty", 0, "empty: contains nothing to back up"),
        ("--exclude '**' src", 2, "src: nothing in it is selected"),
        ("--include src/b --exclude '**' src", 2, "src: nothing in it is selected"),
        ("link", 2, "link: is a symbolic link"),
        ("link/", 2, "link: is a symbolic link"),
        ("''", 2, "the source has no name"),
        ("nowhere", 1, "nowhere: no such file or directory"),
    ] {
        let run = sandbox.sh(&format!("moo-scan --dry-run {words}"));
        assert_eq!(run.status, status, "{words}");
        run.one_message().stderr_has(&format!("moo-scan: {message}"));
    }
    sandbox.sh("moo-scan --dry-run src && moo-scan --dry-run src/a").succeeds().stderr_is("");
}
