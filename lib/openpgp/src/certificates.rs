//! Certificates and secret keys: found in files or in GnuPG's keyring.

use std::path::Path;

use failure::{Failure, OrFail, Status};
use sequoia_openpgp::Cert;
use sequoia_openpgp::cert::CertParser;
use sequoia_openpgp::parse::Parse;

use crate::gpg;
use crate::trouble::failure;

/// Lengths of what counts as a key ID or fingerprint, in hexadecimal digits.
const ID_LENGTHS: [usize; 3] = [8, 16, 40];

/// The certificate that a user means: a file of that name, else a fingerprint, a key ID (of the
/// primary key or a subkey) or a user ID in the user's GnuPG keyring.
pub fn find_certificate(spec: &str) -> Result<Cert, Failure> {
    let path = Path::new(spec);
    if path.is_file() {
        return read_certificate(path);
    }
    if spec.contains('/') || spec.trim().is_empty() {
        return Err(Failure::of(Status::Key, spec, "no such certificate file"));
    }
    let outcome = gpg::run(["--export", "--", &search_term(spec)], None, b"")?;
    if !outcome.success {
        return Err(Failure::of(Status::Key, spec, format!("gpg: {}", outcome.reason())));
    }
    only_one(spec, &outcome.stdout, "no such certificate in the GnuPG keyring")
}

/// The one certificate in a file, armored or binary.
pub fn read_certificate(path: &Path) -> Result<Cert, Failure> {
    let which = path.display().to_string();
    let bytes = std::fs::read(path).or_fail(Status::Key, &which)?;
    only_one(&which, &bytes, "no OpenPGP certificate in this file")
}

/// The one secret key in a file, armored or binary; it may be locked.
pub fn read_secret_key(path: &Path) -> Result<Cert, Failure> {
    let cert = read_certificate(path)?;
    if cert.is_tsk() {
        return Ok(cert);
    }
    let why = "a certificate only, without its secret key";
    Err(Failure::of(Status::Key, path.display(), why))
}

/// A key ID or fingerprint in the form that gpg takes for nothing else; a user ID as it is.
fn search_term(spec: &str) -> String {
    let dense: String = spec.chars().filter(|letter| !letter.is_whitespace()).collect();
    let digits = dense.strip_prefix("0x").or_else(|| dense.strip_prefix("0X")).unwrap_or(&dense);
    let is_id = ID_LENGTHS.contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_hexdigit());
    if is_id { format!("0x{digits}") } else { spec.to_owned() }
}

fn only_one(which: &str, bytes: &[u8], missing: &str) -> Result<Cert, Failure> {
    let no = |why: &str| Failure::of(Status::Key, which, why);
    if bytes.is_empty() {
        return Err(no(missing));
    }
    let mut certs = CertParser::from_bytes(bytes).map_err(|_| no(missing))?;
    let first = certs.next().ok_or_else(|| no(missing))?;
    let first = first.map_err(|error| failure(error, Status::Key, which))?;
    match certs.next() {
        None => Ok(first),
        Some(Ok(second)) if second.fingerprint() == first.fingerprint() => Ok(first),
        Some(_) => Err(no("matches more than one certificate (give a fingerprint)")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_ids_are_known_from_user_ids() {
        assert_eq!(search_term("0123 4567 89AB CDEF"), "0x0123456789ABCDEF");
        assert_eq!(search_term("0xdeadbeef"), "0xdeadbeef");
        assert_eq!(search_term("cat@example.org"), "cat@example.org");
        assert_eq!(search_term("0123456789"), "0123456789");
    }

    #[test]
    fn garbage_is_no_certificate() {
        assert_eq!(only_one("f", b"garbage", "none").unwrap_err().message(), "f: none");
    }
}
