//! Whether the terminal shows what is typed. A stage that asks for a passphrase turns that off, and
//! can't turn it on again when it is killed.

use std::fs::File;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

/// What the terminal was like before the command.
pub(crate) struct Typing(Option<(File, Termios)>);

impl Typing {
    pub(crate) fn remember() -> Typing {
        let terminal = File::options().read(true).write(true).open("/dev/tty").ok();
        Typing(
            terminal.and_then(|terminal| tcgetattr(&terminal).ok().map(|modes| (terminal, modes))),
        )
    }

    /// Gives the terminal its modes back, if they have changed.
    pub(crate) fn restore(self) {
        let Typing(Some((terminal, modes))) = self else { return };
        let now = tcgetattr(&terminal).map(|now| now.local_modes);
        if now.is_ok_and(|now| now != modes.local_modes) {
            let _ = tcsetattr(&terminal, OptionalActions::Now, &modes);
        }
    }
}
