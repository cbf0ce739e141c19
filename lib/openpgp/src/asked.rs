//! What GnuPG has told of session keys, so that it can be asked ahead of the turn of a message.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sequoia_openpgp::KeyHandle;
use sequoia_openpgp::crypto::SessionKey;
use sequoia_openpgp::packet::PKESK;
use sequoia_openpgp::types::SymmetricAlgorithm;

/// How many session keys are remembered.
const MOST_REMEMBERED: usize = 4;

/// What GnuPG has told.
#[derive(Default)]
pub(crate) struct Asked(Mutex<Answers>);

#[derive(Default)]
struct Answers {
    /// Who can read the last message whose session key it knew; `None` for a hidden recipient.
    recipients: Vec<Option<KeyHandle>>,
    /// The encrypted session keys of the last messages, and what they are.
    found: VecDeque<(Vec<PKESK>, Found)>,
}

/// A session key, and the cipher that it is for.
pub(crate) type Found = (SymmetricAlgorithm, SessionKey);

impl Asked {
    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of an answer.
    pub(crate) fn remember(&self, pkesks: &[PKESK], found: Found) {
        let mut answers = self.answers();
        answers.recipients = recipients(pkesks).collect();
        answers.found.push_back((pkesks.to_vec(), found));
        if answers.found.len() > MOST_REMEMBERED {
            answers.found.pop_front();
        }
    }

    /// Whether GnuPG is likely to know the session key, without a question to a person: it knew that of the
    /// last message, which had the same recipients.
    pub(crate) fn is_likely(&self, pkesks: &[PKESK]) -> bool {
        !pkesks.is_empty() && recipients(pkesks).eq(self.answers().recipients.iter().cloned())
    }

    /// The answer for a message, if it is remembered.
    pub(crate) fn find(&self, pkesks: &[PKESK]) -> Option<Found> {
        let answers = self.answers();
        let same = answers.found.iter().find(|(known, _)| known == pkesks);
        same.map(|(_, found)| found.clone())
    }
}

fn recipients(pkesks: &[PKESK]) -> impl Iterator<Item = Option<KeyHandle>> + '_ {
    pkesks.iter().map(PKESK::recipient)
}
