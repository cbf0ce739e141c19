//! The commands of README.md's recipe. Only what is an example there is replaced.

use std::fs;

use tests::sandbox::workspace;

use super::Origin;

/// How the section begins.
const TITLE: &str = "## A server, backed up to a machine that is not trusted\n";

/// The commands that the section tells to leave out where the package is installed.
const BUILD: [&str; 2] = ["cargo build --release --workspace", "sudo pipelines/install.sh"];

/// The commands of the section, by its indented blocks.
pub(crate) struct Recipe {
    origin: Origin,
    blocks: Vec<Vec<String>>,
}

impl Recipe {
    /// As README.md has it now; fails if it has no longer what the tests need.
    pub(crate) fn of_readme(origin: Origin) -> Recipe {
        let readme = fs::read_to_string(workspace().join("README.md")).unwrap();
        let (_, section) = readme.split_once(TITLE).expect("the section of README.md");
        let section = section.split("\n## ").next().unwrap();
        assert!(section.contains("`--plain`"), "{section}");
        let mut recipe = Recipe { origin, blocks: blocks(section) };
        let lengths: Vec<_> = recipe.blocks.iter().map(Vec::len).collect();
        assert_eq!(lengths, [3, 1, 1, 2, 3, 1], "{:#?}", recipe.blocks);
        if origin == Origin::Package {
            let words = "the package, the script is `/usr/lib/moobacker/backup.sh`";
            assert!(section.contains(words), "{section}");
            let nightly = &mut recipe.blocks[3][0];
            *nightly = replaced(nightly, "/usr/local/lib/", "/usr/lib/");
            let there = &mut recipe.blocks[1][0];
            *there = replaced(there, "pipelines/moo", "moo");
        }
        recipe
    }

    /// What is run before the loss: here, there, here, and to try it.
    pub(crate) fn on_both_machines(&self) -> [&[String]; 4] {
        [&self.blocks[0], &self.blocks[1], &self.blocks[2], &self.blocks[3]]
    }

    /// The first block without the build, which has been done.
    pub(crate) fn here(&self, block: &[String], is_plain: bool) -> String {
        assert_eq!(block[..2], BUILD);
        let done = if self.origin == Origin::Package { 2 } else { 1 };
        let commands = block[done..].join(" &&\n");
        let plain = |commands| replaced(commands, "setup-local", "setup-local --plain");
        if is_plain { plain(&commands) } else { commands }
    }

    /// The command for the other machine, with the key that was told here: but for the words that
    /// say where it runs, it is the one that was told too.
    pub(crate) fn there(&self, block: &[String], from: &str, told: &str, is_plain: bool) -> String {
        let key =
            told.lines().map(str::trim).find(|line| line.starts_with("ssh-ed25519 ")).unwrap();
        let command = replaced(&block[0], "192.0.2.7", from);
        let command = replaced(&command, "ssh-ed25519 AAAA…", key);
        let plain =
            |command| replaced(command, "setup-remote --from", "setup-remote --plain --from");
        let command = if is_plain { plain(&command) } else { command };
        let same = told.lines().map(str::trim).find(|line| line.starts_with("moo setup-remote"));
        let same = replaced(same.expect("a command"), " --user purrbackups", "");
        let below = if self.origin == Origin::Package { "" } else { "pipelines/" };
        assert_eq!(command, format!("sudo {below}{same}"));
        command
    }

    /// The second command here, with the fingerprint that was told there.
    pub(crate) fn with_fingerprint(&self, block: &[String], told: &str) -> String {
        let mut words = told.split_whitespace();
        let fingerprint = words.find(|word| word.starts_with("SHA256:")).expect("a fingerprint");
        replaced(&block[0], "SHA256:…", fingerprint)
    }

    /// The command that checks all.
    pub(crate) fn doctor(&self) -> &str {
        &self.blocks[3][1]
    }

    /// The commands that name a source, or all of them.
    pub(crate) fn by_name(&self) -> &[String] {
        &self.blocks[4]
    }

    /// The command that opens the kit and shows its page.
    pub(crate) fn open_kit(&self) -> &str {
        &self.blocks[5][0]
    }
}

/// The indented blocks of a text, each with its commands.
fn blocks(text: &str) -> Vec<Vec<String>> {
    let text = text.replace("\\\n        ", "");
    let paragraphs = text.split("\n\n").map(|paragraph| paragraph.trim_matches('\n'));
    let blocks = paragraphs.filter(|paragraph| paragraph.starts_with("    "));
    blocks.map(|block| block.lines().map(command).collect()).collect()
}

fn command(line: &str) -> String {
    let command = line.strip_prefix("    ").expect("an indented line");
    assert!(!command.starts_with(' '), "{command}: no command, but indented");
    command.to_owned()
}

/// The example has to be there.
fn replaced(command: &str, example: &str, by: &str) -> String {
    assert_eq!(command.matches(example).count(), 1, "{example}: {command}");
    command.replace(example, by)
}
