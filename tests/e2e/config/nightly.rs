//! The backups of a configuration: hooks, what is deleted afterwards, and who is told.

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
fn an_address_is_told_of_begin_success_and_failure() {
    let person = Person::new();
    let server = r#"cat >server.py <<END
import http.server
class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        open("asked", "a").write(self.path + "\n")
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
    person.sh(&run).stdout_is("/uuid/start\n/uuid\n/uuid/start\n/uuid/8");
    // A backup is good without it, and it is said.
    config("1");
    let run = person.sh("moo backup home 2>&1 | grep -v '^curl:'").succeeds();
    run.stdout_has("moo backup: ping: http://127.0.0.1:1/uuid: curl: exit status 7");
    assert_eq!(person.sets("disk", "home"), 1);
}
