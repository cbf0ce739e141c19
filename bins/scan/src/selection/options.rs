//! The options that select, in the order in which they were given.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use clap::{ArgMatches, Args, Command, FromArgMatches};
use selection::{PathOptions, Sign, Word, in_order, place};

/// The options that select.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    /// Those whose order counts.
    pub(crate) ordered: Vec<Word>,
    /// Names of files that keep the directory that they are in out.
    pub(crate) marks: Vec<OsString>,
    /// Whether devices stay out.
    pub(crate) no_devices: bool,
    /// Whether the content of caches stays out.
    pub(crate) no_caches: bool,
    /// Whether what has the flag `d` stays out.
    pub(crate) no_nodump: bool,
    /// Back up only the paths that FILE lists, relative to the source, one per line
    pub(crate) files_from: Option<PathBuf>,
    /// Separate the entries of lists by NUL instead of a newline
    pub(crate) null_separator: bool,
}

impl Words {
    /// Whether nothing is given that selects.
    pub(crate) fn is_empty(&self) -> bool {
        let mut given = false;
        self.spell(&mut |_| given = true);
        !given
    }

    /// Spells the options out: two lists select the same exactly when their texts are the same,
    /// in this version and in later ones. Each text is given to `add`.
    pub(crate) fn spell(&self, add: &mut impl FnMut(&[u8])) {
        for word in &self.ordered {
            let (name, value): (&str, &OsStr) = match word {
                Word::Glob(Sign::Include, glob) => ("include", glob),
                Word::Glob(Sign::Exclude, glob) => ("exclude", glob),
                Word::Filelist(Sign::Include, path) => ("include-filelist", path.as_os_str()),
                Word::Filelist(Sign::Exclude, path) => ("exclude-filelist", path.as_os_str()),
                Word::Regexp(Sign::Include, text) => ("include-regexp", text),
                Word::Regexp(Sign::Exclude, text) => ("exclude-regexp", text),
                Word::OlderThan(time) => ("exclude-older-than", OsStr::new(time)),
                Word::LargerThan(size) => ("exclude-larger-than", OsStr::new(size)),
                Word::OtherFilesystems => ("exclude-other-filesystems", OsStr::new("")),
            };
            add(name.as_bytes());
            add(value.as_bytes());
        }
        for mark in &self.marks {
            add(b"exclude-if-present");
            add(mark.as_bytes());
        }
        if self.no_devices {
            add(b"exclude-device-files");
        }
        if self.no_caches {
            add(b"exclude-caches");
        }
        if self.no_nodump {
            add(b"exclude-nodump");
        }
        if let Some(path) = &self.files_from {
            add(b"files-from");
            add(path.as_os_str().as_bytes());
        }
        if self.null_separator {
            add(b"null-separator");
        }
    }
}

#[derive(Args)]
struct Options {
    #[command(flatten)]
    paths: PathOptions,
    /// Exclude regular files that were modified before TIME, a time or an age
    #[arg(long, value_name = "TIME")]
    exclude_older_than: Vec<String>,
    /// Exclude regular files of more than SIZE bytes; K, M, G and T are units of 1,024
    #[arg(long, value_name = "SIZE")]
    exclude_larger_than: Vec<String>,
    /// Exclude other file systems than that of the source
    #[arg(long, overrides_with = "exclude_other_filesystems")]
    exclude_other_filesystems: bool,
    /// Exclude directories that contain a file NAME, regardless of the other selections
    #[arg(long, value_name = "NAME")]
    exclude_if_present: Vec<OsString>,
    /// Exclude device files, regardless of the other selections
    #[arg(long, overrides_with = "exclude_device_files")]
    exclude_device_files: bool,
    /// Exclude the content of directories with a valid CACHEDIR.TAG, except for that file, regardless
    /// of the other selections
    #[arg(long, overrides_with = "exclude_caches")]
    exclude_caches: bool,
    /// Exclude objects with the flag d of chattr(1), regardless of the other selections
    #[arg(long, overrides_with = "exclude_nodump")]
    exclude_nodump: bool,
    /// Look at nothing but the paths that a file lists, relative to the source, one a line
    #[arg(long, value_name = "FILE")]
    files_from: Option<PathBuf>,
    /// Lists end their entries with NUL, not with a newline
    #[arg(long, overrides_with = "null_separator")]
    null_separator: bool,
}

impl Args for Words {
    fn augment_args(command: Command) -> Command {
        Options::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Options::augment_args_for_update(command)
    }
}

impl FromArgMatches for Words {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Words, clap::Error> {
        let options = Options::from_arg_matches(matches)?;
        Ok(Words {
            ordered: ordered(&options, matches),
            marks: options.exclude_if_present,
            no_devices: options.exclude_device_files,
            no_caches: options.exclude_caches,
            no_nodump: options.exclude_nodump,
            files_from: options.files_from,
            null_separator: options.null_separator,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Words::from_arg_matches(matches)?;
        Ok(())
    }
}

fn ordered(options: &Options, matches: &ArgMatches) -> Vec<Word> {
    let others: &[()] = if options.exclude_other_filesystems { &[()] } else { &[] };
    let placed = [
        options.paths.placed(matches),
        place(matches, "exclude_older_than", &options.exclude_older_than, Word::OlderThan),
        place(matches, "exclude_larger_than", &options.exclude_larger_than, Word::LargerThan),
        place(matches, "exclude_other_filesystems", others, |()| Word::OtherFilesystems),
    ];
    in_order(placed.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_all_kinds_keep_their_order() {
        let line = "x --exclude 1 --include 2 --exclude-older-than 3 --exclude 4 \
            --exclude-other-filesystems --include-filelist 5 --exclude-regexp 6";
        let matches = Words::augment_args(Command::new("x"))
            .get_matches_from(line.split(' ').filter(|w| !w.is_empty()));
        let words = Words::from_arg_matches(&matches).unwrap();
        let shown = words.ordered.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>();
        let order = [
            "Exclude, \"1",
            "Include, \"2",
            "OlderThan(\"3",
            "Exclude, \"4",
            "Other",
            "Include, \"5",
            "Exclude, \"6",
        ];
        assert_eq!(shown.len(), order.len());
        for (shown, part) in shown.iter().zip(order) {
            assert!(shown.contains(part), "{shown} {part}");
        }
    }

    /// A set is resumed only with the same options: what they are spelled as must never change.
    #[test]
    fn options_are_spelled_as_in_every_version() {
        let words = Words {
            ordered: vec![
                Word::Glob(Sign::Include, "a".into()),
                Word::Glob(Sign::Exclude, "b".into()),
                Word::Filelist(Sign::Include, "c".into()),
                Word::Filelist(Sign::Exclude, "d".into()),
                Word::Regexp(Sign::Include, "e".into()),
                Word::Regexp(Sign::Exclude, "f".into()),
                Word::OlderThan("1M".to_owned()),
                Word::OtherFilesystems,
                Word::LargerThan("2G".to_owned()),
            ],
            marks: vec!["g".into()],
            no_devices: true,
            no_caches: true,
            no_nodump: true,
            files_from: Some("h".into()),
            null_separator: true,
        };
        let mut texts = Vec::new();
        words.spell(&mut |text: &[u8]| texts.push(String::from_utf8(text.to_vec()).unwrap()));
        let spelled = "include a exclude b include-filelist c exclude-filelist d include-regexp e \
            exclude-regexp f exclude-older-than 1M exclude-other-filesystems  \
            exclude-larger-than 2G exclude-if-present g exclude-device-files exclude-caches \
            exclude-nodump files-from h null-separator";
        assert_eq!(texts.join(" "), spelled);
    }
}
