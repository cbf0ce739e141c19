//! The options for the prefixes of names.

use archive::{Prefixes, WrongPrefix};
use failure::{Failure, Status};

/// The options for the prefixes of names.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct PrefixOptions {
    /// Use only the files of the store whose names begin with TEXT, and give new files such names:
    /// several backups can lie in one store
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    file_prefix: Option<String>,
    /// Prefix of manifests, after that of --file-prefix
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    file_prefix_manifest: Option<String>,
    /// Prefix of volumes, after that of --file-prefix
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    file_prefix_archive: Option<String>,
    /// Prefix of signature files, after that of --file-prefix
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    file_prefix_signature: Option<String>,
    /// Prefix of statistics, after that of --file-prefix
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    file_prefix_jsonstat: Option<String>,
}

impl PrefixOptions {
    /// The prefixes of all kinds.
    ///
    /// # Errors
    /// A prefix that can't be used.
    pub(crate) fn prefixes(&self) -> Result<Prefixes, Failure> {
        let kinds = [
            &self.file_prefix_manifest,
            &self.file_prefix_archive,
            &self.file_prefix_signature,
            &self.file_prefix_jsonstat,
        ];
        let wrong =
            |WrongPrefix { option, why }| Failure::of(Status::Usage, format!("--{option}"), why);
        let all = self.file_prefix.as_deref().unwrap_or_default();
        let kinds = kinds.map(|kind| kind.as_deref().unwrap_or_default());
        Prefixes::new(all, kinds).map_err(wrong)
    }
}
