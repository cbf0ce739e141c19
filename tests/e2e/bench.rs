//! The benchmark works: what it measures is for people to read, and no test.

use tests::Sandbox;
use tests::sandbox::workspace;

/// Runs it with little to do.
fn quickly(sandbox: &Sandbox, options: &str) -> String {
    let run = workspace().join("tests/bench/run");
    let script = format!("{} --quick --no-install --peers '' {options}", run.display());
    sandbox.sh(&script).succeeds().out()
}

#[track_caller]
fn assert_rows(told: &str, rows: &[&str]) {
    for row in rows {
        assert!(told.contains(row), "no {row} in\n{told}");
    }
}

#[test]
#[ignore = "a whole run of the benchmark, for tests/run --long"]
fn the_benchmark_comes_to_its_end_and_prints_its_tables() {
    let sandbox = Sandbox::new();
    let told = quickly(&sandbox, "");
    let rows = ["| full set | ", "| restore of one file | ", "| moo-patch | ", "Measured on "];
    assert_rows(&told, &rows);
    assert_rows(&told, &["| up, 0 ms | ", "| restore of all, 40 ms | "]);
    sandbox.sh("ls -A .tmp").succeeds().stdout_is("");
}

#[test]
#[ignore = "a whole run of the benchmark, for tests/run --long"]
fn the_benchmark_compares_two_builds() {
    let sandbox = Sandbox::new();
    let told = quickly(&sandbox, &format!("--before {}", workspace().display()));
    assert_rows(&told, &["| full set | ", "| restore of one file | ", " to ", "Measured on "]);
    let nowhere = workspace().join("tests/bench/run --no-install --before nowhere");
    sandbox
        .sh(&nowhere.display().to_string())
        .fails()
        .stderr_has("nowhere: no pipelines/moo in it");
}

#[test]
#[ignore = "a whole run of the benchmark, for tests/run --long"]
fn the_benchmark_tells_how_costs_grow() {
    let sandbox = Sandbox::new();
    let told = quickly(&sandbox, "--growth 60,120");
    assert_rows(&told, &["| 60 | moobacker | ", "| 120 | moobacker | "]);
    let told = quickly(&sandbox, "--chain 2");
    assert_rows(&told, &["| 0 | ", "| 2 | "]);
}

#[test]
#[ignore = "a whole run of the benchmark, for tests/run --long"]
fn over_sftp_alone_a_distant_server_answers_each_turn_a_round_trip_later() {
    let sandbox = Sandbox::new();
    let told = quickly(&sandbox, "--sftp-only");
    assert_rows(&told, &["| down, 100 ms | ", "| full set, 0 ms | ", "Measured on "]);
    assert!(!told.contains("| moo-patch | "), "{told}");
    for row in ["| sftp: ls |", "| moo-fetch --receipts |", "| moo-upload of it alone |"] {
        let (turns, waited) = turns(&told, row);
        // Both begin to talk at once, so a connection has a turn or two that nobody waits for.
        assert!(turns > 5.0 && waited >= turns - 2.0, "{row} in\n{told}");
    }
    sandbox.sh("ls -A .tmp").succeeds().stdout_is("");
}

/// The turns of a row, and the round trips that its time has.
fn turns(told: &str, row: &str) -> (f64, f64) {
    let line = told.lines().find(|line| line.starts_with(row)).unwrap_or_default();
    let cells: Vec<_> = line.split('|').map(str::trim).collect();
    assert!(cells.len() > 5, "no {row} in\n{told}");
    (cells[2].parse().unwrap(), cells[5].parse().unwrap())
}

#[test]
#[ignore = "a whole run of the benchmark, for tests/run --long"]
fn duply_is_measured_on_ours_and_on_stock() {
    let sandbox = Sandbox::new();
    let told = quickly(&sandbox, "--duply");
    assert_rows(
        &told,
        &["| duplicity-0.8 |", "| full set | ", "| restore of all | ", "Measured on "],
    );
}

#[test]
fn what_is_over_sftp_alone_and_what_is_without_it_exclude_each_other() {
    let run = workspace().join("tests/bench/run");
    let script = format!("{} --no-install --sftp-only --stages-only", run.display());
    Sandbox::new().sh(&script).fails_with(2).stderr_has("not allowed with argument");
}

#[test]
fn the_benchmark_knows_its_peers() {
    let run = workspace().join("tests/bench/run");
    let script = format!("{} --no-install --peers tar", run.display());
    Sandbox::new().sh(&script).fails_with(2).stderr_has("no such peer or tree: tar");
}
