//! Lines of JSON, and their published schema.

use serde_json::Value;
use tests::assert_by_schema;

use crate::signals::kit::{Background, hold, sandbox, until};

#[test]
fn progress_and_summary_are_lines_of_json_by_the_published_schema() {
    let mut sandbox = sandbox();
    hold(&mut sandbox, "moo-sign", 2_300_000);
    sandbox.sh("touch \"src/$(printf '\\033\\377')\"").silent();
    let run = Background::start(&sandbox, "moo backup --progress=json src file://$PWD/store");
    let said = || std::fs::read_to_string(sandbox.path("said")).unwrap_or_default();
    until("two lines", || said().matches("progress").count() > 2);
    std::fs::write(sandbox.path("go"), "").unwrap();
    assert_eq!(run.end(&sandbox, "0").status, 0);
    assert_by_schema(&sandbox, "progress", &said());
    let lines: Vec<Value> =
        said().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (last, first) = (lines.last().unwrap(), lines.first().unwrap());
    assert_eq!((&first["type"], &first["phase"]), (&"progress".into(), &"reading".into()));
    assert_eq!((&last["type"], &last["exit_status"]), (&"summary".into(), &0.into()));
    assert_eq!((&last["set"]["kind"], &last["set"]["entries_new"]), (&"full".into(), &8.into()));
    assert_eq!(last["set"]["bytes_read"], 6 << 20);
}

#[test]
fn the_summary_in_json_has_the_exit_status_of_a_failure() {
    let sandbox = sandbox();
    let run = sandbox.sh("moo restore --progress=json file://$PWD/none out").fails_with(10);
    let last = run.err().lines().last().unwrap().to_owned();
    assert_by_schema(&sandbox, "progress", &last);
    let last: Value = serde_json::from_str(&last).unwrap();
    assert_eq!((&last["exit_status"], &last["set"]), (&10.into(), &Value::Null));
}
