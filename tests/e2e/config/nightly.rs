//! The backups of a configuration: hooks, deletion of old sets, and the requests to the ping URL.

use tests::assert_by_schema;

use super::{KEYS, Person, SOURCES, STORES};

#[test]
fn hooks_run_around_all_and_around_each_and_hear_how_it_went() {
    let person = Person::new();
    let log = |what: &str| format!("\"echo {what} $MOO_STATUS >>@/log\"");
    let top = format!(
        "before = {}\nafter = [{}, {}]\nfailed = {}\n",
        log("first"),
        log("last"),
        log("very-last"),
        log("failed")
    );
    let sources = SOURCES.replace(
        "stores = \"disk\"\n",
        &format!(
            "stores = \"disk\"\nbefore = \"exit 5\"\nafter = {}\nfailed = {}\n",
            log("after-home"),
            log("failed-home")
        ),
    );
    person.configure(&format!("{KEYS}{top}{STORES}{sources}"));
    person.sh("touch log && chmod 666 log").silent();
    person
        .sh("moo backup")
        .fails_with(1)
        .stderr_is("moo backup: home: before: exit 5: exit status 5");
    let log = "first\nfailed-home 1\nafter-home 1\nfailed 1\nlast 1\nvery-last 1";
    person.sh("cat log").stdout_is(log);
    assert_eq!((person.sets("disk", "etc"), person.sets("disk", "home")), (1, 0));
    person.sh("rm log; moo backup --dry-run etc disk; test ! -e log").succeeds();
}

#[test]
fn a_hook_sees_no_passphrase_and_no_status_of_the_callers() {
    let person = Person::new();
    let hook = "before = \"env >@/seen\"\n";
    person.configure(&format!("{KEYS}{hook}{STORES}{SOURCES}"));
    let secrets = "PASSPHRASE=a SIGN_PASSPHRASE=b NEW_PASSPHRASE=c MOO_STATUS=77 OTHER=d";
    person.sh(&format!("{secrets} moo backup etc disk")).silent();
    person
        .sh("grep -cE 'PASSPHRASE|MOO_STATUS|MOO_NOTE' seen; grep OTHER seen")
        .stdout_is("0\nOTHER=d");
}

#[test]
fn a_signal_that_the_caller_ignores_was_none_of_the_loops_business_and_is_ignored() {
    let person = Person::new();
    // A hook's parent is moo-each.
    let hook = "before = \"kill -HUP $PPID\"\n";
    person.configure(&format!("{KEYS}{hook}{STORES}{SOURCES}"));
    person.sh("trap '' HUP; exec moo backup etc disk").silent();
    assert_eq!(person.sets("disk", "etc"), 1);
    person.sh("sleep 1.1; exec moo backup etc disk").fails_with(129);
    assert_eq!(person.sets("disk", "etc"), 1);
}

#[test]
fn the_rules_of_a_store_are_its_own_and_an_append_only_one_has_none_here() {
    let person = Person::new();
    let stores = STORES
        .replace("[stores.second]\n", "keep = { full = 1 }\n[stores.second]\nappend-only = true\n");
    let top = "full-if-older-than = \"1s\"\nkeep = { full = 2 }\n";
    person.configure(&format!("{KEYS}{top}{stores}{SOURCES}"));
    for _ in 0..3 {
        person.sh("sleep 2; moo backup etc").silent();
    }
    assert_eq!((person.sets("disk", "etc"), person.sets("second", "etc")), (1, 3));
    person.sh("moo prune etc").succeeds().stdout_has("etc at second");
    person.sh("moo config show | grep -c 'prune.*second'").stdout_is("0");
    // Not by hand either.
    let run = person.sh("moo prune --force etc").succeeds().one_message();
    run.stderr_has("etc at second: append-only: nothing is deleted from here");
    person.sh("moo prune --force second").fails_with(7).one_message();
    assert_eq!(person.sets("second", "etc"), 3);
}

#[test]
fn a_program_reads_the_commands_of_a_run_as_json_and_runs_them() {
    let person = Person::new();
    let text = format!("before = \"echo 'a  b' >hooked\"\n{KEYS}{STORES}{SOURCES}");
    person.configure(&text);
    let told = person.sh("moo config show --json").succeeds().out();
    assert_by_schema(&person.0, "config", &told);
    let run = "import json, subprocess, sys
for line in sys.stdin:
    subprocess.run(json.loads(line)['words'], check=True)";
    person
        .0
        .sh(&format!("cat >commands <<'END'\n{told}\nEND\ncat >run.py <<'END'\n{run}\nEND"))
        .silent();
    person.sh("grep . commands | python3 run.py").silent();
    person.sh("cat hooked").stdout_is("a  b");
    assert_eq!((person.sets("disk", "etc"), person.sets("second", "etc")), (1, 1));
    person.sh("moo config check --json").fails_with(2).one_message();
}

#[test]
fn a_url_gets_a_request_at_the_start_after_a_success_and_after_a_failure() {
    let person = Person::new();
    let server = r#"cat >server.py <<END
import glob, http.server
class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        open("asked", "a").write(self.path + "\n")
        # Whoever sees the address could report a success.
        calls = [open(name, "rb").read() for name in glob.glob("/proc/[1-9]*/cmdline")]
        if any(call.startswith(b"curl") and b"/uuid" in call for call in calls):
            open("asked", "a").write("seen by everybody\n")
        self.send_response(200)
        self.end_headers()
    def log_message(self, *words):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Server)
open("port", "w").write(str(server.server_port))
server.serve_forever()
END"#;
    person.0.sh(server).silent();
    let config = |port: &str| {
        let ping = format!("ping = \"http://127.0.0.1:{port}/uuid\"\n");
        person.configure(&format!("{KEYS}{ping}{STORES}{SOURCES}"));
    };
    config("PORT");
    let file = ".home/.config/moobacker/moobacker.toml";
    let run = format!(
        "python3 server.py >/dev/null 2>&1 & server=$!
        until test -s port; do sleep 0.05; done
        sed -i \"s/PORT/$(cat port)/\" {file}
        moo backup etc disk; rm -r disk/*; moo backup etc disk 2>/dev/null
        kill $server; cat asked"
    );
    // A hostile user of the configuration: curl would write and read what this file names.
    person.sh("printf 'output = \"%s/stolen\"\n' $PWD >.home/.curlrc").silent();
    person.sh(&run).stdout_is("/uuid/start\n/uuid\n/uuid/start\n/uuid/8");
    person.sh("test ! -e stolen").silent();
    // A backup is good without it, and it is said.
    config("1");
    let run = person.sh("moo backup home 2>&1 | grep -v '^curl:'").succeeds();
    run.stdout_has("moo backup: ping: http://127.0.0.1:1/uuid: curl: exit status 7");
    assert_eq!(person.sets("disk", "home"), 1);
}
