//! The options for the prefixes of names.

use archive::Prefixes;
use failure::{Failure, Status};

/// The options for the prefixes of names.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct PrefixOptions {
    /// Use only the files of the store whose names begin with TEXT, and give new files such names:
    /// several backups can lie in one store
    #[arg(
        long,
        value_name = "TEXT",
        allow_hyphen_values = true,
        default_value = "",
        hide_default_value = true
    )]
    file_prefix: String,
    /// Prefix of manifests, after that of --file-prefix
    #[arg(
        long,
        value_name = "TEXT",
        allow_hyphen_values = true,
        default_value = "",
        hide_default_value = true
    )]
    file_prefix_manifest: String,
    /// Prefix of volumes, after that of --file-prefix
    #[arg(
        long,
        value_name = "TEXT",
        allow_hyphen_values = true,
        default_value = "",
        hide_default_value = true
    )]
    file_prefix_archive: String,
    /// Prefix of signature files, after that of --file-prefix
    #[arg(
        long,
        value_name = "TEXT",
        allow_hyphen_values = true,
        default_value = "",
        hide_default_value = true
    )]
    file_prefix_signature: String,
    /// Prefix of statistics, after that of --file-prefix
    #[arg(
        long,
        value_name = "TEXT",
        allow_hyphen_values = true,
        default_value = "",
        hide_default_value = true
    )]
    file_prefix_jsonstat: String,
}

impl PrefixOptions {
    /// The prefixes of all kinds.
    ///
    /// # Errors
    /// A prefix that can't be used.
    pub(crate) fn prefixes(&self) -> Result<Prefixes, Failure> {
        let kinds = [
            &*self.file_prefix_manifest,
            &*self.file_prefix_archive,
            &*self.file_prefix_signature,
            &*self.file_prefix_jsonstat,
        ];
        let wrong = |why| Failure::of(Status::Usage, "--file-prefix", why);
        Prefixes::new(&self.file_prefix, kinds).map_err(wrong)
    }
}
