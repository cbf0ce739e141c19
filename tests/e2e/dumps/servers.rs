//! Databases: dumped by their own programs, and restored into fresh servers.

use tests::{Key, Sandbox, not_tried};

use super::sizes;
use crate::moo::stored;

/// A server of databases that ends with the test.
trait Server<'a>: Sized {
    /// What the machine must have.
    const PROGRAM: &'static str;
    /// SQL that fills the table of goods.
    const FILL: &'static str;
    /// SQL that tells a state of the table.
    const STATE: &'static str;
    /// What the program that dumps says of a database `shoe`.
    const WRONG: &'static str;

    /// Starts one, with nothing in it.
    fn start(sandbox: &'a Sandbox) -> Self;

    /// The command that dumps a database.
    fn dump(&self, database: &str) -> String;

    /// The command that carries out SQL from standard input, in a database if one is named.
    fn sql(&self, database: &str) -> String;
}

fn query<'a>(sandbox: &Sandbox, server: &impl Server<'a>, database: &str, query: &str) -> String {
    let sql = server.sql(database);
    sandbox.sh(&format!("{sql} <<'END'\n{query}\nEND")).succeeds().out()
}

/// PostgreSQL. It runs as another user if the tests run as root, whom it refuses.
struct Postgres<'a> {
    sandbox: &'a Sandbox,
    folder: String,
}

/// What the shell needs to know of it.
const PROGRAMS: &str = r#"bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
as() { if [ "$(id -u)" = 0 ]; then
    setpriv --reuid postgres --regid postgres --init-groups env HOME=/ "$@"; else "$@"; fi; }
"#;

impl<'a> Server<'a> for Postgres<'a> {
    const PROGRAM: &'static str = "/usr/lib/postgresql/*/bin/initdb";
    const FILL: &'static str =
        "INSERT INTO goods SELECT n, md5(n::text), n / 7.0 FROM generate_series(1, 100000) n";
    const STATE: &'static str =
        "SELECT count(*), sum(price), md5(string_agg(name, ',' ORDER BY id)) FROM goods";
    const WRONG: &'static str = "database \"shoe\" does not exist";

    fn start(sandbox: &'a Sandbox) -> Postgres<'a> {
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

    fn dump(&self, database: &str) -> String {
        format!("pg_dump -h {} -U moo {database}", self.folder)
    }

    fn sql(&self, database: &str) -> String {
        let database = if database.is_empty() { "postgres" } else { database };
        format!("psql -h {} -U moo -qAt -v ON_ERROR_STOP=1 {database}", self.folder)
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

/// MariaDB.
struct Mariadb<'a> {
    sandbox: &'a Sandbox,
    folder: String,
}

impl<'a> Server<'a> for Mariadb<'a> {
    const PROGRAM: &'static str = "/usr/sbin/mariadbd";
    const FILL: &'static str =
        "INSERT INTO goods SELECT seq, md5(seq), seq / 7.0 FROM seq_1_to_100000";
    const STATE: &'static str =
        "SELECT count(*), sum(price), sum(crc32(concat(id, name))) FROM goods";
    const WRONG: &'static str = "Unknown database 'shoe'";

    fn start(sandbox: &'a Sandbox) -> Mariadb<'a> {
        // A socket's path is short. The server goes on when the shell has gone.
        let script = "PATH=$PATH:/usr/sbin; folder=$(mktemp -d /tmp/moomy.XXXXXX) && user=$(id -un) &&
            mariadb-install-db --no-defaults --user=$user --datadir=$folder/data --skip-test-db \
                --auth-root-authentication-method=normal >$folder/log 2>&1 &&
            { setsid mariadbd --no-defaults --user=$user --datadir=$folder/data --socket=$folder/socket \
                --pid-file=$folder/pid --skip-networking --innodb-flush-log-at-trx-commit=0 \
                >>$folder/log 2>&1 & } &&
            until mariadb-admin --no-defaults -S $folder/socket -u root ping >/dev/null 2>&1; do
                sleep 0.1
            done && echo $folder";
        let folder = sandbox.sh(script).succeeds().out().trim().to_owned();
        Mariadb { sandbox, folder }
    }

    fn dump(&self, database: &str) -> String {
        // The date of the dump would differ each time.
        let options = "--no-defaults -u root --single-transaction --skip-dump-date";
        format!("mariadb-dump {options} -S {}/socket {database}", self.folder)
    }

    fn sql(&self, database: &str) -> String {
        format!("mariadb --no-defaults -u root -BN -S {}/socket {database}", self.folder)
    }
}

impl Drop for Mariadb<'_> {
    fn drop(&mut self) {
        let stop = format!(
            "pid=$(cat {0}/pid); kill -KILL $pid; while [ -e /proc/$pid ]; do sleep 0.1; done
            rm -rf '{0}'",
            self.folder
        );
        let _ = self.sandbox.sh(&stop);
    }
}

/// Each state of a table that a dump held comes back into a fresh server of the same kind.
fn states_come_back<'a, S: Server<'a>>(sandbox: &'a Sandbox) {
    if sandbox.sh(&format!("ls {}", S::PROGRAM)).status != 0 {
        return not_tried(&format!("there is no {}", S::PROGRAM));
    }
    let key = Key::open(sandbox, "Moo <moo@example.org>");
    let server = S::start(sandbox);
    let at = |server: &S, database: &str, sql: &str| query(sandbox, server, database, sql);
    at(&server, "", "CREATE DATABASE shop");
    let table = "CREATE TABLE goods (id int PRIMARY KEY, name text, price numeric(20, 9))";
    at(&server, "shop", table);
    at(&server, "shop", S::FILL);
    let backup = |dump: &str| {
        format!(
            "moo backup --encrypt-key {key} --stdin-name shop.sql --command '{dump}' file://$PWD/store"
        )
    };
    let dump = server.dump("shop");
    let mut states = vec![at(&server, "shop", S::STATE)];
    sandbox.sh(&backup(&dump)).silent();
    for day in 1..3 {
        at(&server, "shop", &format!("INSERT INTO goods VALUES (-{day}, 'day', {day})"));
        states.push(at(&server, "shop", S::STATE));
        sandbox.sh(&backup(&dump)).silent();
    }
    let sizes = sizes(sandbox);
    assert!(sizes.len() == 3 && sizes[1] < sizes[0] / 20, "{sizes:?}");
    let wrong = server.dump("shoe");
    let run = sandbox.sh(&backup(&wrong)).fails_with(1).stderr_has(S::WRONG);
    let program = wrong.split(' ').next().unwrap();
    run.stderr_has(program).stderr_has("so nothing is stored");
    assert_eq!(stored(sandbox).len(), 3);
    drop(server);
    let fresh = S::start(sandbox);
    for (day, (time, state)) in stored(sandbox).iter().zip(&states).enumerate() {
        let day = format!("day{day}");
        at(&fresh, "", &format!("CREATE DATABASE {day}"));
        let restore = format!("moo restore --time {time} --path shop.sql file://$PWD/store -");
        sandbox.sh(&format!("{restore} | {} >/dev/null", fresh.sql(&day))).silent();
        assert_eq!(at(&fresh, &day, S::STATE), *state);
    }
}

#[test]
fn each_state_of_a_database_of_postgresql_comes_back_into_a_fresh_server() {
    states_come_back::<Postgres<'_>>(&Sandbox::new());
}

#[test]
fn each_state_of_a_database_of_mariadb_comes_back_into_a_fresh_server() {
    states_come_back::<Mariadb<'_>>(&Sandbox::new());
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
