//! `moo list --versions`: all states of one path.

use tests::{Sandbox, Tree};

use super::{list, objects, text};
use crate::moo::{Moo, stored};

#[test]
fn a_path_has_a_version_for_each_set_in_which_it_changed() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    tree.file("other", b"");
    let moo = Moo::plain(&sandbox);
    let content: [Option<&[u8]>; 6] =
        [None, Some(b"1"), Some(b"1"), Some(b"22"), None, Some(b"4444")];
    for (day, content) in content.into_iter().enumerate() {
        match content {
            Some(content) if day != 2 => tree.file("d/file", content),
            None if day == 4 => tree.remove("d/file"),
            _ => tree.file("other", &[b'x'; 9][..day]),
        }
        // A second full set has it again, as it was.
        moo.backup(if day == 2 { "full" } else { "" }).silent();
    }
    let times = stored(&sandbox);
    let listed = objects(&list(&sandbox, "archive", "--json --versions d/file", "").succeeds());
    let told: Vec<_> = listed
        .iter()
        .map(|version| (text(&version["time"]), version["entry"]["size"].as_u64()))
        .collect();
    let expected = [(1, Some(1)), (3, Some(2)), (4, None), (5, Some(4))];
    assert_eq!(told, expected.map(|(set, size)| (times[set].clone(), size)));
    let table = list(&sandbox, "archive", "--versions /d/file", "").succeeds().out();
    let lines: Vec<_> = table.lines().collect();
    assert!(lines.len() == 4 && lines[2].ends_with("+00:00  not there"), "{table}");
    assert!(lines[3].contains("-rw-r--r-- ") && lines[3].ends_with(" d/file"), "{table}");
    list(&sandbox, "archive", "--versions d/nothing", "").fails_with(10).one_message();
    list(&sandbox, "archive", "--versions .", "").succeeds().stdout_has(" .\n");
}
