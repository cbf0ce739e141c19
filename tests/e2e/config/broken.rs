//! Thirty files that are no configuration: each is named with its line, its key and the reason.

use std::fs;

use tests::Sandbox;

/// A configuration that is right, of 12 lines.
const GOOD: &str = "\
user = \"nobody\"
encrypt-key = [\"A\", \"B\"]
full-if-older-than = \"1M\"
keep = { full = 4, older-than = \"6M\" }
[stores.main]
url = \"sftp://h/b\"
bandwidth = 2000
[sources.etc]
path = \"/etc\"
exclude = \"**.tmp\"
options = [\"--volsize=5\"]
before = \"true\"
";

/// What of it is changed into what, and what is said of that.
const BROKEN: [(&str, &str, &str); 45] = [
    ("user =", "usr =", "line 1: usr: no such key; did you mean user?"),
    ("user =", "colour =", "line 1: colour: no such key, see moobacker.toml(5)"),
    ("\"nobody\"", "7", "line 1: user: invalid type: integer `7`, expected a string"),
    ("\"nobody\"", "\"Moo\"", "line 1: user: the name of a user is needed"),
    ("\"nobody\"", "\"nobodi\"", "user: nobodi: no such user; moo setup-local makes it"),
    ("\"nobody\"", "\"root\"", "line 1: user: a user other than root is needed"),
    ("\"nobody\"", "\"\"", "line 1: user: a value is needed, and this is empty"),
    ("\"nobody\"", "moo", "line 1: "),
    ("\"nobody\"", "\"moo", "line 1: "),
    (
        "[\"A\", \"B\"]",
        "7",
        "line 2: encrypt-key: invalid type: integer `7`, expected a text or a list of texts",
    ),
    ("encrypt-key = [\"A\", \"B\"]\n", "", "encrypt-key: missing; give the certificate"),
    ("\"1M\"", "\"1 month\"", "line 3: full-if-older-than: an age such as 26h, 8D"),
    ("\"1M\"", "\"soon\"", "line 3: full-if-older-than: an age such as 26h, 8D"),
    ("full = 4", "ful = 4", "line 4: keep.ful: no such key; did you mean full?"),
    ("full = 4", "full = -1", "line 4: keep.full: "),
    ("full = 4", "full = \"4\"", "line 4: keep.full: invalid type: string"),
    ("older-than = \"6M\"", "older-than = \"x\"", "line 4: keep.older-than: an age such as 6M"),
    ("[stores.main]", "[stores.'a b']", "a name of letters, digits"),
    ("[stores.main]", "[store.main]", "line 5: store: no such key; did you mean stores?"),
    ("[stores.main]", "[stores.main", "line 5: "),
    ("sftp://h/b", "/srv/b", "line 6: stores.main.url: a URL such as sftp://user@host/folder"),
    ("sftp://h/b", "ftp://h/b", "line 6: stores.main.url: a URL such as sftp://user@host/folder"),
    ("url = \"sftp://h/b\"\n", "", "line 5: stores.main: url is missing"),
    ("2000", "\"2 MiB\"", "line 7: stores.main.bandwidth: invalid type: string"),
    (
        "path = \"/etc\"\n",
        "",
        "sources.etc: a path is needed, such as path = \"/etc\", or commands",
    ),
    (
        "path = \"/etc\"\n",
        "path = \"/etc\"\ncommands = { a = \"date\" }\n",
        "sources.etc.commands: give path or commands, not both",
    ),
    (
        "path = \"/etc\"\n",
        "path = \"/etc\"\nrun-as = \"postgres\"\n",
        "sources.etc.run-as: there are no commands",
    ),
    (
        "path = \"/etc\"\n",
        "commands = { \"a/b\" = \"date\" }\n",
        "sources.etc.commands.a/b: the name of a file",
    ),
    (
        "path = \"/etc\"\n",
        "commands = { a = \"date\" }\nexclude-caches = true\n",
        "sources.etc: nothing can be selected in the output of commands",
    ),
    ("\"/etc\"", "\"etc\"", "line 9: sources.etc.path: a path that begins with / is needed"),
    ("\"/etc\"", "\"/etc\"\npath = \"/x\"", "line 10: "),
    (
        "exclude =",
        "stores = \"disk\"\nexclude =",
        "line 10: sources.etc.stores: disk: no such store",
    ),
    (
        "exclude =",
        "select = \"- x\"\nexclude =",
        "line 11: sources.etc.exclude: give exclude or select",
    ),
    ("exclude =", "select =", "line 10: sources.etc.select: \"+ GLOB\" or \"- GLOB\" is needed"),
    ("--volsize=5", "--volsize5", "sources.etc: unexpected argument '--volsize5"),
    ("--volsize=5", "etc", "line 11: sources.etc.options: etc: not an option"),
    ("keep = { full = 4, older-than = \"6M\" }", "keep = {}", "line 4: keep: a rule is needed"),
    ("full = 4", "full = 0", "line 4: keep.full: "),
    ("--volsize=5", "--dry-run", "line 11: sources.etc.options: --dry-run: not an option that a"),
    ("--volsize=5", "--name=x", "line 11: sources.etc.options: --name: not an option that a"),
    ("[sources.etc]", "[sources.full]", "sources.full: a kind of backup has that name"),
    (
        "[sources.etc]",
        "[stores.b]\nurl = \"sftp://h/b/\"\n[sources.etc]",
        "stores.b.url: is that of the store main",
    ),
    (
        "[sources.etc]",
        "[stores.'b.main']\nurl = \"file:///c\"\n[sources.'etc.b']\npath = \"/x\"\n[sources.etc]",
        "sources.etc: its archive directory etc.b.main is that of etc.b at main; set archive-names",
    ),
    (
        "bandwidth = 2000",
        "options = [\"--volsize=5\"]",
        "stores.main.options: --volsize=5: not an option of how",
    ),
    ("[sources.etc]", "[sources.etc]\npath = \"/a\"\n[sources.etc]", "line 10: "),
];

#[test]
fn each_of_thirty_faults_is_named_with_line_key_and_reason() {
    let sandbox = Sandbox::new();
    let check = |text: &str| {
        fs::write(sandbox.path("moobacker.toml"), text).unwrap();
        sandbox.sh("chmod 644 moobacker.toml; moo config --config moobacker.toml check")
    };
    check(GOOD).silent();
    for (from, into, said) in BROKEN {
        assert!(GOOD.contains(from), "{from}");
        let run = check(&GOOD.replacen(from, into, 1)).fails_with(2).one_message();
        let err = run.err();
        assert!(err.starts_with("moo config: moobacker.toml: "), "{into}: {err}");
        assert!(err.contains(said), "{into}: {said}: {err}");
    }
}
