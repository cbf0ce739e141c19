//! A server that lists files without end, or hides them.

use std::fs;

use tests::Sandbox;
use tests::sshd::Setup;

/// A server of SFTP that lists what `packets` yields, a list of pairs of name and length for each answer.
fn server(sandbox: &Sandbox, packets: &str) -> String {
    let script = r#"
import itertools, struct, sys, time

def text(data):
    return struct.pack(">I", len(data)) + data

def entry(name):
    return text(name) + text(b"") + struct.pack(">IQI", 5, 1, 0o100600)

def packets():
PACKETS

def send(kind, body):
    sys.stdout.buffer.write(struct.pack(">IB", len(body) + 1, kind) + body)
    sys.stdout.buffer.flush()

lists = packets()
while len(head := sys.stdin.buffer.read(4)) == 4:
    request = sys.stdin.buffer.read(struct.unpack(">I", head)[0])
    kind, number = request[0], request[1:5]
    if kind == 1:
        send(2, struct.pack(">I", 3))
    elif kind == 11:
        send(102, number + text(b"folder"))
    elif kind == 12:
        names = next(lists, None)
        if names is None:
            send(101, number + struct.pack(">I", 1) + text(b"") + text(b""))
        else:
            send(104, number + struct.pack(">I", len(names)) + b"".join(map(entry, names)))
    elif kind == 4:
        send(101, number + struct.pack(">I", 0) + text(b"") + text(b""))
    else:
        send(101, number + struct.pack(">I", 2) + text(b"") + text(b""))
"#;
    fs::write(sandbox.path("server.py"), script.replace("PACKETS", packets)).unwrap();
    format!("python3 {}", sandbox.path("server.py").display())
}

const NAME: &str = "duplicity-full.20200101T000000Z.manifest";

#[test]
fn a_list_of_long_names_without_end_is_given_up() {
    let sandbox = Sandbox::new();
    let long = "    while True: yield [b'x' * 4000] * 8";
    let sshd = Setup::new(&sandbox).command(&server(&sandbox, long)).start();
    let list = format!("ulimit -v 700000; moo-status {}", sshd.url("store"));
    sandbox.sh(&list).fails_with(7).one_message().stderr_has("has too many files for a store");
}

#[test]
fn a_list_that_drips_is_given_up_in_time() {
    let sandbox = Sandbox::new();
    let slow =
        "    for n in itertools.count():\n        time.sleep(0.4)\n        yield [b'a%d' % n]";
    let sshd = Setup::new(&sandbox).command(&server(&sandbox, slow)).start();
    let list = format!("timeout 400 moo-status --timeout 1 {}", sshd.url("store"));
    sandbox.sh(&list).fails_with(8).one_message().stderr_has("lists its files too slowly");
}

#[test]
fn a_file_without_a_name_does_not_hide_those_after_it() {
    let sandbox = Sandbox::new();
    let hidden = format!("    yield [b'', b'{NAME}']");
    let sshd = Setup::new(&sandbox).command(&server(&sandbox, &hidden)).start();
    let list = format!("moo-status {}", sshd.url("store"));
    sandbox.sh(&list).fails_with(7).one_message().stderr_has("lists a file without a name");
}
