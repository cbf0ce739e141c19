//! One attack after another, each judged by what it has done.

use tests::raw_sftp::{Answer, RawSftp, Request};

use super::house::{House, SECRET};
use super::tally::Tally;

/// The intruder at work.
pub(crate) struct Intruder<'a> {
    pub(crate) house: &'a House<'a>,
    session: RawSftp,
    pub(crate) tally: Tally,
}

impl<'a> Intruder<'a> {
    pub(crate) fn new(house: &'a House<'a>) -> Intruder<'a> {
        Intruder { house, session: house.session(), tally: Tally::default() }
    }

    /// What the server announces, at its first words.
    pub(crate) fn announced(&self) -> &[String] {
        &self.session.extensions
    }

    /// Does something in a session, and judges it. `act` tells whether it was granted.
    #[track_caller]
    pub(crate) fn tries(
        &mut self,
        kind: &str,
        detail: &str,
        act: impl FnOnce(&mut RawSftp) -> bool,
    ) {
        let granted = act(&mut self.session);
        let effects = self.house.effects();
        self.tally.count(kind, granted, &effects);
        for effect in &effects {
            assert!(effect.is_inside(), "{kind}: {detail}: {effect:?}: outside");
            assert!(
                !self.house.append_only || effect.is_harmless(),
                "{kind}: {detail}: {effect:?}: what is stored is spoiled"
            );
        }
        if !effects.is_empty() {
            self.house.mend(&effects);
        }
        // Who is thrown out comes in again.
        if self.session.ask(&Request::of(REALPATH).text(".")).is_none() {
            self.session = self.house.session();
        }
    }

    /// One request is all there is to it. No answer may hold the secret.
    #[track_caller]
    pub(crate) fn asks(&mut self, kind: &str, detail: &str, request: &Request) {
        self.tries(kind, detail, |session| {
            let answer = session.ask(request);
            assert!(!answer.as_ref().is_some_and(leaks), "{kind}: {detail}: {answer:?}");
            let handle = answer.as_ref().and_then(Answer::handle);
            handle.iter().for_each(|handle| close(session, handle));
            answer.is_some_and(|answer| answer.granted())
        });
    }

    /// Those to try everything on. In a plain account nobody doubts that they can be spoiled: a
    /// committed file and a temporary one will do.
    pub(crate) fn targets(&self) -> Vec<String> {
        let mut files = self.house.files();
        if !self.house.append_only {
            files.truncate(2);
        }
        files
    }
}

/// The answer holds what is outside.
pub(crate) fn leaks(answer: &Answer) -> bool {
    answer.holds(SECRET) || answer.holds(b"root:x:0:0:")
}

/// SSH_FXP_REALPATH
const REALPATH: u8 = 16;

/// SSH_FXP_CLOSE
pub(crate) fn close(session: &mut RawSftp, handle: &[u8]) {
    session.ask(&Request::of(4).text(handle));
}
