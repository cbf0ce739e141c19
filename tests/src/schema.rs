//! JSON against the schemas in `man/schema`, by a validator of others.

use std::fs;

use crate::sandbox::{Sandbox, workspace};

/// Reads lines of JSON, and prints what is wrong with each. A member that the schema does not have is
/// wrong too: programs may add some, but then they are in the schema.
const VALIDATE: &str = r##"
import json, sys
from jsonschema import Draft202012Validator

schema = json.load(open(sys.argv[1]))
Draft202012Validator.check_schema(schema)

def close(part):
    if "$ref" in part:
        return close(schema["$defs"][part["$ref"].split("/")[-1]])
    if part.get("unevaluatedProperties") is False:
        return
    if "properties" in part:
        part["unevaluatedProperties"] = False
    inside(part)

def inside(part):
    for sub in [*part.get("properties", {}).values(), *part.get("oneOf", [])]:
        close(sub)
    if "items" in part:
        close(part["items"])

# The forms of a whole line are closed as one: they may have members in common.
for form in schema.get("oneOf", []):
    inside(schema["$defs"][form["$ref"].split("/")[-1]])
for member in schema.get("properties", {}).values():
    close(member)
schema["unevaluatedProperties"] = False
validator, count = Draft202012Validator(schema), 0
for line in sys.stdin:
    count += 1
    for error in validator.iter_errors(json.loads(line)):
        print(f"{error.json_path}: {error.message[:300]}")
if not count:
    print("no line")
"##;

/// Checks that each line is JSON by the schema of that name, such as `status`.
///
/// # Panics
/// Unless there is a line, and all are.
#[track_caller]
pub fn assert_by_schema(sandbox: &Sandbox, name: &str, lines: &str) {
    let schema = workspace().join("man/schema").join(name).with_extension("json");
    fs::write(sandbox.path(".validate.py"), VALIDATE).unwrap();
    fs::write(sandbox.path(".lines"), lines).unwrap();
    sandbox.sh(&format!("python3 .validate.py {} <.lines", schema.display())).silent();
    sandbox.remove(".validate.py");
    sandbox.remove(".lines");
}
