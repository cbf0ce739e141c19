//! `moo list` on a machine that has no archive.

use tests::{Key, Sandbox, Tree};

use super::list;
use crate::moo::Moo;

#[test]
fn without_an_archive_one_is_fetched_for_the_time_being() {
    let mut sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    key.export_secret(&sandbox, "secret.pgp", "");
    let tree = Tree::small(sandbox.path("src"));
    let moo = Moo::encrypted(&sandbox, &key);
    moo.backup("").silent();
    tree.noise("new\nline", 100);
    moo.backup("").silent();
    sandbox.sh("mkdir 'odd folder'").silent();
    sandbox.set("TMPDIR", sandbox.path("odd folder"));
    for options in ["--json", "-0", "--time now", "--changes 0D now", "--versions 'a file'"] {
        let here = list(&sandbox, "archive", options, "").succeeds();
        let fetched = list(&sandbox, "lost", options, "").succeeds().stderr_is("");
        assert_eq!(here.out(), fetched.out(), "{options}");
        sandbox.sh("test ! -e lost && ls -A 'odd folder'").silent();
    }
    key.forget(&sandbox);
    list(&sandbox, "lost", "", "").fails_with(6).one_message();
    list(&sandbox, "archive", "", "").succeeds();
    list(&sandbox, "lost", "--secret-key secret.pgp", "link").succeeds().stdout_has(" link -> ");
    list(&sandbox, "lost", "--secret-key secret.pgp", "nothing").fails_with(10).one_message();
    sandbox.sh("ls -A 'odd folder'").silent();
    sandbox.sh("rm store/*").silent();
    let none = list(&sandbox, "lost", "", "").fails_with(10).one_message();
    none.stderr_has("there is no backup");
    sandbox.sh("ls -A 'odd folder'").silent();
}
