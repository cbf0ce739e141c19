//! Signing with a secret key that stays in GnuPG, so that its agent or a card does the work.

use failure::{Failure, Status};
use sequoia_openpgp::packet::one_pass_sig::OnePassSig3;
use sequoia_openpgp::packet::{OnePassSig, Signature};
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::types::SignatureType;
use sequoia_openpgp::{Cert, Fingerprint, Packet, PacketPile};

use crate::gpg::{self, Gpg, Outcome};
use crate::passphrase::Passphrase;
use crate::signer::HASH;
use crate::usable::PublicKey;

/// A secret key that only GnuPG's agent can use.
#[derive(Clone, Debug)]
pub(crate) struct GnuPGKey {
    key: PublicKey,
    passphrase: Option<Passphrase>,
}

/// The keys of a certificate whose secret part GnuPG has itself or knows on which card it is.
pub(crate) fn secret_keys_in_gnupg(cert: &Cert) -> Result<Vec<Fingerprint>, Failure> {
    let id = format!("0x{:X}", cert.fingerprint());
    let list = gpg::run(["--with-colons", "--list-secret-keys", "--", &id], None, b"")?;
    let text = String::from_utf8_lossy(&list.stdout).into_owned();
    let mut found = Vec::new();
    let mut at_hand = false;
    for line in text.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        match fields.first() {
            // Field 15 is "#" where only a stub is left.
            Some(&"sec" | &"ssb") => at_hand = fields.get(14) != Some(&"#"),
            Some(&"fpr") if at_hand => found.extend(fields.get(9).and_then(|id| id.parse().ok())),
            _ => {}
        }
    }
    Ok(found)
}

impl GnuPGKey {
    /// Tries the key on nothing, with the passphrase and then without: a key that can't be used
    /// is found before anything is encrypted, and the agent may know better than the user.
    pub(crate) fn open(key: PublicKey, passphrase: Option<Passphrase>) -> Result<Self, Failure> {
        let key = GnuPGKey { key, passphrase };
        if key.passphrase.is_none() {
            return key.detached(b"").map(|_| key);
        }
        let Err(refused) = key.detached(b"") else {
            return Ok(key);
        };
        let agent = GnuPGKey { passphrase: None, ..key };
        agent.detached(b"").map(|_| agent).map_err(|_| refused)
    }

    /// The packet that announces the signature in front of the signed data.
    pub(crate) fn announcement(&self) -> Packet {
        let mut packet = OnePassSig3::new(SignatureType::Binary);
        packet.set_pk_algo(self.key.pk_algo());
        packet.set_hash_algo(HASH);
        packet.set_issuer(self.key.keyid());
        packet.set_last(true);
        OnePassSig::from(packet).into()
    }

    /// Starts to sign what is fed to it.
    pub(crate) fn start(&self) -> Result<Gpg, Failure> {
        self.call(&["--no-armor", "--detach-sign"])
    }

    /// The signature over all that was fed.
    pub(crate) fn finish(&self, gpg: Gpg) -> Result<Packet, Failure> {
        let outcome = self.succeeded(gpg.finish()?)?;
        let packets = PacketPile::from_bytes(&outcome.stdout).ok();
        match packets.map(|pile| pile.into_children().collect::<Vec<_>>()).as_deref() {
            Some([Packet::Signature(signature)]) if self.is_announced(signature) => {
                Ok(Packet::Signature(signature.clone()))
            }
            _ => Err(self.failure("made another kind of signature than asked for")),
        }
    }

    /// A cleartext-signed text.
    pub(crate) fn cleartext(&self, text: &[u8]) -> Result<Vec<u8>, Failure> {
        let mut gpg = self.call(&["--clear-sign"])?;
        gpg.feed(text);
        Ok(self.succeeded(gpg.finish()?)?.stdout)
    }

    fn detached(&self, text: &[u8]) -> Result<Packet, Failure> {
        let mut gpg = self.start()?;
        gpg.feed(text);
        self.finish(gpg)
    }

    fn call(&self, what: &[&str]) -> Result<Gpg, Failure> {
        let key = format!("{:X}!", self.key.fingerprint());
        let hash = HASH.to_string();
        let common =
            ["--digest-algo", &hash, "--no-emit-version", "--no-comments", "--local-user", &key];
        Gpg::start(common.iter().chain(what), self.passphrase.as_ref())
    }

    fn is_announced(&self, signature: &Signature) -> bool {
        signature.typ() == SignatureType::Binary
            && signature.hash_algo() == HASH
            && signature.pk_algo() == self.key.pk_algo()
    }

    fn succeeded(&self, outcome: Outcome) -> Result<Outcome, Failure> {
        if outcome.success { Ok(outcome) } else { Err(self.failure(outcome.reason())) }
    }

    fn failure(&self, why: &str) -> Failure {
        let id = self.key.fingerprint();
        Failure::new(Status::Key, format!("signing key {id:X}: gpg: {why}"))
    }
}
