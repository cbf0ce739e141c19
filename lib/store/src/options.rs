//! How stores across a network are reached: the options that all programs with a store share.

use std::path::PathBuf;
use std::time::Duration;

use archive::Prefixes;
use failure::Failure;

use crate::prefix_options::PrefixOptions;

/// The options for stores that are reached through a network.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// Read the settings of SSH from FILE instead of ~/.ssh/config
    #[arg(long, value_name = "FILE")]
    pub ssh_config: Option<PathBuf>,
    /// Set an option of SSH, as -o of ssh does: Port=2222, IdentityFile=FILE,
    /// UserKnownHostsFile=FILE
    #[arg(short = 'o', long = "ssh-option", value_name = "KEY=VALUE")]
    pub ssh_options: Vec<String>,
    /// Try N times to reach the store
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u32).range(1..))]
    pub num_retries: u32,
    /// Wait SECONDS for an answer of the store
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    timeout: u32,
    /// Limit network traffic to KIB KiB per second
    #[arg(long, value_name = "KIB", value_parser = clap::value_parser!(u64).range(1..=1 << 40))]
    bwlimit: Option<u64>,
    #[command(flatten)]
    prefixes: PrefixOptions,
}

impl Options {
    /// What the names of the files in the store begin with.
    ///
    /// # Errors
    /// A prefix that can't be used.
    pub fn prefixes(&self) -> Result<Prefixes, Failure> {
        self.prefixes.prefixes()
    }

    /// How long to wait for an answer.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout.into())
    }

    /// The most that goes through the network, in bytes a second.
    pub(crate) fn rate(&self) -> Option<u64> {
        self.bwlimit.map(|kib| kib << 10)
    }
}
