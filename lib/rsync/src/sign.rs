//! Making signatures: the sums of a file's blocks, by which a delta finds them again.

use std::io::Read;

use failure::{Failure, OrFail, Status};

use crate::block::{block_length, lanes};
use crate::strong::Hash;
use crate::sums::Head;
use crate::weak::Kind;
use crate::window::Window;

/// Reads content to its end and returns its signature. `size` is about how many bytes come, and
/// `which` is named in errors.
pub fn sign(which: &str, content: impl Read, size: u64, hash: Hash) -> Result<Vec<u8>, Failure> {
    let head = Head { weak: Kind::Rollsum, hash, block: block_length(size), strong: kept(hash) };
    let mut signature = Vec::new();
    head.write(&mut signature);
    let mut window = Window::new(content);
    let mut zeros = Vec::new();
    loop {
        let most = lanes(head.block) * head.block;
        window.fill(most).or_fail(Status::Failed, which)?;
        let length = window.bytes().len().min(most);
        if length == 0 {
            return Ok(signature);
        }
        let piece = &window.bytes()[..length];
        if length < most || !is_zero(piece) {
            add(&head, piece, &mut signature);
        } else {
            if zeros.is_empty() {
                add(&head, piece, &mut zeros);
            }
            signature.extend(&zeros);
        }
        window.pass(length);
    }
}

/// How many bytes of a strong sum are kept: of BLAKE2 enough that nobody makes two blocks that have
/// the same, of MD4 what duplicity keeps. More would not compress, and weigh in every set.
fn kept(hash: Hash) -> usize {
    match hash {
        Hash::Blake2 => 16,
        Hash::Md4 => 8,
    }
}

/// Whether there are only zeros, as in the holes of a sparse file: their sums are known.
fn is_zero(piece: &[u8]) -> bool {
    piece.chunks(4096).all(|part| part.iter().fold(0, |all, byte| all | byte) == 0)
}

/// Adds the sums of whole blocks, or of the last ones.
fn add(head: &Head, content: &[u8], signature: &mut Vec<u8>) {
    let blocks = || content.chunks(head.block);
    for (block, strong) in blocks().zip(head.hash.sums(blocks())) {
        signature.extend(head.weak.sum(block).to_be_bytes());
        signature.extend(&strong[..head.strong]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_of_zeros_are_those_of_any_content() {
        const SIZE: usize = 1 << 20;
        for hash in [Hash::Blake2, Hash::Md4] {
            for at in [0, 1, SIZE / 2, SIZE - 1, SIZE] {
                let mut content = vec![0; SIZE + 1000];
                content[at] = 1;
                let signature = sign("f", &content[..], SIZE as u64, hash).unwrap();
                let head = Head {
                    weak: Kind::Rollsum,
                    hash,
                    block: block_length(SIZE as u64),
                    strong: kept(hash),
                };
                let mut expected = Vec::new();
                head.write(&mut expected);
                add(&head, &content, &mut expected);
                assert!(signature == expected, "{hash:?} {at}");
            }
        }
    }
}
