//! What the host of a store can cost you: a bounded amount, and nothing that is unchecked.

mod lists;
mod messages;
mod seals;
mod tars;

use std::fs;

use tests::{Run, Sandbox};

/// Processor time, in seconds, and address space, in KiB, that no attack gets more of.
const BOUNDS: &str = "ulimit -t 20; ulimit -v 700000;";

/// Packets of OpenPGP, written as they are; Python's standard library has all that it takes.
const PACKETS: &str = r#"
import base64, struct, sys, zlib

def packet(tag, body):
    return bytes([0xc0 | tag, 255]) + struct.pack(">I", len(body)) + body

def literal(text):
    return packet(11, b"b\0\0\0\0\0" + text)

def compressed(inner):
    return packet(8, b"\2" + zlib.compress(inner, 9))

def armored(data, kind="MESSAGE"):
    text = base64.b64encode(data).decode()
    lines = "\n".join(text[at:at + 64] for at in range(0, len(text), 64))
    return f"-----BEGIN PGP {kind}-----\n\n{lines}\n-----END PGP {kind}-----\n".encode()

def write(name, data):
    with open(name, "wb") as file:
        file.write(data)
"#;

/// Runs a Python script that has those packets at hand.
#[track_caller]
fn python(sandbox: &Sandbox, script: &str) {
    fs::write(sandbox.path("forge.py"), format!("{PACKETS}\n{script}")).unwrap();
    sandbox.sh("python3 forge.py").silent();
}

/// A command within the bounds.
fn bounded(sandbox: &Sandbox, command: &str) -> Run {
    sandbox.sh(&format!("{BOUNDS} {command}"))
}
