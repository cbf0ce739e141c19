//! How many threads a program runs.

use std::num::NonZero;
use std::thread::available_parallelism;

/// How many threads run unasked: more need more memory, and wait for the rest of the pipe.
const MOST: NonZero<usize> = NonZero::new(8).unwrap();

/// The argument of programs that run several threads.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct Jobs {
    /// Use N threads [default: one per processor, at most 8]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZero<u8>>,
}

impl Jobs {
    /// How many threads may work.
    pub fn count(self) -> NonZero<usize> {
        let processors = || available_parallelism().unwrap_or(NonZero::<usize>::MIN);
        self.jobs.map_or_else(|| processors().min(MOST), NonZero::from)
    }
}
