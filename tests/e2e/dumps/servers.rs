//! Databases: dumped by their own programs, and restored into fresh servers.

use tests::{Key, Sandbox, not_tried};

use super::sizes;
use crate::moo::stored;

/// A server of PostgreSQL that ends with the test. It runs as another user if the tests run as root, whom
/// it refuses.
struct Postgres<'a> {
    sandbox: &'a Sandbox,
    folder: String,
}

/// What the shell needs to know of it.
const PROGRAMS: &str = r#"bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
as() { if [ "$(id -u)" = 0 ]; then
    setpriv --reuid postgres --regid postgres --init-groups env HOME=/ "$@"; else "$@"; fi; }
"#;

impl Postgres<'_> {
    fn start(sandbox: &Sandbox) -> Postgres<'_> {
        let script = format!(
            "{PROGRAMS} cd / && folder=$(mktemp -d /tmp/moopg.XXXXXX) &&
            {{ [ \"$(id -u)\" != 0 ] || chown postgres \"$folder\"; }} &&
            as \"$bin/initdb\" -U moo -A trust -D \"$folder/data\" >/dev/null 2>&1 &&
            as \"$bin/pg_ctl\" -w -D \"$folder/data\" -l \"$folder/log\" \
                -o \"-k $folder -c listen_addresses= -c fsync=off\" start >/dev/null && echo \"$folder\""
        );
        let folder = sandbox.sh(&script).succeeds().out().trim().to_owned();
        Postgres { sandbox, folder }
    }

    /// A call of one of its clients.
    fn client(&self, call: &str) -> String {
        let (program, words) = call.split_once(' ').unwrap();
        format!("{program} -h {} -U moo {words}", self.folder)
    }

    fn query(&self, database: &str, query: &str) -> String {
        let psql = self.client("psql -qAt -v ON_ERROR_STOP=1");
        self.sandbox.sh(&format!("{psql} {database} <<'END'\n{query}\nEND")).succeeds().out()
    }
}

impl Drop for Postgres<'_> {
    fn drop(&mut self) {
        let folder = &self.folder;
        let stop = format!(
            "{PROGRAMS} cd / && as \"$bin/pg_ctl\" -D '{folder}/data' -m immediate stop; rm -rf '{folder}'"
        );
        let _ = self.sandbox.sh(&stop);
    }
}

const STATE: &str =
    "SELECT count(*), sum(price), md5(string_agg(name, ',' ORDER BY id)) FROM goods";

#[test]
fn each_state_of_a_database_of_postgresql_comes_back_into_a_fresh_server() {
    let sandbox = Sandbox::new();
    if sandbox.sh("ls /usr/lib/postgresql/*/bin/initdb").status != 0 {
        return not_tried("there is no server of PostgreSQL");
    }
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let server = Postgres::start(&sandbox);
    server.query("postgres", "CREATE DATABASE shop");
    server.query("shop", "CREATE TABLE goods (id int PRIMARY KEY, name text, price numeric)");
    server.query(
        "shop",
        "INSERT INTO goods SELECT n, md5(n::text), n / 7.0 FROM generate_series(1, 100000) n",
    );
    let backup = |dump: &str| {
        format!(
            "moo backup --encrypt-key {key} --stdin-name shop.sql --command '{dump}' file://$PWD/store"
        )
    };
    let dump = server.client("pg_dump shop");
    let mut states = vec![server.query("shop", STATE)];
    sandbox.sh(&backup(&dump)).silent();
    for day in 1..3 {
        server.query("shop", &format!("INSERT INTO goods VALUES (-{day}, 'day', {day})"));
        states.push(server.query("shop", STATE));
        sandbox.sh(&backup(&dump)).silent();
    }
    let sizes = sizes(&sandbox);
    assert!(sizes.len() == 3 && sizes[1] < sizes[0] / 20, "{sizes:?}");
    let wrong = server.client("pg_dump shoe");
    let run =
        sandbox.sh(&backup(&wrong)).fails_with(1).stderr_has("database \"shoe\" does not exist");
    run.stderr_has("pg_dump").stderr_has("so nothing is stored");
    assert_eq!(stored(&sandbox).len(), 3);
    drop(server);
    let fresh = Postgres::start(&sandbox);
    for (day, (time, state)) in stored(&sandbox).iter().zip(&states).enumerate() {
        fresh.query("postgres", &format!("CREATE DATABASE day{day}"));
        let psql = fresh.client(&format!("psql -q -v ON_ERROR_STOP=1 day{day}"));
        let restore = format!("moo restore --time {time} --path shop.sql file://$PWD/store -");
        sandbox.sh(&format!("{restore} | {psql} >/dev/null")).silent();
        assert_eq!(fresh.query(&format!("day{day}"), STATE), *state);
    }
}

#[test]
fn a_database_of_sqlite_comes_back_though_somebody_writes_to_it_meanwhile() {
    let sandbox = Sandbox::new();
    if sandbox.sh("command -v sqlite3").status != 0 {
        return not_tried("there is no sqlite3");
    }
    let rows = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
        INSERT INTO goods SELECT i, hex(i * 7919) FROM n;";
    sandbox.sh(&format!("sqlite3 live.db 'PRAGMA journal_mode = wal; CREATE TABLE goods (id INTEGER, name TEXT); {rows}'"))
        .succeeds();
    let writer = "for n in $(seq 200); do
        sqlite3 -cmd '.timeout 5000' live.db \"BEGIN; INSERT INTO goods VALUES (-$n, 'a');
            INSERT INTO goods VALUES (-$n, 'b'); COMMIT;\"; done";
    let options = "--no-encryption --stdin-name live.sql";
    // Without patience, .dump ends with ROLLBACK and the status 0 if it finds the database locked.
    let dump = "sqlite3 -bail -cmd \".timeout 60000\" live.db .dump";
    let backup = format!("moo backup {options} --command '{dump}' file://$PWD/store");
    sandbox
        .sh(&format!("{{ {writer}; }} & {backup} && {backup}; code=$?; wait; exit $code"))
        .silent();
    sandbox.sh("moo restore --path live.sql file://$PWD/store - | sqlite3 fresh.db").silent();
    let check = "PRAGMA integrity_check; SELECT count(*) >= 50000 FROM goods;
        SELECT count(*) FROM goods WHERE id < 0 GROUP BY id HAVING count(*) <> 2;";
    sandbox.sh(&format!("sqlite3 fresh.db \"{check}\"")).succeeds().stdout_is("ok\n1");
}
