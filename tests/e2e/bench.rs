//! The benchmark works: what it measures is for people to read, and no test.

use tests::Sandbox;
use tests::sandbox::workspace;

#[test]
fn the_benchmark_comes_to_its_end_and_prints_its_tables() {
    let sandbox = Sandbox::new();
    let run = workspace().join("tests/bench/run");
    let script = format!("{} --quick --no-install --peers ''", run.display());
    let told = sandbox.sh(&script).succeeds();
    for row in ["| full set | ", "| restore of one file | ", "| moo-patch | ", "Measured on "] {
        assert!(told.out().contains(row), "no {row} in\n{}", told.out());
    }
    sandbox.sh("ls -A .tmp").succeeds().stdout_is("");
}

#[test]
fn the_benchmark_knows_its_peers() {
    let run = workspace().join("tests/bench/run");
    let script = format!("{} --no-install --peers tar", run.display());
    Sandbox::new().sh(&script).fails_with(2).stderr_has("no such peer: tar");
}
