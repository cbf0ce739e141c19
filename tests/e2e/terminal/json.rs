//! Lines of JSON, and their published schema.

use serde_json::Value;
use tests::sandbox::workspace;

use crate::signals::kit::{Background, hold, sandbox, until};

fn schema() -> Value {
    let path = workspace().join("man/schema/progress.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// What of JSON Schema the file uses, but that no other members may be there.
fn check(schema: &Value, root: &Value, value: &Value) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("{what}: {value} by {schema}"));
    if let Some(name) = schema["$ref"].as_str().and_then(|name| name.strip_prefix("#/$defs/")) {
        check(&root["$defs"][name], root, value)?;
    }
    if schema.get("const").is_some_and(|only| only != value) {
        return wrong("another value");
    }
    if schema["enum"].as_array().is_some_and(|values| !values.contains(value)) {
        return wrong("none of the values");
    }
    if let Some(forms) = schema["oneOf"].as_array()
        && forms.iter().filter(|form| check(form, root, value).is_ok()).count() != 1
    {
        return wrong("not one of the forms");
    }
    let is = |kind: &Value| match kind.as_str() {
        Some("integer") => value.is_u64(),
        Some("string") => value.is_string(),
        Some("object") => value.is_object(),
        _ => value.is_null(),
    };
    let kinds = match &schema["type"] {
        Value::Null => return members(schema, root, value),
        Value::Array(kinds) => kinds.clone(),
        kind => vec![kind.clone()],
    };
    if kinds.iter().any(is) { members(schema, root, value) } else { wrong("another type") }
}

fn members(schema: &Value, root: &Value, value: &Value) -> Result<(), String> {
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        match value.get(name) {
            Some(member) => check(schema, root, member)?,
            None => return Err(format!("{name}: missing")),
        }
    }
    Ok(())
}

/// The members that a line of that type has.
fn names(schema: &Value, kind: &str) -> Vec<String> {
    let own = schema["$defs"][kind]["required"].as_array().unwrap();
    let all = schema["required"].as_array().unwrap().iter().chain(own);
    let mut names: Vec<_> = all.map(|name| name.as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

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
    let schema = schema();
    let lines: Vec<Value> =
        said().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &lines {
        check(&schema, &schema, line).unwrap();
        let kind = line["type"].as_str().unwrap();
        let mut there: Vec<_> = line.as_object().unwrap().keys().cloned().collect();
        there.sort();
        assert_eq!(there, names(&schema, kind), "{line}");
    }
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
    let last: Value = serde_json::from_str(&last).unwrap();
    check(&schema(), &schema(), &last).unwrap();
    assert_eq!((&last["exit_status"], &last["set"]), (&10.into(), &Value::Null));
}
