//! What opens a message that is written: keys and passphrases.

use std::io::Write;

use failure::Failure;
use sequoia_openpgp::Packet;
use sequoia_openpgp::crypto::{Password, S2K, SessionKey};
use sequoia_openpgp::packet::Key;
use sequoia_openpgp::packet::key::{PublicParts, UnspecifiedRole};
use sequoia_openpgp::packet::pkesk::PKESK3;
use sequoia_openpgp::packet::skesk::SKESK4;
use sequoia_openpgp::serialize::Marshal;

use crate::encrypt::Encryption;
use crate::passphrase::Passphrase;
use crate::protect::CIPHER;
use crate::usable::encryption_key;

/// What opens a message.
pub(crate) struct Keys {
    named: Vec<Key<PublicParts, UnspecifiedRole>>,
    hidden: Vec<Key<PublicParts, UnspecifiedRole>>,
    passphrases: Vec<Password>,
}

impl Keys {
    /// Those of the recipients, if they can be encrypted to.
    pub(crate) fn of(encryption: &Encryption) -> Result<Keys, Failure> {
        let named = encryption.recipients.iter().map(encryption_key).collect::<Result<_, _>>()?;
        let hidden = encryption.hidden_recipients.iter().map(encryption_key);
        let passphrases = encryption.passphrases.iter().map(|Passphrase(words)| words.clone());
        Ok(Keys {
            named,
            hidden: hidden.collect::<Result<_, _>>()?,
            passphrases: passphrases.collect(),
        })
    }

    /// Writes the session key for each of them.
    pub(crate) fn write(
        &self,
        session: &SessionKey,
        out: &mut (impl Write + Send + Sync),
    ) -> anyhow::Result<()> {
        for key in &self.named {
            let packet = PKESK3::for_recipient(CIPHER, session, key)?;
            Packet::PKESK(packet.into()).serialize(out)?;
        }
        for key in &self.hidden {
            let mut packet = PKESK3::for_recipient(CIPHER, session, key)?;
            packet.set_recipient(None);
            Packet::PKESK(packet.into()).serialize(out)?;
        }
        for words in &self.passphrases {
            let (cipher, hash) = (CIPHER, S2K::default());
            let packet = SKESK4::with_password(cipher, cipher, hash, session, words)?;
            Packet::SKESK(packet.into()).serialize(out)?;
        }
        Ok(())
    }
}
