//! The limit of processor time (`ulimit -t`), at which the kernel ends a process without a word.

use std::thread;

use failure::{Failure, Status};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use signal_hook::consts::SIGXCPU;
use signal_hook::iterator::Signals;

use crate::messages;

/// If there is a limit, prints a message and exits when it is reached. At a hard limit the kernel kills, so
/// the soft one is set a second before it.
pub(crate) fn watch(name: &'static str) {
    let Rlimit { current, maximum } = getrlimit(Resource::Cpu);
    let Some(soft) = current else { return };
    if current == maximum && soft > 1 {
        let _ = setrlimit(Resource::Cpu, Rlimit { current: Some(soft - 1), maximum });
    }
    let Ok(mut signals) = Signals::new([SIGXCPU]) else { return };
    // Without the thread, the kernel kills at the hard limit.
    let _ = thread::Builder::new().name("processor time".into()).spawn(move || {
        if signals.forever().next().is_some() {
            let why = "the limit of processor time is reached (ulimit -t)";
            messages::say(name, &Failure::new(Status::Failed, why));
            std::process::exit(Status::Failed.code().into());
        }
    });
}
